from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.maths.interest import Stretch
from loans.maths.penalty import cap_room, charged_total, share_claim, spread_charge, uplifted_rate

money = st.decimals(Decimal("0"), Decimal("100000"), places=2)


@pytest.mark.req("R22", "R23", "R24", "R26")
@pytest.mark.parametrize(
    ("share", "claim"), [("0.50", "500.00"), ("0.30", "300.00"), ("0.20", "200.00"), ("0", "0.00")]
)
def test_the_share_claim_is_a_share_of_the_overdue_principal(share, claim):
    assert share_claim(Decimal("1000.00"), Decimal(share)) == Decimal(claim)


@pytest.mark.req("R26")
def test_the_share_claim_is_rounded_half_up():
    assert share_claim(Decimal("0.01"), Decimal("0.5")) == Decimal("0.01")
    assert share_claim(Decimal("33.33"), Decimal("0.3")) == Decimal("10.00")


@pytest.mark.req("R26")
def test_the_uplift_claim_is_the_daily_rate_and_half_of_it_again():
    overdue = Stretch(Decimal("1000.00"), uplifted_rate(Decimal("0.000400"), Decimal("0.50")), date(2026, 1, 31))
    # 1000 x 0.0004 x 1.5 x 10
    assert overdue.brought_by(date(2026, 2, 10)) == Decimal("6.00")


@pytest.mark.req("R26")
def test_the_uplift_claim_is_rounded_once_per_stretch_of_principal():
    overdue = Stretch(Decimal("10.00"), uplifted_rate(Decimal("0.000400"), Decimal("0.5")), date(2026, 2, 1))
    overdue.cut(date(2026, 2, 2))
    overdue.repay(Decimal("5.00"))
    # 0.006 and 0.003
    assert overdue.brought_by(date(2026, 2, 3)) == Decimal("0.01")


@pytest.mark.req("R54")
def test_the_room_is_the_cap_on_the_exposure_less_what_was_charged_rounded_down():
    # 0.24 x 31000 / 365 = 20.3835..., less 12.40
    room = cap_room(cap_rate=Decimal("0.24"), exposure=Decimal("31000"), charged=Decimal("12.40"))
    assert room == Decimal("7.98")


@pytest.mark.req("R54")
def test_the_room_is_never_negative():
    assert cap_room(cap_rate=Decimal("0.24"), exposure=Decimal("100"), charged=Decimal("5")) == Decimal("0.00")


@pytest.mark.req("R26", "R54")
def test_the_claim_is_charged_as_far_as_there_is_room():
    assert charged_total(claim=Decimal("500.00"), room=Decimal("7.98")) == Decimal("7.98")
    assert charged_total(claim=Decimal("7.98"), room=Decimal("7.98")) == Decimal("7.98")
    assert charged_total(claim=Decimal("7.97"), room=Decimal("7.98")) == Decimal("7.97")


@pytest.mark.req("R26")
def test_without_a_cap_the_full_claim_is_charged_at_once():
    assert charged_total(claim=Decimal("500.00"), room=None) == Decimal("500.00")


def test_what_was_paid_stays_charged():
    assert charged_total(claim=Decimal("500.00"), room=Decimal("7.00"), paid=Decimal("7.50")) == Decimal("7.50")


def test_the_charge_goes_to_the_oldest_claim_first():
    claims = (Decimal("5.00"), Decimal("5.00"), Decimal("5.00"))
    unpaid = (Decimal("0.00"),) * 3
    assert spread_charge(Decimal("7.00"), claims, unpaid) == (
        Decimal("5.00"),
        Decimal("2.00"),
        Decimal("0.00"),
    )


def test_what_a_younger_claim_has_paid_stays_its_own():
    charges = spread_charge(Decimal("6.00"), (Decimal("9.00"), Decimal("5.00")), (Decimal("1.00"), Decimal("2.00")))
    assert charges == (Decimal("4.00"), Decimal("2.00"))


def test_a_charge_above_the_claims_is_a_defect():
    with pytest.raises(AssertionError):
        spread_charge(Decimal("6.00"), (Decimal("5.00"),), (Decimal("0.00"),))


@given(money, st.decimals(Decimal("0"), Decimal("9e7"), places=2), money)
def test_the_charge_never_exceeds_claim_or_room(claim, yuan_days, charged):
    room = cap_room(cap_rate=Decimal("0.24"), exposure=yuan_days, charged=charged)
    total = charged_total(claim=claim, room=room)
    assert 0 <= total <= claim
    assert total == 0 or (total + charged) * 365 <= Decimal("0.24") * yuan_days


@given(st.lists(money, min_size=1, max_size=12), st.decimals(Decimal("0"), Decimal("1"), places=2))
def test_the_spread_conserves_the_charge(claims, portion):
    total = (sum(claims) * portion).quantize(Decimal("0.01"), rounding="ROUND_DOWN")
    charges = spread_charge(total, claims, [Decimal("0.00")] * len(claims))
    assert sum(charges) == total
    assert all(0 <= charge <= claim for charge, claim in zip(charges, claims, strict=True))
