"""Tier, limit and rate from a score (R22–R25, R50, R54). Pure; all figures come in as policy data."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from weilidai.lib.money import RATE_STEP, ZERO, round_rate

DAYS_OF_YEAR = 365


@dataclass(frozen=True)
class TierRange:
    code: str
    rank: int
    months_in_use_min: int
    assets_min_amount: Decimal
    limit_min_amount: Decimal
    limit_max_amount: Decimal
    daily_rate_min: Decimal
    daily_rate_max: Decimal
    penalty_share: Decimal

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "TierRange":
        """From the policy snapshot of a decision."""
        names = ["assets_min_amount", "limit_min_amount", "limit_max_amount"]
        names += ["daily_rate_min", "daily_rate_max", "penalty_share"]
        figures = {name: Decimal(stored[name]) for name in names}
        return cls(stored["code"], stored["rank"], stored["months_in_use_min"], **figures)


def tiers_earned(tiers: list[TierRange], *, months_in_use: int, assets_amount: Decimal) -> list[TierRange]:
    """Those whose conditions all hold."""
    return [
        tier for tier in tiers if months_in_use >= tier.months_in_use_min and assets_amount >= tier.assets_min_amount
    ]


def tier_choose(tiers: list[TierRange], *, months_in_use: int, assets_amount: Decimal) -> TierRange:
    """The highest tier whose conditions all hold; the lowest has none."""
    earned = tiers_earned(tiers, months_in_use=months_in_use, assets_amount=assets_amount)
    return max(earned, key=lambda tier: tier.rank)


def score_position(score: Decimal, approve_from: Decimal, top_score: Decimal) -> Decimal:
    """Where a score lies between the lowest approved (0) and the one that earns the best offer (1)."""
    share = (score - approve_from) / (top_score - approve_from)
    return min(max(share, Decimal(0)), Decimal(1))


def limit_inside(tier: TierRange, position: Decimal, step: Decimal) -> Decimal:
    """Monotone in the position, down to a whole step, never below the tier's own minimum (R25)."""
    raw = tier.limit_min_amount + (tier.limit_max_amount - tier.limit_min_amount) * position
    return max(floor_step(raw, step), tier.limit_min_amount)


def rate_inside(tier: TierRange, position: Decimal, cost_cap_rate: Decimal | None) -> Decimal:
    """Falls as the position rises; at most the cost cap ÷ 365, rounded down so that it stays lawful (R25)."""
    rate = round_rate(tier.daily_rate_max - (tier.daily_rate_max - tier.daily_rate_min) * position)
    return rate if cost_cap_rate is None else min(rate, rate_cap(cost_cap_rate))


def rate_cap(cost_cap_rate: Decimal) -> Decimal:
    """The dearest lawful daily rate, six places, rounded down."""
    return (cost_cap_rate / DAYS_OF_YEAR).quantize(RATE_STEP, rounding=ROUND_DOWN)


def limit_cap(
    limit: Decimal, *, ceiling: Decimal, student_limit: Decimal | None, household_room: Decimal, step: Decimal
) -> Decimal:
    """The product's ceiling, the student limit (R50) and what the law leaves the household (R54) each cap it.

    Caps win over the tier's minimum: a student of any score stays at the student limit.
    """
    capped = min(limit, ceiling, max(floor_step(household_room, step), ZERO))
    return capped if student_limit is None else min(capped, student_limit)


def floor_step(amount: Decimal, step: Decimal) -> Decimal:
    """Down to a whole number of steps."""
    return (amount // step * step).quantize(Decimal("0.01"))
