"""Closing business days in order. The database holds how far a close came; anybody may go on from there."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from weilidai.lib.business_date import (
    business_day_close_begin,
    business_day_close_finish,
    clock_date,
    current_business_date,
)
from weilidai.lib.errors import DomainError
from weilidai.lib.models import BusinessDay, JobRun

# A step reports progress at least once a batch; one silent for this long counts as dead wherever it ran. A process
# killed on this machine is seen to be gone and waits for nobody.
LEASE = timedelta(seconds=60)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Step:
    """`run(business_date, progress)` does the work in batches of its own transactions and may be repeated."""

    name: str
    label: str | Promise
    run: Callable[[date, Progress], dict[str, Any]]


class StepBusy(DomainError):
    code = "end_of_day_busy"
    title = _("Another process is closing this day")
    http_state = 409


class DayAhead(DomainError):
    code = "end_of_day_ahead"
    title = _("That day is already closed or lies before the business date")
    http_state = 409


def _machine() -> str:
    """Where process ids mean the same: containers may share a host name, but not the name space of their processes."""
    name_space = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()}:{os.readlink(name_space) if name_space.exists() else ''}"


def _claimant() -> str:
    return f"{_machine()}:{os.getpid()}"


def _has_died(claimant: str) -> bool:
    """Whether the process is known to be gone; of another machine's nothing is known."""
    machine, _, pid = claimant.rpartition(":")
    if machine != _machine():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # It lives, as somebody else's.
        return False
    return False


@transaction.atomic
def _step_claim(step: Step, day: date, at: datetime) -> JobRun | None:
    """The run row, ours for a lease; None when the step is done. Raises StepBusy while somebody else is alive in it."""
    JobRun.objects.get_or_create(job=f"end_of_day.{step.name}", business_date=day, partition="")
    row = JobRun.objects.select_for_update().get(job=f"end_of_day.{step.name}", business_date=day, partition="")
    if row.state == JobRun.State.DONE:
        return None
    alive = row.heartbeat_at is not None and at - row.heartbeat_at < LEASE and not _has_died(row.claimed_by)
    if row.state == JobRun.State.RUNNING and alive and row.claimed_by != _claimant():
        raise StepBusy
    row.state, row.claimed_by, row.heartbeat_at = JobRun.State.RUNNING, _claimant(), at
    row.started_at = row.started_at or at
    row.attempts += 1
    row.error = ""
    row.save()
    return row


def _heartbeat(row: JobRun, report: Progress) -> Progress:
    def beat(done: int, total: int) -> None:
        kept = JobRun.objects.filter(pk=row.pk, claimed_by=row.claimed_by, attempts=row.attempts).update(
            progress_done=done, progress_total=total, heartbeat_at=timezone.now()
        )
        if not kept:
            raise StepBusy
        report(done, total)

    return beat


def _step_fail(row: JobRun, error: Exception) -> None:
    JobRun.objects.filter(pk=row.pk, attempts=row.attempts).update(
        state=JobRun.State.FAILED, error=f"{type(error).__name__}: {error}"[:2000]
    )


def _step_run(step: Step, day: date, report: Progress) -> None:
    row = _step_claim(step, day, timezone.now())
    if row is None:
        return
    try:
        result = step.run(day, _heartbeat(row, report))
    except Exception as error:
        _step_fail(row, error)
        raise
    JobRun.objects.filter(pk=row.pk, attempts=row.attempts).update(
        state=JobRun.State.DONE, finished_at=timezone.now(), result=result
    )


def _quiet(step: str, done: int, total: int) -> None:
    """Nobody watches."""


def day_close(day: date, *, steps: tuple[Step, ...], watch: Callable[[str, int, int], None] = _quiet) -> None:
    """Closes one business date. Writes by customers go on: they carry the next date from the first moment."""
    business_day_close_begin(day, at=timezone.now())
    for step in steps:
        _step_run(step, day, partial(watch, step.name))
    business_day_close_finish(day, at=timezone.now())


def _oldest_unclosed() -> date:
    closing = BusinessDay.objects.filter(state=BusinessDay.State.CLOSING).values_list("date", flat=True).first()
    return closing or current_business_date()


def days_close(
    *, through: date | None = None, steps: tuple[Step, ...], watch: Callable[[str, int, int], None] = _quiet
) -> list[date]:
    """Closes the current business date, or every day up to `through`, in order; finishes a broken close first.

    Raises `DayAhead` when `through` lies before the first day that is not closed.
    """
    day = _oldest_unclosed()
    last = through or day
    if last < day:
        raise DayAhead
    closed: list[date] = []
    while day <= last:
        day_close(day, steps=steps, watch=watch)
        closed.append(day)
        day += timedelta(days=1)
    return closed


def day_to_close_by_clock(at: datetime) -> date | None:
    """The last day the clock says is over and the books do not, or None; days set by hand wait for a hand."""
    closing = BusinessDay.objects.filter(state=BusinessDay.State.CLOSING).first()
    current = current_business_date()
    follows = BusinessDay.objects.filter(date=current, follows_clock=True).exists()
    yesterday = clock_date(at) - timedelta(days=1)
    if follows and current <= yesterday:
        return yesterday
    return closing.date if closing is not None else None
