"""Handing the tape over: a row for each loan on which something was entered that day."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Q

from loans.maths.state import LoanPosition, position_of
from loans.models import Loan, LoanEvent, LoanPlan, LoanState, Rearrangement
from loans.selectors.earned import in_batches
from loans.selectors.position import is_open, is_returned, is_written_off, loan_book, loan_events
from risk.models import LoanTape
from risk.services.tape import tape_selected_write, tape_write
from weilidai.lib.partitions import EVERYTHING, Span

BATCH = 2000
# What the row says of the loan itself, and what only holds while nothing happens.
COLUMNS = (
    "pk", "customer_id", "credit_line_id", "product_id", "state", "plan", "start_date", "due_date", "principal_amount",
    "outstanding_principal_amount", "next_due_date", "daily_rate",
)  # fmt: skip
TAPE_COLUMNS = ("loan_id", *COLUMNS[1:10], "unpaid_due_date", "daily_rate")

# `_told` as a statement.
STATEMENT = """
SELECT id AS loan_id, customer_id, credit_line_id, product_id, %(day)s::date AS business_date, NULL::date AS valid_to,
       state, plan, start_date, due_date, principal_amount, outstanding_principal_amount,
       next_due_date AS unpaid_due_date, daily_rate, 0 AS class_floor_days, NULL::date AS class_floor_until_date
FROM loans_loan
WHERE id IN (SELECT loan_id FROM loans_loanevent
             WHERE business_date = %(day)s AND loan_id BETWEEN %(first)s AND %(last)s)
  AND start_date IS NOT NULL AND state IN ('active', 'settled') AND rearranged_date IS NULL
  AND (NOT (plan = 'instalments' AND with_interest) OR segment_start_date = %(day)s)
  AND id NOT IN (SELECT loan_id FROM loans_loanevent
                 WHERE business_date > %(day)s AND loan_id BETWEEN %(first)s AND %(last)s)
"""


def tape_hand_over(day: date, span: Span = EVERYTHING) -> dict[str, Any]:
    """The tape of one business date; what happened after it is not looked at. Cost follows the day's events."""
    written = _told_write(day, span)
    # A loan that is paid in between is written again, the same.
    for batch in in_batches(_entered(day, span).exclude(_is_told(day))):
        written += tape_write(business_date=day, rows=[tape_row(loan, day) for loan in batch])
    return {"written": written}


def _told_write(day: date, span: Span) -> int:
    if connection.vendor == "postgresql":
        return tape_selected_write(STATEMENT, {"day": day, **span.params}, business_date=day)
    written, told = 0, _told(day, span)
    while rows := list(islice(told, BATCH)):
        written += tape_write(business_date=day, rows=rows)
    return written


def _entered(day: date, span: Span) -> Any:
    entered = LoanEvent.objects.filter(span.within("loan"), business_date=day).values("loan_id")
    return Loan.objects.filter(start_date__isnull=False, pk__in=entered)


def _is_told(day: date) -> Q:
    """The columns stand for the end of the day: nothing happened later, and no period's end since the last event
    counts, as it does on plans with interest beside the fee.
    """
    later = LoanEvent.objects.filter(business_date__gt=day).values("loan_id")
    settled_by_day = ~Q(plan=LoanPlan.INSTALMENTS, with_interest=True) | Q(segment_start_date=day)
    stands = Q(state__in=(LoanState.ACTIVE, LoanState.SETTLED), rearranged_date__isnull=True)
    return stands & settled_by_day & ~Q(pk__in=later)


def _told(day: date, span: Span) -> Iterator[LoanTape]:
    rows = _entered(day, span).filter(_is_told(day)).order_by().values_list(*COLUMNS)
    for values in rows.iterator(chunk_size=BATCH):
        yield LoanTape(business_date=day, **dict(zip(TAPE_COLUMNS, values, strict=True)))


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
    """The newest rearrangement known by the end of the day and not known to be undone."""
    if loan.rearranged_date is None:
        return None
    known = Rearrangement.objects.filter(loan=loan, effective_date__lte=day)
    known = known.exclude(event__reversed_by__business_date__lte=day)
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
