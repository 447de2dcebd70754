"""Reminders for the day that opens: before, on and after a due date, once each (R60)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from accounts.services.notification import Notice, notifications_send
from loans.end_of_day.run import Progress
from loans.maths.delinquency import days_past_due
from loans.maths.running import Running, interest_on
from loans.models import Instalment, Loan, LoanEvent, LoanPlan, LoanState
from loans.selectors.position import loan_position
from weilidai.lib.money import ZERO

BATCH = 500
# Days from the due date to the day of the reminder → kind of notice.
SCHEDULE = {
    -3: "due_soon",
    0: "due_today",
    1: "overdue",
    3: "overdue",
    7: "overdue",
    15: "overdue",
    30: "overdue",
}


@dataclass(frozen=True)
class Owed:
    """An instalment to remind of, and what is to be paid then."""

    instalment_id: UUID
    customer_id: UUID
    due_date: date
    amount: Decimal
    days_past_due: int


def reminders_send(day: date, progress: Progress) -> dict[str, Any]:
    """Writes the notices for the day after `day`; a notice already written is not written again."""
    opening, sent = day + timedelta(days=1), 0
    for number, (offset, kind) in enumerate(SCHEDULE.items(), start=1):
        rows = _unpaid_due_on(opening - timedelta(days=offset))
        while batch := list(islice(rows, BATCH)):
            sent += notifications_send(
                [_notice(owed, kind, opening) for owed in _owed(batch, opening) if owed.amount], business_date=opening
            )
        progress(number, len(SCHEDULE))
    return {"sent": sent}


def _unpaid_due_on(due: date) -> Iterator[Instalment]:
    rows = Instalment.objects.filter(due_date=due, settled_date__isnull=True, loan__state=LoanState.ACTIVE)
    return rows.select_related("loan").order_by("pk").iterator(chunk_size=BATCH)


def _notice(owed: Owed, kind: str, opening: date) -> Notice:
    return Notice(
        customer_id=owed.customer_id,
        kind=kind,
        params={
            "amount": str(owed.amount),
            "due_date": owed.due_date.isoformat(),
            "days": owed.days_past_due,
        },
        dedupe_key=f"{kind}:{owed.instalment_id}:{opening}",
    )


def _owed(batch: list[Instalment], opening: date) -> Iterator[Owed]:
    """From the columns while the loan is on time and nothing happened after `opening`, else from its events."""
    keys = [row.loan_id for row in batch]
    later = set(LoanEvent.objects.filter(loan__in=keys, effective_date__gt=opening).values_list("loan_id", flat=True))
    told = [row for row in batch if row.loan_id not in later and _is_told_by_columns(row, opening)]
    for row in told:
        yield Owed(row.pk, row.loan.customer_id, row.due_date, _amount(row), 0)
    rest = {row.loan_id: row for row in batch if row not in told}
    for loan in Loan.objects.filter(pk__in=rest).prefetch_related("events"):
        row = rest[loan.pk]
        position = loan_position(loan, max(opening, row.due_date), events_until=opening)
        days = days_past_due(position.oldest_unpaid_due_date, opening)
        yield Owed(row.pk, loan.customer_id, row.due_date, position.due_amount, days)


def _is_told_by_columns(row: Instalment, opening: date) -> bool:
    """On time, no older penalty waiting, and interest that the columns carry."""
    loan = row.loan
    simple = loan.plan == LoanPlan.SINGLE or not loan.with_interest
    return simple and row.due_date >= opening and loan.next_due_date == row.due_date and not loan.penalty_claimed_amount


def _amount(row: Instalment) -> Decimal:
    """What is due on the row's due date if nothing is paid before."""
    loan = row.loan
    amount: Decimal = row.principal_amount - row.principal_paid_amount + row.fee_amount - row.fee_paid_amount
    if loan.plan != LoanPlan.SINGLE or loan.segment_start_date is None:
        return amount
    running = Running(
        accrues=True, outstanding=loan.outstanding_principal_amount, daily_rate=loan.daily_rate,
        since=loan.segment_start_date, interest=loan.interest_settled_amount, fee=ZERO, exposure=ZERO,
        penalty_claimed=ZERO, penalty_paid=ZERO, cost_cap_rate=None,
    )  # fmt: skip
    interest: Decimal = interest_on(running, row.due_date) - loan.interest_paid_amount
    return amount + interest
