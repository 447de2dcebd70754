from dataclasses import replace
from decimal import Decimal

import pytest

from risk.rules.admission import admission_failures, is_active, month_is_active, score_reaches
from risk.rules.facts import ActivityMonth
from tests.risk.rules.builders import PLAIN, activity, policy

TERMS = policy()["terms"]


@pytest.mark.req("R2")
@pytest.mark.parametrize(("score", "passes"), [(None, False), (0, False), (599, False), (600, True), (850, True)])
def test_score_passes_from_the_minimum_on(score: int | None, passes: bool) -> None:
    assert score_reaches(score, 600) is passes


@pytest.mark.req("R2")
def test_score_599_is_told_as_score_below_minimum() -> None:
    assert admission_failures(replace(PLAIN, score=599), TERMS) == ["score_below_minimum"]
    assert admission_failures(replace(PLAIN, score=600), TERMS) == []


@pytest.mark.req("R30")
@pytest.mark.parametrize(("product", "below", "enough"), [(0, 599, 600), (1, 599, 600), (2, 84, 85)])
def test_each_product_has_its_own_minimum(product: int, below: int, enough: int) -> None:
    terms = policy(product)["terms"]
    assert admission_failures(replace(PLAIN, score=below), terms) == ["score_below_minimum"]
    assert admission_failures(replace(PLAIN, score=enough), terms) == []


@pytest.mark.req("R3")
@pytest.mark.parametrize(
    ("identity", "card", "failures"),
    [
        (True, True, []),
        (True, False, ["bank_card_required"]),
        (False, True, ["identity_not_verified"]),
        (False, False, ["identity_not_verified", "bank_card_required"]),
    ],
)
def test_one_of_identity_card_and_bank_card_is_not_enough(identity: bool, card: bool, failures: list[str]) -> None:
    facts = replace(PLAIN, identity_verified=identity, bank_card_verified=card)
    assert admission_failures(facts, TERMS) == failures


@pytest.mark.req("R3")
@pytest.mark.parametrize(("age", "failures"), [(17, ["age_below_minimum"]), (18, []), (None, ["age_below_minimum"])])
def test_age_counts_from_18(age: int | None, failures: list[str]) -> None:
    assert admission_failures(replace(PLAIN, age_years=age), TERMS) == failures


@pytest.mark.req("R4")
@pytest.mark.parametrize(
    ("days", "opens", "active"),
    [(31, 93, True), (31, 92, False), (30, 90, True), (30, 89, False), (28, 84, True), (28, 83, False), (29, 87, True)],
)
def test_a_month_needs_three_opens_for_each_of_its_days(days: int, opens: int, active: bool) -> None:
    assert month_is_active(ActivityMonth("2026-01", days, opens), Decimal("3.00")) is active


@pytest.mark.req("R4")
def test_a_mean_of_2_99_is_not_rounded_up() -> None:
    assert month_is_active(ActivityMonth("2026-01", 100, 299), Decimal("3.00")) is False


@pytest.mark.req("R4")
@pytest.mark.parametrize("quiet", [0, 1, 2, 3, 4, 5])
def test_one_quiet_month_of_six_fails_whichever_it_is(quiet: int) -> None:
    months = list(activity(3))
    assert is_active(tuple(months), 6, Decimal("3.00")) is True
    months[quiet] = replace(months[quiet], opens=months[quiet].opens - 1)
    assert is_active(tuple(months), 6, Decimal("3.00")) is False
    assert admission_failures(replace(PLAIN, activity=tuple(months)), TERMS) == ["activity_insufficient"]


@pytest.mark.req("R4")
def test_five_months_are_not_six() -> None:
    assert is_active(activity()[1:], 6, Decimal("3.00")) is False
