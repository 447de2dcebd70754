"""Counting what customers do, so that limits of frequency hold under parallel requests (R37)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Customer
from risk.models import ActCounter
from risk.rules.screening.places import TIMES_KEPT, WINDOW_MINUTES_MAX
from weilidai.lib.bulk import row_update
from weilidai.lib.prepared import prepared

KEPT_MS = WINDOW_MINUTES_MAX * 60_000


@transaction.atomic(savepoint=False)
def act_count(*, customer: Customer, act: str, at: datetime) -> list[int]:
    """Counts this act and returns how many seconds ago each of the last day was, this one (0) first.

    The counter's row stays locked until the caller's transaction ends: of parallel acts each sees those before it.
    What a refused request counted is undone with it.
    """
    found = counter_locked(customer.pk, act)
    if not found:
        ActCounter.objects.bulk_create([ActCounter(customer=customer, act=act)], ignore_conflicts=True)
        found = counter_locked(customer.pk, act)
    [counter] = found
    now = milliseconds(at)
    counter.times = [*[time for time in counter.times if time > now - KEPT_MS], now][-TIMES_KEPT:]
    row_update(counter, "times")
    return sorted([(now - time) // 1000 if time < now else 0 for time in counter.times])


@prepared
def counter_locked(customer: Any, act: Any) -> Any:
    return ActCounter.objects.select_for_update(no_key=True).filter(customer=customer, act=act)


def milliseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
