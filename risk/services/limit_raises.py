"""The monthly round of raises over every open line: a better tier (R23, R24), the current-money fund (R27), green
points (R56). One run a month, one raise per line, source and month.

The specification wants raises without anybody's doing, so a run begins by itself and goes on by itself unless the
policy says that a second person releases each month.
"""

from collections import Counter
from datetime import date, datetime
from uuid import UUID

from accounts.models import StaffUser
from risk.models import LimitRaisePolicy, LimitRaiseRun, RunState
from risk.selectors.policy import raises_current
from risk.services.limit_raises_batch import lines_raise
from risk.services.line_run import lines_before, lines_of, run_advance, run_create, run_discard, run_release, run_state
from weilidai.lib.partitions import Span


def month_of(day: date) -> date:
    return day.replace(day=1)


def limit_raises_begin(*, month: date, as_of: date, at: datetime) -> LimitRaiseRun:
    """The run of a month, made once."""
    found = LimitRaiseRun.objects.filter(month=month, is_dry_run=False).first()
    if found is not None:
        return found
    policy = raises_current(month)
    run = LimitRaiseRun(
        month=month, policy=_kept(policy), business_date=as_of, created_at=at,
        state=run_state(needs_release=policy.needs_release),
    )  # fmt: skip
    return run_create(run, at=at)


def raises_dry_run_begin(*, month: date, user: StaffUser, as_of: date, at: datetime) -> LimitRaiseRun:
    """A run that only counts."""
    run = LimitRaiseRun(
        month=month, policy=_kept(raises_current(month)), business_date=as_of, created_at=at, state=RunState.RUNNING,
        is_dry_run=True, started_by=user,
    )  # fmt: skip
    return run_create(run, at=at)


def _kept(policy: LimitRaisePolicy) -> LimitRaisePolicy | None:
    """The shipped figures, which hold where no row does, are not a row to point at."""
    return None if policy._state.adding else policy


def limit_raises_release(*, run_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> LimitRaiseRun:
    """Lets a waiting month go. Raises FourEyesRequired for whoever started its newest dry run, TransitionRefused."""
    return run_release(LimitRaiseRun, run_id=run_id, user=user, reason=reason, as_of=as_of, at=at)


def limit_raises_discard(*, run_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> LimitRaiseRun:
    """Raises nothing in a waiting month; what its figures owed, the next month owes. Raises TransitionRefused."""
    return run_discard(LimitRaiseRun, run_id=run_id, user=user, reason=reason, as_of=as_of, at=at)


def limit_raises_advance(*, at: datetime) -> int:
    """One range of whatever run has one left; the number of lines looked at, 0 when nothing is left."""
    return run_advance(LimitRaiseRun, _range_raise, at=at)


def _range_raise(run: LimitRaiseRun, span: Span) -> Counter[str]:
    lines = list(lines_of(run.month).filter(span.within()))
    return lines_raise(run, lines, lines_before(run, lines))
