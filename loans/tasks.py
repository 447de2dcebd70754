"""Bells of the payouts and of the night. What is due stands in the database; these only look."""

import time
from datetime import datetime, timedelta

import structlog
from celery import shared_task
from django.conf import settings
from django.db import connection
from django.db.models import Min
from django.utils import timezone
from kombu.exceptions import OperationalError

from loans.end_of_day.run import DayAhead, StepBusy, day_to_close_by_clock, days_close
from loans.end_of_day.steps import STEPS
from loans.models import UNDECIDED, Payout, SandboxPayment
from loans.services.books import books_watch
from loans.services.payout import payouts_advance
from loans.services.seal import journal_seal
from weilidai.lib.bell import Bell
from weilidai.lib.business_date import current_business_date

log = structlog.get_logger(__name__)

ROUNDS_MAX = 12
ROUND_SECONDS = 0.15
SEAL_ROUNDS_MAX = 200
# A ring older than this has been overtaken by the next one of beat.
RING_EXPIRES_SECONDS = 5
# How many workers a night asks for beside its first, and how long each waits for the others' last ranges.
NIGHT_HELPERS = 3
NIGHT_PATIENCE = timedelta(seconds=20)


@shared_task(name="loans.payouts_advance")
def payouts_advance_task() -> int:
    """Payouts that are due, and what follows from them within moments; the number of steps taken."""
    done = 0
    for _ in range(ROUNDS_MAX):
        done += _round()
        if not _due_within(timedelta(seconds=ROUND_SECONDS * 4)):
            break
        time.sleep(ROUND_SECONDS)
    return done


def _round() -> int:
    at, as_of = timezone.now(), current_business_date()
    return payouts_advance(at=at, as_of=as_of) + _sandbox_post(at)


def _sandbox_post(at: datetime) -> int:
    """Only the sandbox bank needs somebody to carry its call-backs."""
    if settings.PROVIDERS["payout"]["kind"] != "sandbox":
        return 0
    from loans.services.sandbox_bank import sandbox_callbacks_deliver

    return sandbox_callbacks_deliver(at=at, as_of=current_business_date())


def _due_within(span: timedelta) -> bool:
    until = timezone.now() + span
    payouts = Payout.objects.filter(state__in=UNDECIDED, claimed_until__isnull=True)
    first = payouts.aggregate(first=Min("next_attempt_at"))["first"]
    letter = SandboxPayment.objects.filter(callbacks_left__gt=0).aggregate(first=Min("callback_due_at"))["first"]
    return any(due is not None and due <= until for due in (first, letter))


def payouts_ring() -> None:
    """Rings after a request committed. Without a broker the poller of beat finds the work all the same."""
    try:
        payouts_advance_task.apply_async(retry=False, expires=RING_EXPIRES_SECONDS)
    except (OperationalError, OSError) as error:
        log.warning("ring_failed", task="loans.payouts_advance", error=str(error))


PAYOUTS_BELL = Bell(payouts_ring)


@shared_task(name="loans.end_of_day")
def end_of_day_task(is_help: bool = False) -> list[str]:
    """Closes every day the clock says is over, and finishes a close that broke off; returns the days closed.

    Every worker that is rung shares the work; the first rings some others, and beat goes on ringing.
    """
    through = day_to_close_by_clock(timezone.now())
    if through is None:
        return []
    if not is_help:
        _help_ring()
    try:
        return [str(day) for day in days_close(through=through, steps=STEPS, patience=NIGHT_PATIENCE)]
    except (StepBusy, DayAhead):
        # Another worker is at it, or was faster: nothing is lost, the next ring looks again.
        return []


def _help_ring() -> None:
    """SQLite has one writer: help would only wait."""
    if connection.vendor != "postgresql":
        return
    for _ in range(NIGHT_HELPERS):
        try:
            end_of_day_task.apply_async(kwargs={"is_help": True}, retry=False, expires=NIGHT_PATIENCE.total_seconds())
        except (OperationalError, OSError) as error:
            log.warning("ring_failed", task="loans.end_of_day", error=str(error))
            return


@shared_task(name="loans.journal_seal")
def journal_seal_task() -> int:
    """Seals what was posted since the last ring; a long queue is worked off in this one ring."""
    sealed = 0
    for _ in range(SEAL_ROUNDS_MAX):
        batch = journal_seal(at=timezone.now())
        sealed += batch
        if not batch:
            break
    return sealed


@shared_task(name="loans.books_watch")
def books_watch_task() -> int:
    """A pass of the continuous checker; the number of faults it saw."""
    result = books_watch(at=timezone.now(), day=current_business_date())
    if result and result["faults"]:
        log.error("books_faulty", faults=result["faults"])
    return result["faults"] if result else 0
