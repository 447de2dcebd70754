"""What a month's round of raises owes to whom: funds, green points, better tiers; and who is overdue."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count

from risk.errors import PolicyMissing
from risk.models import AssetMonth, CreditLine, GreenAct, LimitRaisePolicy, RaiseSource
from risk.models.raises import GREEN_POINTS
from risk.rules.limits import TierRange, tiers_earned
from risk.rules.raises import FundHeld, RaiseRoom, fund_share, green_points, green_share
from risk.rules.rate_review import ReviewRules, Standing, is_quarter_start
from risk.selectors.facts import months_between
from risk.selectors.policy import regulation, terms_current, tier_ranges
from risk.selectors.raises import assets_newest
from risk.selectors.tape import OWING, tape_as_of
from weilidai.lib.money import ZERO


@dataclass(frozen=True)
class Worth:
    """What the sources are worth to one person: a share of the tier's span each, and what it rests on."""

    shares: dict[str, Decimal]
    evidence: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Promotion:
    """A line whose months in use and assets have earned a better tier than it is in."""

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


def promotions_earned(lines: Sequence[CreditLine], month: date) -> dict[UUID, Promotion]:
    """By line. In the first month of a quarter the rate review looks at the tiers."""
    if is_quarter_start(month):
        return {}
    assets = assets_newest([line.customer_id for line in lines], month)
    offers = {product: _tier_rules(product, month) for product in {line.product_id for line in lines}}
    found = {}
    for line in lines:
        tiers, rules = offers[line.product_id] or ([], None)
        current = next((tier for tier in tiers if tier.code == line.tier), None)
        if rules is None or current is None:
            continue
        in_use = months_between(line.opened_date, month) if line.application_id else 0
        held = assets.get(line.customer_id, ZERO)
        earned = tiers_earned(tiers, months_in_use=in_use, assets_amount=held)
        if any(tier.rank > current.rank for tier in earned):
            found[line.pk] = Promotion(line.tier, in_use, held, tiers, rules)
    return found


def _tier_rules(product: str, month: date) -> tuple[list[TierRange], ReviewRules] | None:
    """The terms as the review reads them, with no step but into the new tier's range; None while there are none."""
    try:
        terms = terms_current(product, month)
    except PolicyMissing:
        return None
    rules = ReviewRules(
        step_down=ZERO, step_up=ZERO, on_time_months=1, on_time_step=ZERO, approve_from=ZERO, top_score=Decimal(1),
        cost_cap_rate=regulation("cost_cap_rate", month) if terms.cost_cap_enforced else None,
        limit_step=terms.limit_step_amount, ceiling=terms.limit_ceiling_amount,
        student_limit=terms.student_limit_amount,
    )  # fmt: skip
    return tier_ranges(terms), rules


def people_worth(people: Sequence[UUID], policy: LimitRaisePolicy, month: date) -> dict[UUID, Worth]:
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
    last = (month - timedelta(days=1)).replace(day=1)
    rows = AssetMonth.objects.filter(customer__in=list(people), month=last).order_by("id")
    columns = rows.values_list("customer_id", "current_fund_mean_amount", "wealth_products_amount")
    return {key: FundHeld(mean, wealth) for key, mean, wealth in columns}


def _acts(people: Iterable[UUID], month: date) -> dict[UUID, dict[str, int]]:
    rows = GreenAct.objects.filter(customer__in=list(people), date__lt=month).order_by()
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    for key, act, count in rows.values_list("customer_id", "act").annotate(n=Count("pk")):
        found[key][act] = count
    return found


def people_overdue(people: Iterable[UUID], month: date) -> set[UUID]:
    """Who owed something past its day as the month began."""
    rows = tape_as_of(month - timedelta(days=1)).filter(
        customer__in=list(people), unpaid_due_date__lt=month, state__in=OWING
    )
    return set(rows.values_list("customer_id", flat=True))
