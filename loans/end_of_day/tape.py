"""Handing the tape over: a row for each loan on which something was entered that day."""

from datetime import date
from typing import Any

from loans.end_of_day.run import Progress
from loans.maths.state import LoanPosition
from loans.models import Loan, LoanEvent, LoanState
from loans.selectors.earned import in_batches
from loans.selectors.position import is_open, is_returned, is_written_off, loan_events, loan_position
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
    position = loan_position(loan, day, events_until=day)
    if loan.start_date is None or loan.due_date is None:
        raise ValueError(f"loan {loan.pk} was not paid out")
    return LoanTape(
        loan_id=loan.pk,
        customer_id=loan.customer_id,
        credit_line_id=loan.credit_line_id,
        product_id=loan.product_id,
        business_date=day,
        state=_state(loan, position, day),
        plan=loan.plan,
        start_date=loan.start_date,
        due_date=loan.due_date,
        principal_amount=loan.principal_amount,
        outstanding_principal_amount=position.outstanding_principal,
        unpaid_due_date=_unpaid_due_date(loan, position),
        daily_rate=loan.daily_rate,
    )


def _state(loan: Loan, position: LoanPosition, day: date) -> str:
    """By the events known on the day: the row's own state may be further on already."""
    events = loan_events(loan, day)
    if is_returned(events):
        return str(LoanState.FAILED)
    if is_written_off(events):
        return str(LoanState.WRITTEN_OFF)
    return str(LoanState.SETTLED if position.is_paid_off else LoanState.ACTIVE)


def _unpaid_due_date(loan: Loan, position: LoanPosition) -> date | None:
    return min((row.due_date for row in position.instalments if is_open(loan, row, position)), default=None)
