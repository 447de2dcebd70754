"""The monthly statement of a customer (对账单) as PDF, in the language of the moment: the same bytes each time."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from loans.selectors.monthly import CustomerMonth, Heads, Held, LoanMonth, Movement
from weilidai.lib.money import ZERO
from weilidai.lib.pdf import Paper

HEAD_WIDTHS = (26, 18, 16, 16, 16, 18)
MOVEMENT_WIDTHS = (17, 24, 17, 14, 14, 14, 17)


def monthly_statement_pdf(month: CustomerMonth) -> bytes:
    """Everything the customer owed, drew, was charged and repaid in a month, loan by loan."""
    paper = Paper(f"{month.customer.pk}   {_month(month.first)}")
    paper.set_title(_("Monthly statement"))
    paper.heading(_("Monthly statement"), 17, align="C", space=4)
    for line in _opening_words(month):
        paper.line_of_text(line, 10, space=0.5)
    paper.ln(3)
    if not month.loans:
        paper.line_of_text(_("Nothing was owed and nothing happened in this month."), 10.5)
    if len(month.loans) > 1:
        paper.heading(_("All loans together"), 12)
        paper.grid(_head_titles(), _sums(month), widths=HEAD_WIDTHS)
    for row in month.loans:
        loan_write(paper, row)
    _held_write(paper, month.held)
    return bytes(paper.output())


def _opening_words(month: CustomerMonth) -> Iterator[str]:
    yield _("Customer: %(name)s") % {"name": month.customer.name}
    yield _("From %(first)s to %(last)s, as known at the end of %(last)s. Amounts are in yuan.") % {
        "first": month.first.isoformat(),
        "last": month.last.isoformat(),
    }
    yield _("Owed at the end = owed at the beginning + drawn + charged − repaid − waived.")


def _head_titles() -> tuple[str, ...]:
    return "", _("principal"), _("interest"), _("fee"), _("penalty"), _("total")


def loan_write(paper: Paper, row: LoanMonth) -> None:
    """A loan with its heads, what is to be said of it, and its movements."""
    loan = row.loan
    named = {"product": loan.product, "day": loan.start_date, "amount": _yuan(loan.principal_amount)}
    paper.heading(_("%(product)s, paid out on %(day)s, principal %(amount)s") % named, 12, space=0.5)
    paper.line_of_text(_("Loan %(loan)s") % {"loan": loan.pk}, 8.5)
    paper.grid(_head_titles(), _loan_rows(row), widths=HEAD_WIDTHS)
    for line in _remarks(row):
        paper.line_of_text(line, 9.5, space=0.5)
    if row.movements:
        paper.ln(1.5)
        header = (_("Day"), _("Movement"), *_head_titles()[1:])
        paper.grid(header, _movement_rows(row), widths=MOVEMENT_WIDTHS, texts=2)
    paper.ln(3)


def _remarks(row: LoanMonth) -> Iterator[str]:
    if row.is_written_off:
        yield _("This loan is written off in our books; the claim stays.")
    if row.overdue:
        yield _("Overdue at the end: %(amount)s") % {"amount": _yuan(row.overdue)}
    for day, amount in row.due_next:
        yield _("Due next month, on %(day)s: %(amount)s") % {"day": day.isoformat(), "amount": _yuan(amount)}


def _loan_rows(row: LoanMonth) -> Iterator[tuple[str, ...]]:
    yield _heads(_("Owed at the beginning"), row.opening)
    yield _heads(_("Drawn"), row.drawn)
    yield _heads(_("Charged"), row.charged)
    yield _heads(_("Repaid"), row.repaid)
    if row.waived.total:
        yield _heads(_("Waived"), row.waived)
    yield _heads(_("Owed at the end"), row.closing)


def _sums(month: CustomerMonth) -> Iterator[tuple[str, ...]]:
    yield _heads(_("Owed at the beginning"), month.total("opening"))
    yield _heads(_("Drawn"), month.total("drawn"))
    yield _heads(_("Charged"), month.total("charged"))
    yield _heads(_("Repaid"), month.total("repaid"))
    if month.total("waived").total:
        yield _heads(_("Waived"), month.total("waived"))
    yield _heads(_("Owed at the end"), month.total("closing"))


def _movement_rows(row: LoanMonth) -> Iterator[tuple[str, ...]]:
    for movement in row.movements:
        yield (_days(movement), movement.label, *_amounts(movement.heads))
    if any(row.moved_heads.parts):
        yield ("", _("Put right: what earlier payments paid"), *_amounts(row.moved_heads))


def _days(movement: Movement) -> str:
    """The day of entry, with the day it counts from where that is another."""
    if movement.counts == movement.entered:
        return movement.entered.isoformat()
    return f"{movement.entered:%m-%d} ({movement.counts:%m-%d})"


def _held_write(paper: Paper, held: Held) -> None:
    if not (held.opening or held.moved):
        return
    paper.heading(_("Held for you, not yet used for any loan"), 12)
    values = (held.opening, held.moved, held.closing)
    titles = (_("At the beginning"), _("Movement"), _("At the end"))
    paper.grid(titles, [tuple(map(_yuan, values))], widths=(1, 1, 1), texts=0)


def _heads(label: str, heads: Heads) -> tuple[str, ...]:
    return (label, *_amounts(heads))


def _amounts(heads: Heads) -> tuple[str, ...]:
    return tuple(map(_yuan, (*heads.parts, heads.total)))


def _yuan(amount: Decimal) -> str:
    return f"{amount or ZERO:,.2f}"


def _month(first: date) -> str:
    return f"{first:%Y-%m}"
