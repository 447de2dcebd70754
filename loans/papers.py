"""Papers about loans as PDF: the statement of a span of days, the certificate that a loan is settled. Pure reading."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from loans.models import Loan, LoanEvent
from loans.selectors.position import loan_position
from weilidai.lib.money import ZERO
from weilidai.lib.pdf import paper_pdf

Row = tuple[str, str]


def settlement_certificate_pdf(loan: Loan, *, on: date) -> bytes:
    """States that the loan was repaid in full (结清证明). The caller has checked that it was."""
    body = _(
        "This is to certify that the loan named below, paid out on %(start)s to %(name)s, was repaid in full on "
        "%(settled)s. Principal, interest, fees and penalties are all paid; nothing is owed on it any more."
    ) % {"start": _day(loan.start_date), "name": loan.customer.name, "settled": _day(loan.settled_date)}
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
    """What happened on the loan from `first` to `last`, and where it stood at the end of each of the two days."""
    events = [row for row in loan.events.all() if first <= row.business_date <= last]
    rows = [*_standing(_("At the beginning"), loan, first, before=True)]
    rows += [(_event_day(row), _event_text(row)) for row in sorted(events, key=lambda row: row.sequence)]
    rows += _standing(_("At the end"), loan, last, before=False)
    body = _("Loan %(loan)s of %(name)s, from %(first)s to %(last)s. Amounts are in yuan.") % {
        "loan": loan.pk,
        "name": loan.customer.name,
        "first": _day(first),
        "last": _day(last),
    }
    return paper_pdf(
        title=_("Loan statement"),
        body=f"{body}\n\n{_issued(on)}",
        rows=rows,
        footer=str(loan.pk),
    )


def _standing(label: str, loan: Loan, day: date, *, before: bool) -> Iterator[Row]:
    """Principal and debt at the opening or the end of a day, as the book knew it then."""
    start = loan.start_date or day
    if day < start or (before and day == start):
        yield label, _("Nothing was lent yet")
        return
    known = date.fromordinal(day.toordinal() - 1) if before else day
    now = loan_position(loan, day, events_until=known)
    yield (
        label,
        _("%(principal)s principal, %(interest)s interest, %(fee)s fees, %(penalty)s penalty owed")
        % {
            "principal": _yuan(now.outstanding_principal),
            "interest": _yuan(now.interest_unpaid),
            "fee": _yuan(now.fees_unpaid),
            "penalty": _yuan(now.penalty_unpaid),
        },
    )


def _event_day(row: LoanEvent) -> str:
    if row.effective_date == row.business_date:
        return _day(row.business_date)
    return _("%(entered)s, counts from %(effective)s") % {
        "entered": _day(row.business_date),
        "effective": _day(row.effective_date),
    }


def _event_text(row: LoanEvent) -> str:
    parts = (
        (_("principal"), row.principal_amount),
        (_("interest"), row.interest_amount),
        (_("fee"), row.fee_amount),
        (_("penalty"), row.penalty_amount),
    )
    total = sum((amount for _name, amount in parts), ZERO)
    told = ", ".join(f"{name} {_yuan(amount)}" for name, amount in parts if amount)
    return f"{row.get_kind_display()} {_yuan(total)} ({told})" if told else str(row.get_kind_display())


def _yuan(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _issued(on: date) -> str:
    return _("Issued on %(day)s.") % {"day": _day(on)}


def _day(day: date | None) -> str:
    return day.isoformat() if day else "–"
