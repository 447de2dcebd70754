"""The quarterly review of rates (R28): a run row, partitions by key range, one review per line and quarter (I5).

Any number of workers on any hosts claim partitions; each batch of lines is one transaction, so a kill costs at most
the batch, and lines that have their review of the quarter are passed over.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import StaffUser
from risk.errors import FourEyesRequired
from risk.models import (
    CreditLine,
    LineState,
    PolicyState,
    RateReview,
    RateReviewPartition,
    RateReviewPolicy,
    RateReviewRun,
    RunState,
)
from risk.selectors.policy import scorecard_current
from risk.services.rate_review_batch import batch_review, counts_of
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step

SYSTEM = Actor.system("rate_review")
PARTITION_LINES = 2000
BATCH = 500
LEASE = timedelta(seconds=60)
QUARTER_MONTHS = (1, 4, 7, 10)


def is_quarter_start(day: date) -> bool:
    return day.day == 1 and day.month in QUARTER_MONTHS


def review_policy_current(as_of: date) -> RateReviewPolicy | None:
    """The newest version in force on the date, or None while the house reviews nothing."""
    rows = RateReviewPolicy.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=as_of),
        state__in=[PolicyState.ACTIVE, PolicyState.RETIRED], valid_from__lte=as_of,
    )  # fmt: skip
    return rows.order_by("-valid_from", "-version").first()


def rate_review_begin(*, quarter: date, as_of: date, at: datetime) -> RateReviewRun | None:
    """The run of a quarter, made once; None where no policy is in force."""
    found = RateReviewRun.objects.filter(quarter=quarter, is_dry_run=False).first()
    policy = review_policy_current(quarter)
    if found is not None or policy is None:
        return found
    state = RunState.WAITING if policy.needs_release else RunState.RUNNING
    return _run_create(quarter, policy, state, as_of, at, is_dry_run=False, user=None)


def dry_run_begin(*, quarter: date, user: StaffUser, as_of: date, at: datetime) -> RateReviewRun:
    """A run that only counts. Raises ObjectNotFound where no policy is in force."""
    policy = review_policy_current(quarter)
    if policy is None:
        raise ObjectNotFound
    return _run_create(quarter, policy, RunState.RUNNING, as_of, at, is_dry_run=True, user=user)


@transaction.atomic
def _run_create(
    quarter: date, policy: RateReviewPolicy, state: RunState, as_of: date, at: datetime, *, is_dry_run: bool,
    user: StaffUser | None,
) -> RateReviewRun:  # fmt: skip
    run = RateReviewRun(
        quarter=quarter, is_dry_run=is_dry_run, policy=policy, scorecard=scorecard_current(quarter), state=state,
        business_date=as_of, created_at=at, started_by=user,
    )  # fmt: skip
    run.save(force_insert=True)
    keys = CreditLine.objects.exclude(state=LineState.CLOSED).order_by("pk").values_list("pk", flat=True)
    lines = keys.iterator(chunk_size=PARTITION_LINES)
    while page := list(islice(lines, PARTITION_LINES)):
        RateReviewPartition.objects.create(run=run, first_key=page[0], last_key=page[-1])
    actor = Actor.of(user) if user else SYSTEM
    state_change_record(subject=run, old="", new=run.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="rate_review.begin", actor=actor, subject=run, at=at, as_of=as_of,
        after={"quarter": quarter.isoformat(), "dry_run": is_dry_run},
    )  # fmt: skip
    return run


@transaction.atomic
def rate_review_release(*, run_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> RateReviewRun:
    """Lets a waiting quarter go. Raises FourEyesRequired for whoever started its newest dry run, TransitionRefused."""
    run = RateReviewRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        raise ObjectNotFound
    rehearsal = RateReviewRun.objects.filter(quarter=run.quarter, is_dry_run=True).order_by("-pk").first()
    if rehearsal is not None and rehearsal.started_by_id == user.pk:
        raise FourEyesRequired
    run.released_by = user
    actor = Actor.of(user)
    take_step(run, "release", actor=actor, as_of=as_of, at=at, reason=reason, update_fields=("released_by",))
    audit_record(action="rate_review.release", actor=actor, subject=run, at=at, as_of=as_of, reason=reason)
    return run


def rate_review_advance(*, at: datetime) -> int:
    """One partition of whatever run has one left; the number of lines looked at, 0 when nothing is left."""
    partition = _claim(at)
    if partition is None:
        return 0
    done = 0
    last: UUID | None = None
    totals: Counter[str] = Counter()
    while True:
        looked, last, counts = _batch(partition, last)
        if last is None:
            break
        done += looked
        totals.update(counts)
        RateReviewPartition.objects.filter(pk=partition.pk).update(claimed_until=timezone.now() + LEASE)
    _partition_finish(partition, totals, at)
    return max(done, 1)


@transaction.atomic
def _claim(at: datetime) -> RateReviewPartition | None:
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=at)
    partition = (
        RateReviewPartition.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(free, is_done=False, run__state=RunState.RUNNING)
        .select_related("run__policy", "run__scorecard")
        .order_by("pk")
        .first()
    )
    if partition is not None:
        partition.claimed_until = at + LEASE
        partition.save(update_fields=["claimed_until"])
    return partition


@transaction.atomic
def _batch(partition: RateReviewPartition, last: UUID | None) -> tuple[int, UUID | None, Counter[str]]:
    """The next lines of the range under their locks; those reviewed this quarter are passed over."""
    run = partition.run
    rows = CreditLine.objects.filter(pk__gte=partition.first_key, pk__lte=partition.last_key)
    rows = rows.exclude(state=LineState.CLOSED).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__gt=last)
    locked = rows if run.is_dry_run else rows.select_for_update(of=("self",))
    lines = list(locked[:BATCH])
    if not lines:
        return 0, None, Counter()
    known: set[UUID] = set()
    if not run.is_dry_run:
        done = RateReview.objects.filter(quarter=run.quarter, credit_line__in=[line.pk for line in lines])
        known = set(done.values_list("credit_line_id", flat=True))
    counts = batch_review(run, [line for line in lines if line.pk not in known])
    return len(lines), lines[-1].pk, counts


@transaction.atomic
def _partition_finish(partition: RateReviewPartition, totals: Counter[str], at: datetime) -> None:
    """The last partition to finish ends the run and adds the summaries up."""
    run = RateReviewRun.objects.select_for_update().get(pk=partition.run_id)
    RateReviewPartition.objects.filter(pk=partition.pk).update(
        is_done=True, claimed_until=None, lines_count=sum(v for k, v in totals.items() if k == "lines"),
        summary=dict(totals),
    )  # fmt: skip
    if run.state != RunState.RUNNING or run.partitions.filter(is_done=False).exists():
        return
    run.summary = summary_of(run)
    run.finished_at = at
    take_step(run, "finish", actor=SYSTEM, as_of=run.business_date, at=at, update_fields=("summary", "finished_at"))


def summary_of(run: RateReviewRun) -> dict[str, Any]:
    """A dry run's counts as its partitions kept them; a real run's from the reviews, whoever was killed meanwhile."""
    totals: Counter[str] = Counter()
    if run.is_dry_run:
        for summary in run.partitions.values_list("summary", flat=True):
            totals.update(summary)
        return dict(totals)
    rows = RateReview.objects.filter(run=run).values_list(
        "old_daily_rate", "new_daily_rate", "old_tier", "new_tier", "reasons"
    )
    for old, new, old_tier, new_tier, reasons in rows.iterator(chunk_size=5000):
        totals.update(counts_of(old, new, old_tier, new_tier, reasons))
    return dict(totals)
