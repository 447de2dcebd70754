"""Closing business days in order. The database holds how far a close came; anybody may go on from there."""

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F
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
from weilidai.lib.partitions import Span, range_advance, ranges_of, ranges_write, spans_cut, spans_known, spans_of

# A whole step reports progress at least once a batch; one silent for this long counts as dead wherever it ran. A
# process killed on this machine is seen to be gone and waits for nobody.
LEASE = timedelta(seconds=60)
# Rows in a range. A range is one transaction, so that rows the night writes are locked for moments only; SQLite has one
# writer, whom nobody should wait for long.
RANGE_ROWS, RANGE_ROWS_SQLITE = 200_000, 2_000
POLL_SECONDS = 0.05

Progress = Callable[[int, int], None]


Results = list[dict[str, Any]]


@dataclass(frozen=True)
class Step:
    """`run(business_date, progress)` does the work in batches of its own transactions and may be repeated. One worker
    at a time is in it.
    """

    name: str
    label: str | Promise
    run: Callable[[date, Progress], dict[str, Any]]


def added_up(day: date, results: Results) -> dict[str, Any]:
    """What the ranges counted, by name."""
    names = dict.fromkeys(name for result in results for name in result)
    return {name: sum(result.get(name, 0) for result in results) for name in names}


@dataclass(frozen=True)
class RangedStep:
    """`run(business_date, span)` does the rows of one range of keys, for any number of workers at once.

    It is one transaction with the mark that the range is done, and looks at nothing outside the span. `gather` makes
    the step's result of those of the ranges, in the transaction that ends the step.
    """

    name: str
    label: str | Promise
    run: Callable[[date, Span], dict[str, Any]]
    # The model whose keys are cut.
    rows: type[models.Model]
    gather: Callable[[date, Results], dict[str, Any]] = added_up


AnyStep = Step | RangedStep


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


def claimant() -> str:
    """One thread of one process: two threads must not take each other's claim for their own."""
    return f"{_machine()}:{os.getpid()}.{threading.get_ident()}"


