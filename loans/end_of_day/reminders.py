"""Reminders for the day that opens: before, on and after a due date, once each (R60)."""

from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.services.notification import notification_send
from loans.end_of_day.run import Progress
from loans.models import Instalment, LoanState
from loans.selectors.position import loan_position

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


def _unpaid_due_on(due: date) -> QuerySet[Instalment]:
    return (
        Instalment.objects.filter(due_date=due, settled_date__isnull=True, loan__state=LoanState.ACTIVE)
        .select_related("loan__customer")
        .prefetch_related("loan__events")
    )


def reminders_send(day: date, progress: Progress) -> dict[str, Any]:
    """Writes the notices for the day after `day`; a notice already written is not written again."""
    opening, sent = day + timedelta(days=1), 0
    for number, (offset, kind) in enumerate(SCHEDULE.items(), start=1):
        for instalment in _unpaid_due_on(opening - timedelta(days=offset)).iterator(chunk_size=500):
            sent += _remind(instalment, kind, opening)
        progress(number, len(SCHEDULE))
    return {"sent": sent}


@transaction.atomic
def _remind(instalment: Instalment, kind: str, opening: date) -> int:
    position = loan_position(instalment.loan, max(opening, instalment.due_date), events_until=opening)
    if not position.due_amount:
        return 0
    notification_send(
        customer=instalment.loan.customer,
        kind=kind,
        params={
            "amount": str(position.due_amount),
            "due_date": instalment.due_date.isoformat(),
            "days": position.days_past_due,
        },
        dedupe_key=f"{kind}:{instalment.pk}:{opening}",
        business_date=opening,
    )
    return 1
