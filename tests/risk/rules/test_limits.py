from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.rules.limits import TierRange, limit_cap, limit_inside, rate_cap, rate_inside, score_position, tier_choose
from tests.risk.rules.builders import policy

D = Decimal
TIERS = [TierRange.load(tier) for tier in policy()["tiers"]]
NEW, QUALITY, VIP = TIERS
scores = st.decimals(min_value=0, max_value=100, places=2)


@pytest.mark.req("R22", "R23", "R24")
@pytest.mark.parametrize(
    ("months", "assets", "tier"),
    [
        (0, "0.00", "new"),
        (5, "499999.99", "new"),
        (6, "0.00", "quality"),
        (6, "499999.99", "quality"),
        (0, "500000.00", "vip"),
        (6, "500000.00", "vip"),
    ],
)
def test_the_highest_tier_whose_conditions_hold_applies(months: int, assets: str, tier: str) -> None:
    assert tier_choose(TIERS, months_in_use=months, assets_amount=D(assets)).code == tier


@pytest.mark.req("R22", "R23", "R24")
@pytest.mark.parametrize(
    ("tier", "lowest", "highest", "dearest", "cheapest", "share"),
    [
        (NEW, "500.00", "8000.00", "0.000500", "0.000300", "0.5"),
        (QUALITY, "8000.00", "40000.00", "0.000350", "0.000200", "0.3"),
        (VIP, "40000.00", "200000.00", "0.000250", "0.000150", "0.2"),
    ],
)
def test_a_tier_reaches_from_its_lowest_to_its_highest_offer(
    tier: TierRange, lowest: str, highest: str, dearest: str, cheapest: str, share: str
) -> None:
    assert (limit_inside(tier, D(0), D(100)), rate_inside(tier, D(0), D("0.24"))) == (D(lowest), D(dearest))
    assert (limit_inside(tier, D(1), D(100)), rate_inside(tier, D(1), D("0.24"))) == (D(highest), D(cheapest))
    assert tier.penalty_share == D(share)


@pytest.mark.req("R25")
@given(scores, scores, st.sampled_from(TIERS))
def test_a_better_score_never_gives_a_lower_limit_or_a_higher_rate(one: D, other: D, tier: TierRange) -> None:
    low, high = sorted((score_position(one, D(70), D(95)), score_position(other, D(70), D(95))))
    assert limit_inside(tier, low, D(100)) <= limit_inside(tier, high, D(100))
    assert rate_inside(tier, low, D("0.24")) >= rate_inside(tier, high, D("0.24"))
    assert limit_inside(tier, low, D(100)) % 100 == 0
    assert tier.limit_min_amount <= limit_inside(tier, low, D(100)) <= tier.limit_max_amount


@pytest.mark.req("R25")
def test_the_rate_given_is_at_most_the_cap_over_365_rounded_down() -> None:
    dear = TierRange.load(policy(2)["tiers"][0])
    assert dear.daily_rate_max == D("0.000900")
    assert rate_cap(D("0.24")) == D("0.000657")
    assert rate_inside(dear, D(0), D("0.24")) == D("0.000657")
    assert rate_inside(dear, D(1), D("0.24")) == D("0.000557")
    assert rate_inside(dear, D(0), None) == D("0.000900")
    assert D("0.000657") * 365 <= D("0.24")


@pytest.mark.req("R25")
@pytest.mark.parametrize(
    ("score", "position"), [("69.99", "0"), ("70", "0"), ("82.5", "0.5"), ("95", "1"), ("100", "1")]
)
def test_the_position_grows_from_the_cut_to_the_top_score(score: str, position: str) -> None:
    assert score_position(D(score), D(70), D(95)) == D(position)


def cap(limit: str, ceiling: str = "200000", student: str | None = None, room: str = "200000") -> Decimal:
    return limit_cap(
        D(limit), ceiling=D(ceiling), student_limit=D(student) if student else None, household_room=D(room), step=D(100)
    )


@pytest.mark.req("R30")
def test_the_ceiling_of_the_product_caps_the_limit() -> None:
    assert cap("250000", ceiling="200000", room="300000") == 200000


@pytest.mark.req("R50")
@pytest.mark.parametrize(("limit", "given_limit"), [("900", 900), ("1000", 1000), ("1100", 1000), ("200000", 1000)])
def test_a_student_stays_at_1000_whatever_the_score(limit: str, given_limit: int) -> None:
    assert cap(limit, student="1000") == given_limit


@pytest.mark.req("R54")
@pytest.mark.parametrize(
    ("room", "given_limit"), [("200000", 8000), ("8000", 8000), ("7999.99", 7900), ("99.99", 0), ("0", 0), ("-5000", 0)]
)
def test_the_household_room_caps_the_limit_in_whole_steps(room: str, given_limit: int) -> None:
    assert cap("8000", room=room) == given_limit
