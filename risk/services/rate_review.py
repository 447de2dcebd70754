"""The quarterly review of rates (R28): one run a quarter, one review per line and quarter (I5)."""

from collections import Counter
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import StaffUser
from risk.models import PolicyState, RateReview, RateReviewPolicy, RateReviewRun, RunState
from risk.selectors.policy import scorecard_current
from risk.services.line_run import lines_before, lines_of, run_advance, run_create, run_discard, run_release, run_state
from risk.services.rate_review_batch import batch_review
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.partitions import Span


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
    run = RateReviewRun(
        quarter=quarter, policy=policy, scorecard=scorecard_current(quarter), business_date=as_of, created_at=at,
        state=run_state(needs_release=policy.needs_release),
    )  # fmt: skip
    return run_create(run, at=at)


def dry_run_begin(*, quarter: date, user: StaffUser, as_of: date, at: datetime) -> RateReviewRun:
    """A run that only counts. Raises ObjectNotFound where no policy is in force."""
    policy = review_policy_current(quarter)
    if policy is None:
        raise ObjectNotFound
    run = RateReviewRun(
        quarter=quarter, policy=policy, scorecard=scorecard_current(quarter), business_date=as_of, created_at=at,
        state=RunState.RUNNING, is_dry_run=True, started_by=user,
    )  # fmt: skip
    return run_create(run, at=at)


def rate_review_release(*, run_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> RateReviewRun:
    """Lets a waiting quarter go. Raises FourEyesRequired for whoever started its newest dry run, TransitionRefused."""
    return run_release(RateReviewRun, run_id=run_id, user=user, reason=reason, as_of=as_of, at=at)


def rate_review_discard(*, run_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> RateReviewRun:
    """Leaves the rates of a waiting quarter as they are. Raises TransitionRefused."""
    return run_discard(RateReviewRun, run_id=run_id, user=user, reason=reason, as_of=as_of, at=at)


def rate_review_advance(*, at: datetime) -> int:
    """One range of whatever run has one left; the number of lines looked at, 0 when nothing is left."""
    return run_advance(RateReviewRun, _range_review, at=at)


def _range_review(run: RateReviewRun, span: Span) -> Counter[str]:
    """The lines of the range under their locks; those reviewed this quarter are passed over."""
    rows = lines_of(run.quarter).filter(span.within())
    if run.is_dry_run:
        lines = list(rows)
        return batch_review(run, lines, lines_before(run, lines))
    lines = list(rows.select_for_update(no_key=True, of=("self",)))
    done = RateReview.objects.filter(span.within("credit_line"), quarter=run.quarter).order_by()
    known = set(done.values_list("credit_line_id", flat=True))
    return batch_review(run, [line for line in lines if line.pk not in known])
