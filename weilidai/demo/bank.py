"""The sandbox bank's answers to the payouts of a day that is not the clock's."""

from datetime import date, datetime, timedelta

from loans.models import UNDECIDED, Payout
from loans.services.payout import payouts_advance
from loans.services.sandbox_bank import sandbox_callbacks_deliver

ROUNDS_MAX, PAUSE = 100, timedelta(seconds=2)


def payouts_settle(*, as_of: date, at: datetime) -> None:
    """From `at` on, until the bank has answered all; what it owes an answer for longer waits for the next day."""
    for _ in range(ROUNDS_MAX):
        if not Payout.objects.filter(state__in=UNDECIDED).exists():
            break
        payouts_advance(at=at, as_of=as_of)
        at += PAUSE
        sandbox_callbacks_deliver(at=at, as_of=as_of)
