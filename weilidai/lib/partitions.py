"""Work over many rows, cut into ranges of their keys that any number of workers on any hosts take.

A range is a `JobRun`. Who holds the lock of its row works on it, and what is written and the mark that it is done
become true in one commit: a killed worker lets go and leaves nothing, a slow one cannot be overtaken, so nothing is
done twice. There is no lease to run out. SQLite has one writer at a time, which comes to the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from weilidai.lib.models import JobRun

LOWEST, HIGHEST = UUID(int=0), UUID(int=(1 << 128) - 1)
# A host that vanished from the network is dropped by the database after this long without a word.
SILENCE = "120s"
Work = Callable[["Span"], dict[str, Any]]


@dataclass(frozen=True)
class Span:
    """Keys from `first` to `last`, both counted in."""

    first: UUID = LOWEST
    last: UUID = HIGHEST

    def within(self, column: str = "pk") -> Q:
        """The condition that a column of keys lies in the span; none for the span of everything."""
        return Q() if self == EVERYTHING else Q(**{f"{column}__gte": self.first, f"{column}__lte": self.last})

    @property
    def params(self) -> dict[str, UUID]:
        """For statements: `BETWEEN %(first)s AND %(last)s`."""
        return {"first": self.first, "last": self.last}


EVERYTHING = Span()


def spans_cut(keys: QuerySet[Any], size: int, *, known: list[UUID]) -> list[Span]:
    """The whole of all keys in ranges of about `size` rows each; no key falls between two.

    `known` are the ends of an earlier cut in order: keys made since are greater, so only they are counted anew.
    """
    ends = [*known, *_ends(keys.order_by("pk").values_list("pk", flat=True), size, known[-1] if known else LOWEST)]
    firsts = [LOWEST, *(UUID(int=end.int + 1) for end in ends)]
    return [Span(first, last) for first, last in zip(firsts, [*ends, HIGHEST], strict=True)]


def _ends(keys: QuerySet[Any], size: int, last: UUID) -> Iterator[UUID]:
    while page := list(keys.filter(pk__gt=last)[size - 1 : size]):
        last = page[0]
        yield last


def spans_known(job: str, before: date) -> list[UUID]:
    """The ends of the newest cut of a job made for an earlier date."""
    ranges = JobRun.objects.filter(job=job, last_key__isnull=False)
    newest = ranges.filter(business_date__lt=before).order_by("-business_date").values("business_date")[:1]
    ends = ranges.filter(business_date__in=list(newest.values_list("business_date", flat=True)))
    return [end for end in ends.order_by("partition").values_list("last_key", flat=True) if end not in (None, HIGHEST)]


def ranges_write(job: str, business_date: date, spans: list[Span], state: str = JobRun.State.PENDING) -> None:
    """Writes the ranges of a job and date down, once: those already there stay."""
    JobRun.objects.bulk_create(
        [
            JobRun(job=job, business_date=business_date, partition=f"{number:06d}", first_key=span.first,
                   last_key=span.last, state=state)
            for number, span in enumerate(spans)
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def spans_of(rows: QuerySet[JobRun]) -> list[Span]:
    """The spans of ranges written down."""
    pairs = rows.values_list("first_key", "last_key")
    return [Span(first, last) for first, last in pairs if first is not None and last is not None]


def ranges_of(job: str, business_date: date) -> QuerySet[JobRun]:
    """The ranges written down, in order; a job that is not cut has none."""
    return JobRun.objects.filter(job=job, business_date=business_date, last_key__isnull=False).order_by("partition")


def range_advance(job: str, business_date: date, work: Work, *, worker: str) -> bool:
    """Takes a range nobody works on and does it; False when none is free. `work` writes, and returns the result kept.

    An exception of `work` undoes the range, is written on its row and raised.
    """
    taken: JobRun | None = None
    try:
        with transaction.atomic():
            taken = _take(job, business_date)
            if taken is None:
                return False
            _done(taken, work(Span(taken.first_key or LOWEST, taken.last_key or HIGHEST)), worker)
    except Exception as error:
        if taken is not None:
            _fail(taken, error)
        raise
    return True


def range_transaction_begin() -> None:
    """What holds in the transaction of a range.

    A statement over a range takes some milliseconds, compiling it would take longer; and the few rows it changes are to
    be looked up by key, however small the table beside them seems.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = %s", [SILENCE])
            cursor.execute("SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1")


def _take(job: str, business_date: date) -> JobRun | None:
    if not connection.savepoint_ids:
        range_transaction_begin()
    rows = (
        ranges_of(job, business_date).select_for_update(no_key=True, skip_locked=True).exclude(state=JobRun.State.DONE)
    )
    # What failed comes last: one bad row must not keep the ranges after it waiting.
    run = rows.order_by("attempts", "partition").first()
    if run is not None:
        run.started_at = timezone.now()
    return run


def _done(run: JobRun, result: dict[str, Any], worker: str) -> None:
    JobRun.objects.filter(pk=run.pk).update(
        state=JobRun.State.DONE, result=result, claimed_by=worker, attempts=run.attempts + 1, error="",
        started_at=run.started_at, finished_at=timezone.now(),
    )  # fmt: skip


def _fail(run: JobRun, error: Exception) -> None:
    JobRun.objects.filter(pk=run.pk).exclude(state=JobRun.State.DONE).update(
        state=JobRun.State.FAILED, attempts=run.attempts + 1, error=f"{type(error).__name__}: {error}"[:2000]
    )
