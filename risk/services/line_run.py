"""Runs over all open lines, a quarter's review or a month's raises: begun once, let go by a second person where the
policy says so, worked through by any number of workers on any hosts.

The lines are cut into ranges of keys (`weilidai/lib/partitions.py`); a range is one transaction, so a kill costs at
most one and nothing is done twice. A dry run is cut and counted the same way and writes nothing about the lines.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import StaffUser
from risk.errors import FourEyesRequired
from risk.models import CreditLine, LineState, RunState
from risk.models.line_run import LineRun
from risk.selectors.line_runs import rehearsal_of
from risk.selectors.remembered import one_policy
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step
from weilidai.lib.models import JobRun
from weilidai.lib.partitions import Span, range_advance, ranges_of, ranges_write, spans_cut

# Lines of one transaction: rows it changes are locked for moments only.
RANGE_LINES = 500

Run = TypeVar("Run", bound=LineRun)
Work = Callable[[Run, Span], Counter[str]]


def lines_of(period: date) -> QuerySet[CreditLine]:
    """Open lines that were there before the period began, by key; whoever came since has the newest figures anyway."""
    return CreditLine.objects.filter(opened_date__lt=period).exclude(state=LineState.CLOSED).order_by("pk")


def lines_before(run: LineRun, lines: Sequence[CreditLine]) -> list[CreditLine]:
    """In a dry run: the lines of the same people that stand before these, in the order in which a run comes to them.

    The run itself finds those raised already; a dry run writes nothing, so it judges them once more to know what they
    leave of the room that the law gives a person.
    """
    if not (run.is_dry_run and lines):
        return []
    people = [line.customer_id for line in lines]
    return list(lines_of(run.period).filter(customer__among=people, pk__lt=lines[0].pk))


@transaction.atomic
def run_create(run: Run, *, at: datetime) -> Run:
    """Saves a new run with its ranges, its state and its row of the audit trail."""
    run.save(force_insert=True)
    ranges_write(run.job, run.period, spans_cut(lines_of(run.period), RANGE_LINES, known=[]))
    actor = Actor.of(run.started_by) if run.started_by else _system(run)
    state_change_record(subject=run, old="", new=run.state, actor=actor, as_of=run.business_date, at=at)
    audit_record(
        action=f"{run.NAME}.begin", actor=actor, subject=run, at=at, as_of=run.business_date,
        after={run.PERIOD: run.period.isoformat(), "dry_run": run.is_dry_run},
    )  # fmt: skip
    return run


def run_state(*, needs_release: bool) -> RunState:
    """How a run that is not a dry one begins."""
    return RunState.WAITING if needs_release else RunState.RUNNING


@transaction.atomic
def run_release(model: type[Run], *, run_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> Run:
    """Lets a waiting run go. Raises FourEyesRequired for whoever started its newest dry run, TransitionRefused."""
    run = _locked(model, run_id)
    rehearsal = rehearsal_of(run)
    if rehearsal is not None and rehearsal.started_by_id == user.pk:
        raise FourEyesRequired
    run.released_by = user
    return _step(run, "release", user, reason, as_of, at, "released_by")


@transaction.atomic
def run_discard(model: type[Run], *, run_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> Run:
    """Gives a waiting run up: nothing is done for this period. Raises TransitionRefused."""
    run = _locked(model, run_id)
    run.finished_at = at
    return _step(run, "discard", user, reason, as_of, at, "finished_at")


def _step(run: Run, step: str, user: StaffUser, reason: str, as_of: date, at: datetime, field: str) -> Run:
    actor = Actor.of(user)
    take_step(run, step, actor=actor, as_of=as_of, at=at, reason=reason, update_fields=(field,))
    audit_record(action=f"{run.NAME}.{step}", actor=actor, subject=run, at=at, as_of=as_of, reason=reason)
    return run


def _locked(model: type[Run], run_id: UUID) -> Run:
    run = model._default_manager.select_for_update(no_key=True).filter(pk=run_id).first()
    if run is None:
        raise ObjectNotFound
    return run


def _system(run: LineRun) -> Actor:
    return Actor.system(run.NAME)


def run_advance(model: type[Run], work: Work[Run], *, at: datetime) -> int:
    """One range of whatever run has one that nobody works on; the number of lines looked at, 0 when there is none.

    What `work` raises is kept on the range, which is tried again after all others.
    """
    for run in model._default_manager.filter(state=RunState.RUNNING).order_by("pk"):
        looked = _range_work(run, work)
        if looked is not None:
            return max(looked, 1)
        _finish(run, at)
    return 0


def _range_work(run: Run, work: Work[Run]) -> int | None:
    looked: int | None = None

    def counted(span: Span) -> dict[str, Any]:
        nonlocal looked
        with one_policy():
            counts = work(run, span)
        looked = counts["lines"]
        return dict(counts)

    range_advance(run.job, run.period, counted, worker=run.NAME)
    return looked


@transaction.atomic
def _finish(seen: LineRun, at: datetime) -> None:
    """Whoever finds all ranges done ends the run and adds them up."""
    ranges = ranges_of(seen.job, seen.period)
    if ranges.exclude(state=JobRun.State.DONE).exists():
        return
    run = _locked(type(seen), seen.pk)
    if run.state != RunState.RUNNING:
        return
    totals: Counter[str] = Counter()
    for result in ranges.values_list("result", flat=True).iterator(chunk_size=500):
        totals.update(result)
    run.summary, run.finished_at = dict(totals), at
    take_step(run, "finish", actor=_system(run), as_of=run.business_date, at=at,
              update_fields=("summary", "finished_at"))  # fmt: skip
