"""The monthly round of raises over every open line: a better tier (R23, R24), the current-money fund (R27), green
points (R56). In the first month of a quarter the rate review looks at the tiers.

A raise is what a source is worth in the line's tier less what that source has raised the line by so far: late, twice,
by several workers or after an outage the lines are the same. A month's figures are those of its first day.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from accounts.services.notification import notification_send
from risk.models import (
    AssetMonth,
    CreditLine,
    GreenAct,
    LimitRaise,
    LimitRaisePolicy,
    LineState,
    ProductTerms,
    RaiseSource,
)
from risk.models.raises import GREEN_POINTS
from risk.rules.limits import TierRange, tier_choose
from risk.rules.raises import FundHeld, RaiseRoom, fund_share, green_points, green_share, limit_raised, owed
from risk.rules.rate_review import ReviewRules, Standing, line_review
from risk.selectors.facts import months_between
from risk.selectors.policy import raises_current, regulation, terms_current, tier_ranges
from risk.selectors.raises import assets_newest, raise_room
from risk.selectors.tape import OWING, tape_as_of
from risk.services.credit_line import credit_line_change
from risk.services.rate_review import is_quarter_start
from weilidai.lib.audit import Actor
from weilidai.lib.models import JobRun
from weilidai.lib.money import ZERO

JOB = "risk.limit_raises"
PARTITION_LINES, BATCH = 2000, 500
LEASE = timedelta(seconds=60)
ACTOR = Actor.system("limit_raises")
FROZEN, OVERDUE, NOTHING, NO_ROOM = "frozen", "overdue", "nothing_owed", "no_room"


@dataclass(frozen=True)
class Worth:
    """What the sources are worth to one person: a share of the tier's span each, and what it rests on."""

    shares: dict[str, Decimal]
    evidence: dict[str, dict[str, Any]]


def lines_open() -> QuerySet[CreditLine]:
    """Every line that is not closed, by key."""
    return CreditLine.objects.exclude(state=LineState.CLOSED).order_by("pk")


def month_of(day: date) -> date:
    return day.replace(day=1)


@transaction.atomic
def limit_raises_begin(*, month: date) -> int:
    """Writes down the partitions of a month once, by the lines that are open; returns how many there are."""
    rows = JobRun.objects.filter(job=JOB, business_date=month)
    if not rows.exists():
        lines = lines_open().values_list("pk", flat=True).iterator(chunk_size=PARTITION_LINES)
        runs, number = [], 0
        while page := list(islice(lines, PARTITION_LINES)):
            ends = {"first": str(page[0]), "last": str(page[-1])}
            runs.append(JobRun(job=JOB, business_date=month, partition=f"{number:06d}", result=ends,
                               progress_total=len(page)))  # fmt: skip
            number += 1
        JobRun.objects.bulk_create(runs, ignore_conflicts=True)
    return rows.count()


def limit_raises_advance(*, at: datetime) -> int:
    """One partition of the oldest month that has one left; the number of lines looked at, 0 when nothing is left."""
    run = _claim(at)
    if run is None:
        return 0
    policy, counts, last = raises_current(run.business_date), Counter[str](), None
    while True:
        lines = _page(run, last)
        if not lines:
            break
        counts += lines_raise(lines, policy, run.business_date, at=at)
        last = lines[-1].pk
        done = run.progress_done = run.progress_done + len(lines)
        JobRun.objects.filter(pk=run.pk).update(heartbeat_at=at, progress_done=done)
    run.result |= {"counts": dict(counts)}
    JobRun.objects.filter(pk=run.pk).update(
        state=JobRun.State.DONE, finished_at=at, result=run.result, progress_done=run.progress_done
    )
    return max(run.progress_done, 1)


@transaction.atomic
def _claim(at: datetime) -> JobRun | None:
    """A partition that waits, or whose worker gave no sign of life for a lease."""
    free = Q(state=JobRun.State.PENDING) | Q(state=JobRun.State.RUNNING, heartbeat_at__lt=at - LEASE)
    rows = JobRun.objects.select_for_update(skip_locked=True).filter(free, job=JOB)
    run = rows.order_by("business_date", "partition").first()
    if run is not None:
        run.state, run.heartbeat_at, run.attempts = JobRun.State.RUNNING, at, run.attempts + 1
        run.started_at, run.progress_done = run.started_at or at, 0
        run.save(update_fields=["state", "heartbeat_at", "attempts", "started_at", "progress_done"])
    return run


