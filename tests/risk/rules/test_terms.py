"""R30: a product's figures are looked at before they hold for anybody."""

from decimal import Decimal
from typing import Any

import pytest

from risk.models import ProductTerms, Tier
from risk.rules.terms import RANGES, terms_faults

D = Decimal


def terms(**changes: Any) -> ProductTerms:
    shipped = {
        "score_minimum": 600, "limit_ceiling_amount": D("200000.00"), "daily_rate_min": D("0.000150"),
        "daily_rate_max": D("0.000500"), "payout_target_seconds": 15,
    }  # fmt: skip
    return ProductTerms(**{**shipped, **changes})


def tier(code: str = "new", rank: int = 1, **changes: Any) -> Tier:
    figures = {
        "limit_min_amount": D("500.00"), "limit_max_amount": D("8000.00"), "daily_rate_min": D("0.000300"),
        "daily_rate_max": D("0.000500"), "penalty_share": D("0.5"),
    }  # fmt: skip
    return Tier(code=code, rank=rank, **{**figures, **changes})


def fields(row: ProductTerms, *tiers: Tier) -> list[str]:
    return [field for field, _detail in terms_faults(row, list(tiers or (tier(),)))]


@pytest.mark.req("R30")
def test_plain_terms_have_no_fault() -> None:
    assert fields(terms()) == []
    assert fields(terms(), tier(), tier("vip", 2, months_in_use_min=6)) == []


@pytest.mark.req("R30")
@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("limit_step_amount", D("0.00"), D("0.01")),
        ("limit_ceiling_amount", D("0.00"), D("0.01")),
        ("student_limit_amount", D("-0.01"), D("0.00")),
        ("age_minimum", 17, 18),
        ("activity_months", 0, 1),
        ("activity_months", 61, 60),
        ("appeal_reminder_working_days", 4, 3),
        ("appeal_answer_working_days", 0, 1),
        ("appeal_answer_hour", 24, 23),
        ("verification_lock_hours", 0, 1),
        ("prepaid_fee_discount", D("0.025001"), D("0.025000")),
        ("fee_rate", D("1.000001"), D("1.000000")),
        ("single_days_default", 366, 365),
        ("daily_rate_min", D("0.000501"), D("0.000500")),
        ("instalment_periods", [3, 0], [3, 12]),
        ("instalment_periods", [12, 3], []),
        ("instalment_periods", ["3"], [3]),
        ("instalment_periods", {"3": 6}, [1, 120]),
        ("instalment_periods", [121], [120]),
    ],
)
def test_a_figure_nothing_can_work_with_is_a_fault(name: str, bad: Any, good: Any) -> None:
    assert fields(terms(**{name: bad})) != []
    assert fields(terms(**{name: good})) == []


@pytest.mark.req("R30")
@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("penalty_share", D("-0.000001"), D("0")),
        ("penalty_share", D("1.000001"), D("1")),
        ("daily_rate_min", D("-0.000001"), D("0")),
        ("limit_min_amount", D("-0.01"), D("0.00")),
        ("limit_min_amount", D("8000.01"), D("8000.00")),
        ("months_in_use_min", 1, 0),
        ("assets_min_amount", D("0.01"), D("0.00")),
    ],
)
def test_a_tier_has_lawful_ranges_and_one_is_open_to_everybody(name: str, bad: Any, good: Any) -> None:
    assert set(fields(terms(), tier(**{name: bad}))) == {"tiers"}
    assert fields(terms(), tier(**{name: good})) == []


@pytest.mark.req("R25")
def test_two_tiers_of_one_rank_are_a_fault() -> None:
    assert fields(terms(), tier(), tier("quality", 1, months_in_use_min=6)) == ["tiers"]
    assert fields(terms(), tier(), tier("quality", 2, months_in_use_min=6)) == []


def test_every_figure_named_is_one_of_the_terms() -> None:
    assert set(RANGES) <= {field.name for field in ProductTerms._meta.fields}
