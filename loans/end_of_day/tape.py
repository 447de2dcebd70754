"""Handing the tape over: a row for each loan on which something was entered that day."""

from datetime import date
from typing import Any

from loans.end_of_day.run import Progress
from loans.maths.state import LoanPosition, position_of
from loans.models import Loan, LoanEvent, LoanState, Rearrangement
from loans.selectors.earned import in_batches
from loans.selectors.position import is_open, is_returned, is_written_off, loan_book, loan_events
from risk.models import LoanTape
from risk.services.tape import tape_write


def tape_hand_over(day: date, progress: Progress) -> dict[str, Any]:
    """The tape of one business date; what happened after it is not looked at. Cost follows the day's events."""
    entered = LoanEvent.objects.filter(business_date=day).values("loan_id")
    written = 0
    for batch in in_batches(Loan.objects.filter(start_date__isnull=False, pk__in=entered)):
        written += tape_write(business_date=day, rows=[tape_row(loan, day) for loan in batch])
        progress(written, written)
    return {"written": written}


def tape_row(loan: Loan, day: date) -> LoanTape:
    """The loan as it was known at the end of `day`."""
    book = loan_book(loan, day, events_until=day)
    position = position_of(book)
    if loan.start_date is None:
        raise ValueError(f"loan {loan.pk} was not paid out")
    floor = _class_floor(loan, day)
    return LoanTape(
        loan_id=loan.pk,
        customer_id=loan.customer_id,
        credit_line_id=loan.credit_line_id,
        product_id=loan.product_id,
        business_date=day,
        state=_state(loan, position, day),
        plan=loan.plan,
        start_date=loan.start_date,
        due_date=book.terms.last_due_date,
        principal_amount=loan.principal_amount,
        outstanding_principal_amount=position.outstanding_principal,
        unpaid_due_date=_unpaid_due_date(loan, position),
        daily_rate=loan.daily_rate if floor is None else floor.daily_rate,
        class_floor_days=0 if floor is None else floor.class_floor_days,
        class_floor_until_date=None if floor is None else floor.class_floor_until_date,
    )


def _class_floor(loan: Loan, day: date) -> Rearrangement | None:
    """The newest rearrangement known by the end of the day."""
    if loan.rearranged_date is None:
        return None
    known = Rearrangement.objects.filter(loan=loan, effective_date__lte=day)
    return known.order_by("-version").first()


def _state(loan: Loan, position: LoanPosition, day: date) -> str:
    """By the events known on the day: the row's own state may be further on already."""
    events = loan_events(loan, day)
    if is_returned(events):
        return str(LoanState.FAILED)
    if is_written_off(events):
        return str(LoanState.WRITTEN_OFF)
    return str(LoanState.SETTLED if position.is_paid_off else LoanState.ACTIVE)


def _unpaid_due_date(loan: Loan, position: LoanPosition) -> date | None:
    return min((row.due_date for row in position.instalments if is_open(row, position)), default=None)
