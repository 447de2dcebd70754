"""What a review makes of a line: tier, limit and rate from the score, the months on time and the policy. Pure.

A better score never gives a higher rate; a limit is never lowered; a tier is never taken away.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from risk.rules.limits import TierRange, limit_cap, limit_inside, rate_cap, rate_inside, score_position, tiers_earned

UNCHANGED, FROZEN, ON_TIME, SCORE_BETTER, SCORE_WORSE, PROMOTED, FLOOR, NOT_OFFERED = (
    "unchanged", "line_frozen", "paid_on_time", "score_better", "score_worse", "promoted", "lowest_rate", "not_offered",
)  # fmt: skip

QUARTER_MONTHS = (1, 4, 7, 10)


def is_quarter_start(day: date) -> bool:
    return day.day == 1 and day.month in QUARTER_MONTHS


@dataclass(frozen=True)
class ReviewRules:
    """The policy's steps, all fractions a day, and what the scorecard calls the lowest and the top score."""

    step_down: Decimal
    step_up: Decimal
    on_time_months: int
    on_time_step: Decimal
    approve_from: Decimal
    top_score: Decimal
    cost_cap_rate: Decimal | None
    limit_step: Decimal
    ceiling: Decimal
    student_limit: Decimal


@dataclass(frozen=True)
class Standing:
    """A line on the day of the review; `household_room` is what the law leaves it beside the person's other lines."""

    tier: str
    limit: Decimal
    daily_rate: Decimal
    score: Decimal | None
    months_on_time: int
    months_in_use: int
    assets: Decimal
    is_student: bool
    is_frozen: bool
    household_room: Decimal


@dataclass(frozen=True)
class Reviewed:
    tier: TierRange
    limit: Decimal
    daily_rate: Decimal
    reasons: tuple[str, ...]


def line_review(standing: Standing, tiers: list[TierRange], rules: ReviewRules) -> Reviewed:
    """The line after the review; a frozen one stays as it is."""
    current = next(tier for tier in tiers if tier.code == standing.tier)
    if standing.is_frozen:
        return Reviewed(current, standing.limit, standing.daily_rate, (FROZEN,))
    earned = tiers_earned(tiers, months_in_use=standing.months_in_use, assets_amount=standing.assets)
    tier = max([current, *earned], key=lambda tier: tier.rank)
    position = None if standing.score is None else score_position(standing.score, rules.approve_from, rules.top_score)
    rate, reasons = _rate(standing, tier, position, rules)
    limit = standing.limit
    if tier.rank > current.rank:
        reasons.insert(0, PROMOTED)
        limit = _limit(standing, tier, position or Decimal(0), rules)
    return Reviewed(tier, limit, rate, tuple(reasons) or (UNCHANGED,))


def line_unoffered(standing: Standing, penalty_share: Decimal) -> Reviewed:
    """Where the product or the tier is offered no more, a line stays what it is."""
    limit, rate = standing.limit, standing.daily_rate
    own = TierRange(standing.tier, 0, 0, Decimal(0), limit, limit, rate, rate, penalty_share)
    return Reviewed(own, limit, rate, (NOT_OFFERED,))


def _rate(
    standing: Standing, tier: TierRange, position: Decimal | None, rules: ReviewRules
) -> tuple[Decimal, list[str]]:
    old, reasons = standing.daily_rate, list[str]()
    moved = old
    if position is not None:
        target = rate_inside(tier, position, rules.cost_cap_rate)
        moved = max(old - rules.step_down, min(target, old + rules.step_up))
        reasons += [SCORE_BETTER] if moved < old else [SCORE_WORSE] if moved > old else []
    if standing.months_on_time >= rules.on_time_months:
        moved -= rules.on_time_step
        reasons.append(ON_TIME)
    highest = tier.daily_rate_max
    if rules.cost_cap_rate is not None:
        highest = min(highest, rate_cap(rules.cost_cap_rate))
    # A rate is always inside its tier (R25), also where the tiers rose above it; the cost cap wins over the floor.
    rate = min(max(moved, tier.daily_rate_min), highest)
    if rate == tier.daily_rate_min and moved < rate:
        reasons.append(FLOOR)
    return rate, reasons if rate != old or FLOOR in reasons else []


def _limit(standing: Standing, tier: TierRange, position: Decimal, rules: ReviewRules) -> Decimal:
    wanted = limit_cap(
        limit_inside(tier, position, rules.limit_step),
        ceiling=rules.ceiling,
        student_limit=rules.student_limit if standing.is_student else None,
        household_room=standing.household_room,
        step=rules.limit_step,
    )
    return max(wanted, standing.limit)