def _page(run: JobRun, last: UUID | None) -> list[CreditLine]:
    rows = lines_open().filter(pk__gte=run.result["first"], pk__lte=run.result["last"])
    return list((rows.filter(pk__gt=last) if last else rows)[:BATCH])


def lines_raise(
    lines: Sequence[CreditLine], policy: LimitRaisePolicy, month: date, *, at: datetime, is_dry_run: bool = False
) -> Counter[str]:
    """Raises what is owed, line by line under its lock; counts by source and by why there was nothing."""
    people = [line.customer_id for line in lines]
    worth, overdue = _worth(people, policy, month), _overdue(people, month)
    before = _raised_before(lines)
    promoted = _promotions(lines, month)
    counts: Counter[str] = Counter()
    for line in lines:
        counts["lines"] += 1
        own = worth[line.customer_id]
        if line.state == LineState.FROZEN:
            counts[FROZEN] += 1
        elif line.customer_id in overdue:
            counts[OVERDUE] += 1
        elif not any(own.shares.values()) and line.pk not in promoted:
            counts[NOTHING] += 1
        else:
            step = _Step(own, promoted.get(line.pk), policy, month, at, is_dry_run)
            counts.update(_line_raise(line.pk, step, before))
    return counts


@dataclass(frozen=True)
class _Step:
    """What one line may get, and how the round was asked to go."""

    worth: Worth
    promotion: "Promotion | None"
    policy: LimitRaisePolicy
    month: date
    at: datetime
    is_dry_run: bool


@transaction.atomic
def _line_raise(line_id: UUID, step: _Step, before: dict[tuple[UUID, str], Decimal]) -> list[str]:
    line = CreditLine.objects.select_for_update().select_related("customer").get(pk=line_id)
    if line.state != LineState.ACTIVE:
        return [FROZEN]
    told = _promote(line, step)
    for source, share in step.worth.shares.items():
        room = raise_room(line, step.month)
        by = owed(room, share, before.get((line.pk, source), ZERO))
        if not by or _is_given(line, source, step.month):
            continue
        limit = limit_raised(room, by)
        if limit == line.limit_amount:
            told.append(NO_ROOM)
            continue
        told.append(source)
        evidence = step.worth.evidence[source]
        _give(line, step, source, evidence, limit, params={"points": evidence.get("points", "")})
        line.limit_amount = limit
    return told or [NOTHING]


def _is_given(line: CreditLine, source: str, month: date) -> bool:
    return LimitRaise.objects.filter(credit_line=line, source=source, month=month).exists()


def _promote(line: CreditLine, step: _Step) -> list[str]:
    """The locked line in the tier it has earned; its limit never falls, its rate enters the tier's range."""
    promotion = step.promotion
    if promotion is None or promotion.old_tier != line.tier or _is_given(line, RaiseSource.TIER, step.month):
        return []
    new = line_review(promotion.standing(line, raise_room(line, step.month)), promotion.tiers, promotion.rules)
    if new.tier.code == line.tier:
        return []
    figures = {"tier": new.tier.code, "daily_rate": new.daily_rate, "penalty_share": new.tier.penalty_share}
    params = {"rate": f"{new.daily_rate * 100:.4f}"}
    _give(line, step, RaiseSource.TIER, promotion.evidence, new.limit, figures=figures, params=params)
    line.tier, line.daily_rate, line.limit_amount = new.tier.code, new.daily_rate, new.limit
    return [RaiseSource.TIER]


