"""Back-tests: asked for by an analyst, judged by workers in partitions, added up once (R15, R25, R33).

The row is the queue. A partition is judged outside of any transaction and written whole in one; a worker that is
killed or overtaken leaves nothing, so that a run comes to the same figures however often it was taken up.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from risk.models import BacktestChange, BacktestPartition, BacktestRun, Decision, PolicyState, ProductTerms
from risk.rules.backtest_figures import Figures
from risk.rules.decision import result_sha256
from risk.rules.screening import program_of
from risk.selectors.backtest import KINDS, Draft, draft_snapshot, is_sampled, population, transfers_above
from risk.services.backtest_batch import BATCH, Judge
from risk.services.feed_watch import transfer_threshold
from risk.services.policy import content_check
from risk.services.screening import program_for, screening_current
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import DomainError, FieldInvalid, ObjectNotFound, TransitionRefused
from weilidai.lib.fsm import take_step

log = structlog.get_logger(__name__)
SYSTEM = Actor.system("backtest")
PARTITION_ROWS = 2000
LEASE = timedelta(seconds=120)
ATTEMPTS_MAX = 5
State = BacktestRun.State
OPEN = (State.WAITING, State.RUNNING)


@transaction.atomic
def backtest_start(
    *, policy: Draft, period_from: date, period_to: date, user: StaffUser, as_of: date, at: datetime,
    sample_every: int = 1,
) -> BacktestRun:  # fmt: skip
    """Queues a back-test of a draft as it stands now; the same one, still open, is the answer.

    Raises `TransitionRefused` (not a draft), `FieldInvalid` (dates, sample, a draft that breaks the rules).
    """
    model: Any = type(policy)
    row = model.objects.select_for_update(no_key=True).filter(pk=policy.pk).first()
    if row is None:
        raise ObjectNotFound
    if row.state != PolicyState.DRAFT:
        raise TransitionRefused(state=row.state)
    if not period_from <= period_to <= as_of:
        raise _fault("period_to", _("A span of dates ends after it begins and not after today"))
    if sample_every < 1:
        raise _fault("sample_every", _("A sample is one in 1 or more"))
    content_check(row)
    draft = draft_snapshot(row)
    values = {
        "policy_id": row.pk, "draft_sha256": result_sha256(draft), "period_from": period_from,
        "period_to": period_to, "sample_every": sample_every, "business_date": as_of,
    }  # fmt: skip
    same = BacktestRun.objects.filter(**values, state__in=OPEN).first()
    if same is not None:
        return same
    run = BacktestRun(
        **values, kind=KINDS[model], policy_name=str(row)[:80], draft=draft, requested_by=user, requested_at=at,
        product_id=row.product_id if isinstance(row, ProductTerms) else None,
    )  # fmt: skip
    run.save(force_insert=True)
    actor = Actor.of(user)
    state_change_record(subject=run, old="", new=run.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="backtest.start", actor=actor, subject=run, at=at, as_of=as_of,
        after={"policy": run.policy_name, "policy_id": str(row.pk), "from": period_from.isoformat(),
               "to": period_to.isoformat(), "one_in": sample_every},
    )  # fmt: skip
    return run


@transaction.atomic
def backtest_cancel(*, run_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> BacktestRun:
    """Ends a run nobody waits for. Raises `TransitionRefused` where it has ended by itself."""
    run = _locked(run_id)
    run.finished_at = at
    actor = Actor.of(user)
    take_step(run, "cancel", actor=actor, as_of=as_of, at=at, reason=reason, update_fields=("finished_at",))
    audit_record(action="backtest.cancel", actor=actor, subject=run, at=at, as_of=as_of, reason=reason)
    return run


def backtest_advance(*, at: datetime, run_id: UUID | None = None) -> int:
    """Cuts a waiting run into partitions, or judges one partition; rows looked at, 0 when nothing is left to do.

    With `run_id` only of that run.
    """
    run = _claim_run(at, run_id)
    if run is not None:
        _cut(run, at)
        return 1
    partition = _claim(at, run_id)
    if partition is None:
        return 0
    if partition.attempts > ATTEMPTS_MAX:
        _fail(partition.run_id, "the worker died every time", at)
        return 1
    try:
        figures, changes = _judged(partition)
    except (DomainError, ArithmeticError, KeyError, TypeError, ValueError) as error:
        # The draft is at fault or the row is: trying again changes nothing.
        log.exception("backtest_failed", run=str(partition.run_id), partition=partition.pk)
        _fail(partition.run_id, f"{type(error).__name__}: {error}", at)
        return 1
    _partition_write(partition, figures, changes, at)
    return max(partition.rows_count, 1)


def _locked(run_id: UUID) -> BacktestRun:
    run = BacktestRun.objects.select_for_update(no_key=True).filter(pk=run_id).first()
    if run is None:
        raise ObjectNotFound
    return run


# --- Cutting -----------------------------------------------------------------------------------------------------


@transaction.atomic
def _claim_run(at: datetime, run_id: UUID | None) -> BacktestRun | None:
    """A run whose partitions are not cut yet, for as long as a lease."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=at)
    rows = BacktestRun.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(
        free, state=State.WAITING
    )
    run = (rows.filter(pk=run_id) if run_id else rows).order_by("pk").first()
    if run is not None:
        run.claimed_until = at + LEASE
        run.save(update_fields=["claimed_until"])
    return run