def has_died(claimant: str) -> bool:
    """Whether the process is known to be gone; of another machine's nothing is known."""
    machine, _, thread = claimant.rpartition(":")
    if machine != _machine():
        return False
    try:
        os.kill(int(thread.partition(".")[0]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # It lives, as somebody else's.
        return False
    return False


def _job(step: AnyStep) -> str:
    return f"end_of_day.{step.name}"


def _row_locked(step: AnyStep, day: date) -> JobRun:
    rows = JobRun.objects.select_for_update(no_key=True)
    rows = rows.filter(job=_job(step), business_date=day, partition="").order_by()
    row = rows.first()
    if row is None:
        steps_write_down((step,), day)
        row = rows.get()
    return row


def steps_write_down(steps: tuple[AnyStep, ...], day: date) -> None:
    """The rows of the steps of a close, all at once: what is still to come is seen from the first moment."""
    JobRun.objects.bulk_create([JobRun(job=_job(step), business_date=day) for step in steps], ignore_conflicts=True)


@transaction.atomic
def _step_claim(step: Step, day: date, at: datetime) -> JobRun | None:
    """The run row, ours for a lease; None when the step is done. Raises StepBusy while somebody else is alive in it."""
    row = _row_locked(step, day)
    if row.state == JobRun.State.DONE:
        return None
    alive = row.heartbeat_at is not None and at - row.heartbeat_at < LEASE and not has_died(row.claimed_by)
    if row.state == JobRun.State.RUNNING and alive and row.claimed_by != claimant():
        raise StepBusy
    row.state, row.claimed_by, row.heartbeat_at = JobRun.State.RUNNING, claimant(), at
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


def _step_run(step: AnyStep, day: date, report: Progress) -> None:
    """Takes the step to its end. Raises StepBusy while somebody else is at what is left of it."""
    if isinstance(step, RangedStep):
        _ranges_run(step, day, report)
        return
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


def _ranges_run(step: RangedStep, day: date, report: Progress) -> None:
    row = _step_begin(step, day)
    if row is None:
        return
    mine = JobRun.objects.filter(pk=row.pk)

    def work(span: Span) -> dict[str, Any]:
        result = step.run(day, span)
        # Last, so that workers wait for each other here no longer than for a commit.
        mine.update(progress_done=F("progress_done") + 1, heartbeat_at=timezone.now())
        return result

    try:
        done = row.progress_done
        while done < row.progress_total and range_advance(_job(step), day, work, worker=claimant()):
            done += 1
            report(done, row.progress_total)
        _step_end(step, day)
    except StepBusy:
        raise
    except Exception as error:
        _step_fail(row, error)
        raise


@transaction.atomic
def _step_begin(step: RangedStep, day: date) -> JobRun | None:
    """The row of a step cut into ranges, which the first to come does; None when it is done."""
    row = _row_locked(step, day)
    if row.state == JobRun.State.DONE:
        return None
    if row.state != JobRun.State.RUNNING:
        row.progress_total = row.progress_total or step_cut(step, day)
        row.state, row.error = JobRun.State.RUNNING, ""
        row.claimed_by, row.started_at = claimant(), row.started_at or timezone.now()
        row.heartbeat_at = timezone.now()
        row.attempts += 1
        row.save()
    return row


def step_cut(step: RangedStep, day: date) -> int:
    """Writes the ranges of a step down; returns how many there are.

    Steps over the same rows share one cut a night, which goes on with that of the night before.
    """
    cut = f"end_of_day.cut.{step.rows._meta.model_name}"
    spans = spans_of(ranges_of(cut, day))
    if not spans:
        spans = spans_cut(step.rows._default_manager.all(), range_rows(), known=spans_known(cut, day))
        ranges_write(cut, day, spans, JobRun.State.DONE)
    ranges_write(_job(step), day, spans)
    return len(spans)


@transaction.atomic
def _step_end(step: RangedStep, day: date) -> None:
    """The step is done once all its ranges are; whoever comes here first says so."""
    row = _row_locked(step, day)
    if row.state == JobRun.State.DONE:
        return
    ranges = list(ranges_of(_job(step), day).values_list("state", "result"))
    if any(state != JobRun.State.DONE for state, _ in ranges):
        raise StepBusy
    row.result = step.gather(day, [result for _, result in ranges])
    row.state, row.finished_at = JobRun.State.DONE, timezone.now()
    row.save(update_fields=["result", "state", "finished_at"])


def range_rows() -> int:
    """How many rows a range has."""
    usual = RANGE_ROWS if connection.vendor == "postgresql" else RANGE_ROWS_SQLITE
    return settings.NIGHT_RANGE_ROWS or usual


Watch = Callable[[str, int, int], None]


def _quiet(step: str, done: int, total: int) -> None:
    """Nobody watches."""


def day_close(
    day: date, *, steps: tuple[AnyStep, ...], watch: Watch = _quiet, patience: timedelta = timedelta(0)
) -> None:
    """Closes one business date. Writes by customers go on: they carry the next date from the first moment.

    Any number of processes may be at it; where only work is left that another has in hands, this one waits for it as
    long as its patience lasts and then raises StepBusy.
    """
    business_day_close_begin(day, at=timezone.now())
    steps_write_down(steps, day)
    for step in steps:
        step_finish(step, day, partial(watch, step.name), patience)
    business_day_close_finish(day, at=timezone.now())


def step_finish(
    step: AnyStep,
    day: date,
    report: Progress = lambda done, total: None,
    patience: timedelta = timedelta(0),
) -> None:
    """Takes one step of a close to its end, with whoever else is at it."""
    until = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return _step_run(step, day, report)
        except StepBusy:
            if time.monotonic() >= until:
                raise
        time.sleep(POLL_SECONDS)


def _oldest_unclosed() -> date:
    closing = BusinessDay.objects.filter(state=BusinessDay.State.CLOSING).values_list("date", flat=True).first()
    return closing or current_business_date()


def days_close(
    *, through: date | None = None, steps: tuple[AnyStep, ...], watch: Watch = _quiet,
    patience: timedelta = timedelta(0),
) -> list[date]:  # fmt: skip
    """Closes the current business date, or every day up to `through`, in order; finishes a broken close first.

    Raises `DayAhead` when `through` lies before the first day that is not closed.
    """
    day = _oldest_unclosed()
    last = through or day
    if last < day:
        raise DayAhead
    closed: list[date] = []
    while day <= last:
        day_close(day, steps=steps, watch=watch, patience=patience)
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
