"""A review moves a rate inside its tier, rewards paying on time, promotes, and never takes away (R22–R25, R28, R29)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.rules.limits import TierRange
from risk.rules.rate_review import ReviewRules, Standing, line_review

D = Decimal
NEW = TierRange("new", 1, 0, D(0), D(500), D(8000), D("0.000300"), D("0.000500"), D("0.5"))
QUALITY = TierRange("quality", 2, 6, D(0), D(8000), D(40000), D("0.000200"), D("0.000350"), D("0.3"))
VIP = TierRange("vip", 3, 0, D(500000), D(40000), D(200000), D("0.000150"), D("0.000250"), D("0.2"))
TIERS = [NEW, QUALITY, VIP]
RULES = ReviewRules(
    step_down=D("0.000020"), step_up=D(0), on_time_months=6, on_time_step=D("0.000020"), approve_from=D(65),
    top_score=D(95), cost_cap_rate=D("0.24"), limit_step=D(100), ceiling=D(200000), student_limit=D(1000),
)  # fmt: skip
LINE = Standing(
    tier="new", limit=D(5000), daily_rate=D("0.000450"), score=D(65), months_on_time=0, months_in_use=3,
    assets=D(0), is_student=False, is_frozen=False, household_room=D(200000),
)  # fmt: skip


@pytest.mark.req("R29")
@pytest.mark.parametrize(
    ("months", "rate", "reasons"), [(5, "0.000450", ("unchanged",)), (6, "0.000430", ("paid_on_time",))]
)
def test_six_months_on_time_lower_the_rate_by_a_step(months: int, rate: str, reasons: tuple[str, ...]):
    reviewed = line_review(replace(LINE, months_on_time=months), TIERS, RULES)
    assert (reviewed.daily_rate, reviewed.reasons) == (D(rate), reasons)


@pytest.mark.req("R29")
@pytest.mark.parametrize(("old", "new"), [("0.000321", "0.000301"), ("0.000320", "0.000300"), ("0.000310", "0.000300")])
def test_never_under_the_floor_of_the_tier(old: str, new: str):
    assert line_review(replace(LINE, daily_rate=D(old), months_on_time=6), TIERS, RULES).daily_rate == D(new)


@pytest.mark.req("R25", "R29")
@pytest.mark.parametrize("old", ["0.000280", "0.000299"])
def test_a_line_under_the_floor_of_its_tier_is_lifted_to_it(old: str):
    reviewed = line_review(replace(LINE, daily_rate=D(old), months_on_time=6), TIERS, RULES)
    assert (reviewed.daily_rate, reviewed.reasons[-1]) == (D("0.000300"), "lowest_rate")


@pytest.mark.req("R25")
@pytest.mark.parametrize(("cap", "rate"), [("0.1095", "0.000300"), ("0.1094", "0.000299")])
def test_a_floor_above_the_cost_cap_gives_way_to_it(cap: str, rate: str):
    reviewed = line_review(replace(LINE, daily_rate=D("0.000300")), TIERS, replace(RULES, cost_cap_rate=D(cap)))
    assert reviewed.daily_rate == D(rate)


def test_at_the_floor_the_customer_is_told_so():
    reviewed = line_review(replace(LINE, daily_rate=D("0.000300"), months_on_time=6), TIERS, RULES)
    assert reviewed.reasons == ("paid_on_time", "lowest_rate")
    assert reviewed.daily_rate == D("0.000300")


@pytest.mark.req("R28")
def test_a_better_score_lowers_by_at_most_a_step_and_a_worse_one_raises_only_where_the_policy_says_so():
    assert line_review(replace(LINE, score=D(95)), TIERS, RULES).daily_rate == D("0.000430")
    worse = replace(LINE, daily_rate=D("0.000310"))
    assert line_review(worse, TIERS, RULES).daily_rate == D("0.000310")
    reviewed = line_review(worse, TIERS, replace(RULES, step_up=D("0.000010")))
    assert (reviewed.daily_rate, reviewed.reasons) == (D("0.000320"), ("score_worse",))


def test_without_a_score_only_punctuality_counts():
    assert line_review(replace(LINE, score=None), TIERS, RULES).reasons == ("unchanged",)
    assert line_review(replace(LINE, score=None, months_on_time=6), TIERS, RULES).daily_rate == D("0.000430")


@pytest.mark.req("R23")
@pytest.mark.parametrize(("months", "tier"), [(5, "new"), (6, "quality")])
def test_six_months_in_use_make_a_quality_customer(months: int, tier: str):
    reviewed = line_review(replace(LINE, months_in_use=months), TIERS, RULES)
    assert reviewed.tier.code == tier
    if tier == "quality":
        assert (reviewed.limit, reviewed.daily_rate, reviewed.tier.penalty_share) == (D(8000), D("0.000350"), D("0.3"))
        assert reviewed.reasons[0] == "promoted"


@pytest.mark.req("R24")
@pytest.mark.parametrize(("assets", "tier"), [("499999.99", "new"), ("500000.00", "vip")])
def test_half_a_million_makes_a_vip(assets: str, tier: str):
    reviewed = line_review(replace(LINE, assets=D(assets), score=D(95)), TIERS, RULES)
    assert reviewed.tier.code == tier
    if tier == "vip":
        assert (reviewed.limit, reviewed.daily_rate) == (D(200000), D("0.000250"))


@pytest.mark.req("R50", "R54")
def test_a_promotion_stays_inside_the_student_limit_and_the_household():
    promoted = replace(LINE, months_in_use=6, score=D(95))
    assert line_review(replace(promoted, is_student=True, limit=D(1000)), TIERS, RULES).limit == D(1000)
    assert line_review(replace(promoted, household_room=D(12345)), TIERS, RULES).limit == D(12300)
    assert line_review(replace(promoted, household_room=D(100)), TIERS, RULES).limit == D(5000)


def test_a_tier_is_never_taken_away_and_a_limit_never_lowered():
    vip = replace(LINE, tier="vip", limit=D(60000), daily_rate=D("0.000200"), assets=D(0), score=D(0))
    reviewed = line_review(vip, TIERS, RULES)
    assert (reviewed.tier.code, reviewed.limit, reviewed.daily_rate) == ("vip", D(60000), D("0.000200"))


def test_a_frozen_line_stays_as_it_is():
    frozen = replace(LINE, is_frozen=True, months_on_time=6, months_in_use=6)
    assert line_review(frozen, TIERS, RULES).reasons == ("line_frozen",)
    assert line_review(frozen, TIERS, RULES).daily_rate == LINE.daily_rate


def test_the_cost_cap_bounds_a_dear_tier():
    dear = replace(NEW, daily_rate_max=D("0.000900"))
    reviewed = line_review(replace(LINE, daily_rate=D("0.000900")), [dear, QUALITY, VIP], RULES)
    assert reviewed.daily_rate == D("0.000657")


rates = st.integers(150, 900).map(lambda n: D(n) / 1_000_000)
scores = st.integers(0, 10000).map(lambda n: D(n) / 100)


@pytest.mark.req("R25")
@given(
    rate=rates, low=scores, high=scores, on_time=st.integers(0, 8), in_use=st.integers(0, 12),
    tier=st.sampled_from(["new", "quality", "vip"]), up=st.integers(0, 50).map(lambda n: D(n) / 1_000_000),
    assets=st.sampled_from([D(0), D(600000)]),
)  # fmt: skip
def test_a_better_score_never_has_the_higher_rate_or_the_lower_limit(
    rate: Decimal, low: Decimal, high: Decimal, on_time: int, in_use: int, tier: str, up: Decimal, assets: Decimal
):
    line = replace(LINE, daily_rate=rate, months_on_time=on_time, months_in_use=in_use, tier=tier, assets=assets)
    rules = replace(RULES, step_up=up)
    worse = line_review(replace(line, score=min(low, high)), TIERS, rules)
    better = line_review(replace(line, score=max(low, high)), TIERS, rules)
    assert better.daily_rate <= worse.daily_rate
    assert better.limit >= worse.limit >= line.limit
    for reviewed in (worse, better):
        assert reviewed.tier.daily_rate_min <= reviewed.daily_rate <= reviewed.tier.daily_rate_max