def _give(
    line: CreditLine, step: _Step, source: str, evidence: dict[str, Any], limit: Decimal, *, params: dict[str, Any],
    figures: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Writes the raise, changes the line and tells the customer; a dry run does none of it."""
    if step.is_dry_run:
        return
    LimitRaise.objects.create(
        credit_line=line, customer_id=line.customer_id, policy=None if step.policy._state.adding else step.policy,
        month=step.month, source=source, business_date=step.month, amount=limit - line.limit_amount,
        new_limit_amount=limit, evidence=evidence,
    )  # fmt: skip
    credit_line_change(
        line_id=line.pk, limit_amount=limit, reason=f"limit_raise:{source}", actor=ACTOR, as_of=step.month, at=step.at,
        **(figures or {}),
    )  # fmt: skip
    notification_send(
        customer=line.customer, kind=f"limit_raised_{source}",
        params={"product": line.product_id, "limit": str(limit), **params},
        dedupe_key=f"limit_raise:{line.pk}:{source}:{step.month}", business_date=step.month,
    )  # fmt: skip


@dataclass(frozen=True)
class Promotion:
    """A line whose months in use and assets have earned another tier than it is in."""

    old_tier: str
    months_in_use: int
    assets: Decimal
    tiers: list[TierRange]
    rules: ReviewRules

    @property
    def evidence(self) -> dict[str, Any]:
        return {"from": self.old_tier, "months_in_use": self.months_in_use, "assets": str(self.assets)}

    def standing(self, line: CreditLine, room: RaiseRoom) -> Standing:
        """Without a score: the tier's lowest limit and the nearest rate of its range."""
        return Standing(
            tier=line.tier, limit=line.limit_amount, daily_rate=line.daily_rate, score=None, months_on_time=0,
            months_in_use=self.months_in_use, assets=self.assets, is_student=room.student_limit_amount is not None,
            is_frozen=False, household_room=room.household_room_amount,
        )  # fmt: skip


def _promotions(lines: Sequence[CreditLine], month: date) -> dict[UUID, Promotion]:
    if is_quarter_start(month):
        return {}
    assets = assets_newest([line.customer_id for line in lines], month)
    found = {}
    for line in lines:
        tiers, rules = _tier_rules(terms_current(line.product_id, month), month)
        # A line opened since the month began has not been in use at all.
        in_use = max(months_between(line.opened_date, month), 0) if line.application_id else 0
        held = assets.get(line.customer_id, ZERO)
        if tier_choose(tiers, months_in_use=in_use, assets_amount=held).code != line.tier:
            found[line.pk] = Promotion(line.tier, in_use, held, tiers, rules)
    return found


def _tier_rules(terms: ProductTerms, month: date) -> tuple[list[TierRange], ReviewRules]:
    """The terms as the review reads them, with no step but into the new tier's range."""
    rules = ReviewRules(
        step_down=ZERO, step_up=ZERO, on_time_months=1, on_time_step=ZERO, approve_from=ZERO, top_score=Decimal(1),
        cost_cap_rate=regulation("cost_cap_rate", month) if terms.cost_cap_enforced else None,
        limit_step=terms.limit_step_amount, ceiling=terms.limit_ceiling_amount,
        student_limit=terms.student_limit_amount,
    )  # fmt: skip
    return tier_ranges(terms), rules


def _worth(people: Sequence[UUID], policy: LimitRaisePolicy, month: date) -> dict[UUID, Worth]:
    held, acts = _held(people, month), _acts(people, month)
    found = {}
    for key in people:
        fund, points = held.get(key), green_points(acts.get(key, {}), policy.green_points or GREEN_POINTS)
        found[key] = Worth(
            shares={
                RaiseSource.FUND: fund_share(fund, policy.fund_mean_min_amount, policy.fund_share),
                RaiseSource.GREEN: green_share(
                    points, policy.green_step_points, policy.green_step_share, policy.green_max_share
                ),
            },
            evidence={
                RaiseSource.FUND: {"fund_mean": str(fund.current_fund_mean_amount),
                                   "wealth_products": str(fund.wealth_products_amount)} if fund else {},
                RaiseSource.GREEN: {"points": points},
            },
        )  # fmt: skip
    return found


def _held(people: Iterable[UUID], month: date) -> dict[UUID, FundHeld]:
    """The month that has just ended: an older one says nothing of today."""
    last = month_of(month - timedelta(days=1))
    rows = AssetMonth.objects.filter(customer__in=list(people), month=last).order_by("id")
    columns = rows.values_list("customer_id", "current_fund_mean_amount", "wealth_products_amount")
    return {key: FundHeld(mean, wealth) for key, mean, wealth in columns}


def _acts(people: Iterable[UUID], month: date) -> dict[UUID, dict[str, int]]:
    rows = GreenAct.objects.filter(customer__in=list(people), date__lt=month).order_by()
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    for key, act, count in rows.values_list("customer_id", "act").annotate(n=Count("pk")):
        found[key][act] = count
    return found


def _overdue(people: Iterable[UUID], month: date) -> set[UUID]:
    """Who owed something past its day as the month began."""
    rows = tape_as_of(month - timedelta(days=1)).filter(
        customer__in=list(people), unpaid_due_date__lt=month, state__in=OWING
    )
    return set(rows.values_list("customer_id", flat=True))


def _raised_before(lines: Sequence[CreditLine]) -> dict[tuple[UUID, str], Decimal]:
    rows = LimitRaise.objects.filter(credit_line__in=[line.pk for line in lines]).order_by()
    sums = rows.values_list("credit_line_id", "source").annotate(total=Sum("amount"))
    return {(line, source): Decimal(total) for line, source, total in sums}
