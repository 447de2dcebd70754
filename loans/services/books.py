"""The continuous checker: every invariant over and over, faults kept as rows until a later pass no longer sees them.

What sums up tables takes turns where the book is so large that all of it at once would take long. What compares row by
row looks, where the database can tell, at what was written since the last pass, what is at fault, and a slice of the
others (`loans/books/touched.py`). So a pass stays short on a large book, and nothing stays unseen for ever. Rows that
are gone were written by nobody: each pass counts what stands, and keeps the counts for the next
(`loans/books/kept.py`).
"""

import time
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from loans.books.checks import ALSO_WHOLE, BY_ROW, CHECKS, Check, faults_of
from loans.books.fault import Fault
from loans.books.kept import COUNTS_JOB, Counts, counts_known, counts_raised, rows_counted, rows_kept
from loans.books.touched import Among, rows_to_look_at
from loans.end_of_day.run import claimant, has_died
from loans.models import BookFault
from weilidai.lib.models import JobRun

JOB = "books_watch"
# A pass starts this long after the last one ended; a long pass is followed by a rest of its own length, so that the
# checker never takes more than half of one core.
REST = timedelta(seconds=20)
LEASE = timedelta(minutes=30)
# So long a pass may look at whole tables, by what that took the last time; the next one goes on with the others. What
# took less than the second figure is looked at each time.
WHOLE_SECONDS, QUICK_SECONDS = 8.0, 0.5
FAULTS_PER_CHECK_MAX = 1000


def books_watch(*, at: datetime, day: date) -> dict[str, Any] | None:
    """One pass over all checks, unless one is running or the last one just ended; the figures of the pass."""
    run = _claim(at, day)
    if run is None:
        return None
    started, before = time.monotonic(), _last_pass()
    among, looked = rows_to_look_at(before)
    counts, took = rows_counted(), dict(before.get("took", {}))
    whole, following = whole_in_turn(before.get("next_whole", ""), took)
    # The quick ones first: what was written or deleted is seen before whole tables are read.
    in_order = sorted(CHECKS, key=lambda check: (check.__name__ in whole, took.get(check.__name__, 0.0)))
    for done, check in enumerate(in_order, start=1):
        if check.__name__ in whole or check in BY_ROW:
            begun = time.monotonic()
            arguments = _narrowed(check, None if check.__name__ in whole else among, counts)
            # Told at once: a pass over a large book takes its time.
            faults_keep({check.__name__: _snapshot(check, arguments)}, at)
            if check.__name__ in whole:
                took[check.__name__] = round(time.monotonic() - begun, 2)
        JobRun.objects.filter(pk=run.pk).update(
            progress_done=done, progress_total=len(CHECKS), heartbeat_at=at + _since(started)
        )
    _counts_keep(counts, day)
    result = {
        "seconds": round(time.monotonic() - started, 2),
        "faults": BookFault.objects.filter(resolved_at__isnull=True).count(),
        "looked_at": None if among is None else {model._meta.label_lower: len(rows) for model, rows in among.items()},
        "took": took,
        "next_whole": following,
        **looked,
    }
    JobRun.objects.filter(pk=run.pk).update(state=JobRun.State.DONE, result=result, finished_at=at, claimed_by="")
    return result


@transaction.atomic
def _claim(at: datetime, day: date) -> JobRun | None:
    """One row per business day; its lease keeps a second checker out, its end time gives the rest."""
    JobRun.objects.get_or_create(job=JOB, business_date=day, partition="")
    run = JobRun.objects.select_for_update(no_key=True).get(job=JOB, business_date=day, partition="")
    alive = run.heartbeat_at is not None and at - run.heartbeat_at < LEASE and not has_died(run.claimed_by)
    if run.state == JobRun.State.RUNNING and alive:
        return None
    if run.finished_at:
        took = timedelta(seconds=run.result.get("seconds", 0))
        if at - run.finished_at < max(REST, took * 2):
            return None
    run.state, run.started_at, run.heartbeat_at = JobRun.State.RUNNING, run.started_at or at, at
    run.claimed_by = claimant()
    run.attempts += 1
    run.save()
    return run


def whole_in_turn(first: str, took: dict[str, float]) -> tuple[set[str], str]:
    """The names of the checks that look at whole tables in a pass, from `first` on, and of the first one left out;
    `took` are their last seconds. On a small book that is all of them; one of the slow always is among them.
    """
    names = [check.__name__ for check in CHECKS if check not in BY_ROW or check in ALSO_WHOLE]
    start = names.index(first) if first in names else 0
    quick = {name for name in names if took.get(name, 0.0) < QUICK_SECONDS}
    slow = [name for name in [*names[start:], *names[:start]] if name not in quick]
    seconds = 0.0
    for number, name in enumerate(slow):
        seconds += took[name]
        if number and seconds > WHOLE_SECONDS:
            return quick | set(slow[:number]), name
    return quick | set(slow), ""


def _since(started: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - started)


def _last_pass() -> dict[str, Any]:
    """What the last pass that came to its end left for the next one."""
    last = JobRun.objects.filter(job=JOB).exclude(result={}).order_by("-business_date").first()
    return last.result if last else {}


def _counts_keep(counts: Counts, day: date) -> None:
    """The greatest number of each page that was ever seen, in one row, of the day on which it was begun."""
    kept = counts_raised(counts_known(), counts)
    if not JobRun.objects.filter(job=COUNTS_JOB).update(result=kept):
        JobRun.objects.create(job=COUNTS_JOB, business_date=day, partition="", state=JobRun.State.DONE, result=kept)


def _snapshot(check: Check, arguments: list[Any]) -> list[Fault]:
    """One check over one snapshot: work going on meanwhile is not taken for a fault."""
    faults: list[Fault] = []
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if connection.vendor == "postgresql" and outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for fault in faults_of(check, *arguments):
            faults.append(fault)
            if len(faults) >= FAULTS_PER_CHECK_MAX:
                break
    return faults


def _narrowed(check: Check, among: Among | None, counts: Counts) -> list[Any]:
    """What the check is told to look at; nothing where it looks at everything."""
    if check is rows_kept:
        return [counts]
    model = BY_ROW.get(check)
    return [] if among is None or model is None else [model._default_manager.filter(pk__in=among[model])]


@transaction.atomic
def faults_keep(found: dict[str, list[Fault]], at: datetime) -> None:
    """New faults get a row, known ones a new time, those a full pass no longer shows are resolved."""
    for name, faults in found.items():
        open_rows = {row.subject: row for row in BookFault.objects.filter(check_name=name, resolved_at__isnull=True)}
        seen = {fault.subject[:120]: fault for fault in faults}
        for subject, fault in seen.items():
            row = open_rows.get(subject)
            if row is None:
                BookFault.objects.create(
                    check_name=name, subject=subject, detail=fault.detail[:500], first_seen_at=at, last_seen_at=at
                )
            else:
                row.last_seen_at, row.detail = at, fault.detail[:500]
                row.save(update_fields=["last_seen_at", "detail"])
        gone = [row.pk for subject, row in open_rows.items() if subject not in seen]
        BookFault.objects.filter(pk__in=gone).update(resolved_at=at)
