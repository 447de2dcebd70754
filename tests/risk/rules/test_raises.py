from dataclasses import replace
from decimal import Decimal

import pytest

from risk.rules.raises import ProofShares, RaiseRoom, limit_raised, proof_raise, share_amount

pytestmark = pytest.mark.req("R38")
D = Decimal

ROOM = RaiseRoom(
    limit_amount=D("3000.00"),
    tier_min_amount=D("500.00"),
    tier_max_amount=D("8000.00"),
    ceiling_amount=D("200000.00"),
    household_room_amount=D("200000.00"),
    student_limit_amount=None,
    step_amount=D("100.00"),
)
SHARES = ProofShares(property=D("0.30"), vehicle=D("0.15"), both=D("0.15"))


@pytest.mark.parametrize(
    ("by", "limit"),
    [("0.00", "3000.00"), ("99.99", "3000.00"), ("100.00", "3100.00"), ("5000.00", "8000.00"), ("5000.01", "8000.00"),
     ("99999.00", "8000.00")],
)  # fmt: skip
def test_a_raise_is_a_whole_step_inside_the_tier(by: str, limit: str) -> None:
    assert limit_raised(ROOM, D(by)) == D(limit)


@pytest.mark.parametrize(
    ("bound", "limit"),
    [
        ({"ceiling_amount": D("4000.00")}, "4000.00"),
        ({"household_room_amount": D("4099.99")}, "4000.00"),
        ({"household_room_amount": D("4100.00")}, "4100.00"),
        ({"student_limit_amount": D("1000.00")}, "3000.00"),
        ({"student_limit_amount": D("3500.00")}, "3500.00"),
        ({"tier_max_amount": D("2000.00")}, "3000.00"),
        ({"household_room_amount": D("-1.00")}, "3000.00"),
        ({"tier_max_amount": D("3550.00")}, "3500.00"),
    ],
)
def test_every_bound_holds_and_nothing_is_ever_lowered(bound: dict[str, Decimal], limit: str) -> None:
    assert limit_raised(replace(ROOM, **bound), D("5000.00")) == D(limit)


def test_a_limit_off_the_step_stays_until_a_whole_step_is_above_it() -> None:
    odd = replace(ROOM, limit_amount=D("3050.00"))
    assert limit_raised(odd, D("49.99")) == D("3050.00")
    assert limit_raised(odd, D("50.00")) == D("3100.00")


@pytest.mark.parametrize(
    ("kinds", "amount"),
    [([], "0.00"), (["property"], "2200.00"), (["vehicle"], "1100.00"), (["property", "vehicle"], "4500.00")],
)
def test_two_proofs_are_worth_more_than_each(kinds: list[str], amount: str) -> None:
    assert proof_raise(ROOM, SHARES, kinds, D("0.00")) == D(amount)


def test_the_order_of_proofs_does_not_matter_and_one_renewed_raises_nothing() -> None:
    first = proof_raise(ROOM, SHARES, ["vehicle"], D("0.00"))
    assert first + proof_raise(ROOM, SHARES, ["property", "vehicle"], first) == D("4500.00")
    assert proof_raise(ROOM, SHARES, ["property"], D("2200.00")) == 0
    assert proof_raise(ROOM, SHARES, ["property"], D("4500.00")) == 0


def test_a_share_of_no_span_is_nothing() -> None:
    assert share_amount(replace(ROOM, tier_min_amount=D("9000.00")), D("0.5")) == 0
