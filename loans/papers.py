"""Papers about loans as PDF: the statement of a span of days, the certificate that a loan is settled. Pure reading."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from loans.models import Loan
from loans.monthly_paper import loan_write
from loans.selectors.monthly import loan_span
from weilidai.lib.money import ZERO
from weilidai.lib.pdf import Paper, paper_pdf

Row = tuple[str, str]

PAID_TEXT = gettext_noop(
    "This is to certify that the loan named below, paid out on %(start)s to %(name)s, was repaid in full on "
    "%(settled)s. Principal, interest, fees and penalties are all paid; nothing is owed on it any more."
)
WAIVED_TEXT = gettext_noop(
    "This is to certify that the loan named below, paid out on %(start)s to %(name)s, was repaid in full on "
    "%(settled)s. Principal, interest and fees are all paid, penalties are paid or waived; nothing is owed on it any "
    "more."
)


def settlement_certificate_pdf(loan: Loan, *, on: date) -> bytes:
    """States that the loan was repaid in full (结清证明). The caller has checked that it was."""
    words = {"start": _day(loan.start_date), "name": loan.customer.name, "settled": _day(loan.settled_date)}
    body = _(WAIVED_TEXT if loan.penalty_waived_amount else PAID_TEXT) % words
    return paper_pdf(
        title=_("Certificate of settlement"),
        body=f"{body}\n\n{_issued(on)}",
        rows=list(_particulars(loan)),
        footer=str(loan.pk),
    )


def _particulars(loan: Loan) -> Iterator[Row]:
    yield _("Loan"), str(loan.pk)
    yield _("Borrower"), loan.customer.name
    yield _("Product"), str(loan.product)
    yield _("Principal"), _yuan(loan.principal_amount)
    yield _("Paid out on"), _day(loan.start_date)
    yield _("Agreed last due date"), _day(loan.due_date)
    yield _("Settled on"), _day(loan.settled_date)
    yield _("Interest paid"), _yuan(loan.interest_paid_amount)
    yield _("Fees paid"), _yuan(loan.fee_paid_amount + loan.settlement_fee_amount)
    yield _("Penalty paid"), _yuan(loan.penalty_paid_amount - loan.penalty_waived_amount)
    if loan.penalty_waived_amount:
        yield _("Penalty waived"), _yuan(loan.penalty_waived_amount)
    yield _("Still owed"), _yuan(ZERO)


def statement_pdf(loan: Loan, *, first: date, last: date, on: date) -> bytes:
    """What happened on the loan from `first` to `last`, and where it stood at the beginning and the end."""
    paper = Paper(str(loan.pk))
    paper.set_title(_("Loan statement"))
    paper.heading(_("Loan statement"), 17, align="C", space=4)
    words = {"name": loan.customer.name, "first": _day(first), "last": _day(last)}
    paper.line_of_text(_("Customer: %(name)s") % words, 10, space=0.5)
    paper.line_of_text(_("From %(first)s to %(last)s. Amounts are in yuan.") % words, 10, space=0.5)
    paper.line_of_text(_issued(on), 10, space=4)
    if loan.start_date is None or last < loan.start_date:
        paper.line_of_text(_("Nothing was lent yet"), 10.5)
    else:
        # The day that is not over yet is told as it stands, others as their night left them.
        loan_write(paper, loan_span(loan, first, last, valued=on if last >= on else None))
    return bytes(paper.output())


def _yuan(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _issued(on: date) -> str:
    return _("Issued on %(day)s.") % {"day": _day(on)}


def _day(day: date | None) -> str:
    return day.isoformat() if day else "–"