def _cut(run: BacktestRun, at: datetime) -> None:
    """Ranges of keys, read as a stream and written together: half a cut is none."""
    keys = population(run).values_list("pk", flat=True).iterator(chunk_size=PARTITION_ROWS)
    kept = (key for key in keys if is_sampled(key, run.sample_every))
    partitions, total = [], 0
    while page := list(islice(kept, PARTITION_ROWS)):
        partitions.append(BacktestPartition(run=run, first_key=page[0], last_key=page[-1], rows_count=len(page)))
        total += len(page)
    with transaction.atomic():
        row = _locked(run.pk)
        if row.state != State.WAITING:
            return
        BacktestPartition.objects.bulk_create(partitions)
        row.total_count, row.claimed_until = total, None
        take_step(row, "begin", actor=SYSTEM, as_of=row.business_date, at=at,
                  update_fields=("total_count", "claimed_until"))  # fmt: skip
        if not partitions:
            _finish(row, at)


# --- Judging -----------------------------------------------------------------------------------------------------


@transaction.atomic
def _claim(at: datetime, run_id: UUID | None) -> BacktestPartition | None:
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=at)
    rows = BacktestPartition.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(
        free, is_done=False, run__state=State.RUNNING
    )
    rows = rows.filter(run=run_id) if run_id else rows
    partition = rows.select_related("run").order_by("pk").first()
    if partition is not None:
        partition.claimed_until = at + LEASE
        partition.attempts += 1
        partition.save(update_fields=["claimed_until", "attempts"])
    return partition


def _judged(partition: BacktestPartition) -> tuple[Figures, list[BacktestChange]]:
    run = partition.run
    judge = Judge(run)
    span = population(run).filter(pk__gte=partition.first_key, pk__lte=partition.last_key)
    keys = [key for key in span.values_list("pk", flat=True) if is_sampled(key, run.sample_every)]
    figures: Figures = Counter()
    changes: list[BacktestChange] = []
    for first in range(0, len(keys), BATCH):
        batch = judge.judge(keys[first : first + BATCH])
        figures.update(batch.figures)
        changes += batch.changes
    return figures, changes


@transaction.atomic
def _partition_write(
    partition: BacktestPartition, figures: Figures, changes: list[BacktestChange], at: datetime
) -> None:
    """Whoever comes first writes; the last partition ends the run."""
    run = _locked(partition.run_id)
    mine = BacktestPartition.objects.filter(pk=partition.pk, is_done=False)
    if run.state != State.RUNNING or not mine.update(is_done=True, claimed_until=None, figures=dict(figures)):
        return
    BacktestChange.objects.bulk_create(changes, batch_size=1000)
    BacktestRun.objects.filter(pk=run.pk).update(judged_count=F("judged_count") + partition.rows_count)
    if not run.partitions.filter(is_done=False).exists():
        run.refresh_from_db(fields=["judged_count"])
        _finish(run, at)


def _finish(run: BacktestRun, at: datetime) -> None:
    """Adds the partitions up; the run is locked."""
    totals: Figures = Counter()
    for figures in run.partitions.values_list("figures", flat=True).iterator(chunk_size=100):
        totals.update(figures)
    totals += _beside(run)
    run.figures, run.finished_at = dict(sorted(totals.items())), at
    take_step(run, "finish", actor=SYSTEM, as_of=run.business_date, at=at, update_fields=("figures", "finished_at"))


def _beside(run: BacktestRun) -> Figures:
    """What a drafted pipeline meets beside the runs of the layers: applications decided before the layers were asked,
    which it cannot judge, and transfers that feeds bring."""
    if run.kind != BacktestRun.Kind.SCREENING or run.sample_every > 1:
        return Counter()
    decided = Decision.objects.filter(
        business_date__gte=run.period_from, business_date__lte=run.period_to, decided_by__isnull=True,
        answers__isnull=True, inputs__screening__isnull=True,
    )  # fmt: skip
    found: Figures = Counter({"unjudged:layers_missing:": decided.order_by().count()})
    kept, draft = program_for(screening_current(run.business_date)), program_of(run.draft["definition"])
    for side, program in (("old", kept), ("new", draft)):
        threshold = transfer_threshold(program)
        if threshold is not None:
            found[f"transfers:{side}"] = transfers_above(threshold, run.period_from, run.period_to)
    return +found


@transaction.atomic
def _fail(run_id: UUID, error: str, at: datetime) -> None:
    run = _locked(run_id)
    if run.state not in OPEN:
        return
    run.error, run.finished_at = error[:500], at
    take_step(run, "fail", actor=SYSTEM, as_of=run.business_date, at=at, update_fields=("error", "finished_at"))


def run_to_end(run: BacktestRun) -> BacktestRun:
    """Judges all that is left of one run, beside workers or without."""
    while backtest_advance(at=timezone.now(), run_id=run.pk):
        pass
    return BacktestRun.objects.get(pk=run.pk)


def _fault(field: str, detail: Any) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])
