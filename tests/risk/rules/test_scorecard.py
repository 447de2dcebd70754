from copy import deepcopy
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from risk.rules.facts import CustomerFacts
from risk.rules.scorecard import (
    DIMENSIONS,
    ScorecardInvalid,
    Scored,
    bin_points,
    deduction_points,
    score_compute,
    scorecard_check,
)
from risk.rules.variables import (
    DERIVED_NAMES,
    VARIABLE_NAMES,
    item_states,
    red_packet_gap,
    variables_compute,
)
from tests.risk.rules.builders import PLAIN, auxiliary, definition

D = Decimal


def scored(facts: CustomerFacts) -> Scored:
    card = definition()
    return score_compute(card, variables_compute(facts, card["auxiliary"], 12))


def adjustment(facts: CustomerFacts, code: str) -> Decimal:
    return next(a.points for a in scored(facts).adjustments if a.code == code)


def points(facts: CustomerFacts, code: str) -> Decimal:
    return next(d.points for d in scored(facts).dimensions if d.code == code)


@pytest.mark.req("R15")
def test_the_five_dimensions_weigh_35_25_20_15_5() -> None:
    assert [(d.code, d.weight) for d in scored(PLAIN).dimensions] == [
        ("consumption", D(35)),
        ("social", D(25)),
        ("capacity", D(20)),
        ("device_stability", D(15)),
        ("external_credit", D(5)),
    ]


@pytest.mark.req("R15")
def test_the_best_customer_reaches_every_weight_and_no_more() -> None:
    best = replace(
        PLAIN,
        payment_amount_12m=D("9999999.99"),
        payment_count_12m=9999,
        friends_count=999,
        active_groups_count=99,
        assets_amount=D("9999999.99"),
        ecny_wallet_amount=D("99999.00"),
        worst_dpd_24m=0,
        inquiries_6m=0,
        bureau_debts_amount=D("0.00"),
        auxiliary=tuple(auxiliary(name) for name in definition()["auxiliary"]),
    )
    assert [d.points for d in scored(best).dimensions] == [35, 25, 20, 15, 5]
    assert scored(best).score == 100


@pytest.mark.req("R15")
def test_weights_that_do_not_sum_to_100_are_refused() -> None:
    card = definition()
    card["dimensions"][0]["weight"] = "34"
    with pytest.raises(ScorecardInvalid, match="100"):
        scorecard_check(card)


def _without_last_bin(card: dict[str, Any]) -> None:
    card["dimensions"][0]["variables"][0]["bins"].pop()


def _unknown_variable(card: dict[str, Any]) -> None:
    card["dimensions"][0]["variables"][0]["name"] = "chat_words"


def _grade_of_16(card: dict[str, Any]) -> None:
    card["deductions"][0]["grades"][-1]["points"] = "16"


def _grade_of_7(card: dict[str, Any]) -> None:
    card["deductions"][0]["grades"][0]["points"] = "7"


def _four_dimensions(card: dict[str, Any]) -> None:
    card["dimensions"].pop()


def _cut_above_top(card: dict[str, Any]) -> None:
    card["approve_from"] = card["top_score"]


def _heavier_than_weight(card: dict[str, Any]) -> None:
    card["dimensions"][0]["variables"][0]["bins"][-1]["points"] = "23"


@pytest.mark.req("R15")
@pytest.mark.parametrize(
    "spoil",
    [
        _without_last_bin,
        _unknown_variable,
        _grade_of_16,
        _grade_of_7,
        _four_dimensions,
        _cut_above_top,
        _heavier_than_weight,
    ],
)
def test_a_definition_that_breaks_a_rule_is_refused(spoil: Any) -> None:
    card = deepcopy(definition())
    scorecard_check(card)
    spoil(card)
    with pytest.raises(ScorecardInvalid):
        scorecard_check(card)


def _first(card: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = card["dimensions"][0]["variables"][0]
    return found


# What a decision reads and a form lets through: (what is spoilt, a value that must not pass, one that may).
FIGURES: list[tuple[Any, Any, Any]] = [
    (lambda card, value: _first(card).update(missing=value), "abc", "0"),
    (lambda card, value: _first(card).update(missing=value), "NaN", "-1"),
    (lambda card, value: _first(card).update(missing=value), "1000", "1"),
    (lambda card, value: _first(card).update(missing=value), None, "0.5"),
    (lambda card, value: _first(card).update(reason=value), "horoscope", "assets"),
    (lambda card, value: _first(card).update(reason=value), ["assets"], "social_activity"),
    (lambda card, value: _first(card)["bins"][0].update(below=value), "NaN", "1"),
    (lambda card, value: _first(card)["bins"][0].update(points=value), 3.1, "3.1"),
    (lambda card, value: card["dimensions"][0].update(weight=value), "NaN", "35"),
    (lambda card, value: card["bonuses"][0].update(above=value), "NaN", "0.5"),
    (lambda card, value: card["bonuses"][0].update(points=value), "-1", "0"),
    (lambda card, value: card["bonuses"][0].update(points=value), "1e99", "4"),
    (lambda card, value: card["bonuses"][0].update(code=value), "", "housing"),
    (lambda card, value: card["deductions"][0].update(dimension=value), "nothing", "social"),
    (lambda card, value: card["deductions"][0].update(points_min=value), "-8", "0"),
    (lambda card, value: card["deductions"][0]["grades"][0].update({"from": value}), "99", "2"),
    (lambda card, value: card["deductions"][0]["grades"][0].update({"from": value}), "NaN", "1"),
    (lambda card, value: card.update(bureau_max_age_days=value), "180", 180),
    (lambda card, value: card.update(worst_dpd_reject_from=value), True, 0),
    (lambda card, value: card["auxiliary"]["education"].update(weight=value), "-1", "0"),
    (lambda card, value: card["auxiliary"]["education"].update(fresh_days=value), None, 1),
    (lambda card, value: card.update(auxiliary=value), [], {}),
    (lambda card, value: card.update(bonuses=value), None, []),
]


@pytest.mark.req("R15")
@pytest.mark.parametrize(("spoil", "bad", "good"), FIGURES)
def test_whatever_a_decision_reads_is_looked_at_before_it_is_in_force(spoil: Any, bad: Any, good: Any) -> None:
    card = deepcopy(definition())
    spoil(card, good)
    scorecard_check(card)
    assert score_compute(card, variables_compute(PLAIN, card["auxiliary"], 12)).score > 0
    spoil(card, bad)
    with pytest.raises(ScorecardInvalid):
        scorecard_check(card)


@pytest.mark.req("R15")
@pytest.mark.parametrize("definition", [{}, [], "card", None, {"dimensions": ["a"] * 5}, {"dimensions": None}])
def test_what_is_no_scorecard_at_all_is_refused(definition: Any) -> None:
    with pytest.raises(ScorecardInvalid):
        scorecard_check(definition)


@pytest.mark.req("R15")
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "payment_amount_12m: abc is no figure"), ("zh-hans", "payment_amount_12m：abc 不是数值")],
)
def test_a_fault_is_told_in_the_readers_language(language: str, words: str) -> None:
    card = deepcopy(definition())
    _first(card)["missing"] = "abc"
    with translation.override(language), pytest.raises(ScorecardInvalid, match=words):
        scorecard_check(card)


@pytest.mark.req("R15")
@pytest.mark.parametrize("name", ["missing", "reason", "name", "bins"])
def test_nothing_of_a_variable_may_be_left_out(name: str) -> None:
    card = deepcopy(definition())
    del _first(card)[name]
    with pytest.raises(ScorecardInvalid, match=name):
        scorecard_check(card)


@pytest.mark.req("R15")
@pytest.mark.parametrize(
    ("value", "expected"), [(None, "1"), ("0", "10"), ("4.99", "10"), ("5", "20"), ("9", "20"), ("10", "30")]
)
def test_a_bound_belongs_to_the_bin_above_it_and_missing_has_its_own(value: str | None, expected: str) -> None:
    variable = {
        "name": "x",
        "missing": "1",
        "bins": [{"below": "5", "points": "10"}, {"below": "10", "points": "20"}, {"points": "30"}],
    }
    assert bin_points(variable, None if value is None else D(value)) == D(expected)


@pytest.mark.req("R18")
@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        (0, 0),
        (1, 0),
        (2, 0),
        (3, 8),
        (4, 8),
        (5, 9),
        (6, 10),
        (7, 11),
        (8, 12),
        (9, 13),
        (10, 14),
        (11, 14),
        (12, 15),
        (99, 15),
    ],
)
def test_device_changes_cost_8_to_15_points(changes: int, taken: int) -> None:
    assert adjustment(replace(PLAIN, device_changes_90d=changes), "device_changes") == -taken
    assert scored(PLAIN).score - scored(replace(PLAIN, device_changes_90d=changes)).score == taken


@pytest.mark.req("R18")
def test_no_logins_are_no_changes() -> None:
    assert deduction_points(definition()["deductions"][0], None) == 0


@pytest.mark.req("R18")
def test_the_whole_deduction_counts_where_the_dimension_has_less_left() -> None:
    unstable = replace(PLAIN, device_tenure_days=1, ip_changes_90d=40)
    hopping = replace(unstable, device_changes_90d=12)
    assert points(unstable, "device_stability") == 3
    assert points(hopping, "device_stability") == 0
    assert scored(unstable).score - scored(hopping).score == 15


@pytest.mark.req("R6")
@pytest.mark.parametrize(
    ("months", "state", "age", "bonus"),
    [
        (12, "verified", 30, 5),
        (11, "verified", 30, 0),
        (12, "contradicted", 30, 0),
        (60, "verified", 181, 0),
        (60, "verified", 180, 5),
    ],
)
def test_housing_fund_adds_points_from_12_months_verified_and_fresh(
    months: int, state: str, age: int, bonus: int
) -> None:
    item = auxiliary("housing_fund", months=months, state=state, age_days=age)
    assert adjustment(replace(PLAIN, auxiliary=(item,)), "housing_fund") == bonus


@pytest.mark.req("R17")
@pytest.mark.parametrize(
    ("sent", "received", "bonus"),
    [("853.81", "341.51", 3), ("65.00", "35.00", 0), ("65.01", "34.99", 3), ("35.00", "65.01", 0), ("0.00", "0.00", 0)],
)
def test_who_sends_clearly_more_red_packets_than_comes_back_gains(sent: str, received: str, bonus: int) -> None:
    facts = replace(PLAIN, red_packets_sent_amount_12m=D(sent), red_packets_received_amount_12m=D(received))
    assert adjustment(facts, "red_packets") == bonus


@pytest.mark.req("R17")
def test_red_packet_gap_lies_between_minus_one_and_one() -> None:
    assert red_packet_gap(D(10), D(0)) == 1
    assert red_packet_gap(D(0), D(10)) == -1
    assert red_packet_gap(D(0), D(0)) is None


@pytest.mark.req("R20")
def test_the_wallet_counts_only_when_it_is_known() -> None:
    without = points(replace(PLAIN, ecny_wallet_amount=None), "capacity")
    assert points(replace(PLAIN, ecny_wallet_amount=D("1000.00")), "capacity") == without + 1
    assert points(replace(PLAIN, ecny_wallet_amount=D("0.00")), "capacity") == without


@pytest.mark.req("R19")
def test_no_fact_and_no_variable_comes_from_chats() -> None:
    names = [field.name for field in fields(CustomerFacts)] + [*VARIABLE_NAMES, *DERIVED_NAMES]
    assert [name for name in names if "chat" in name or "message" in name or "text" in name] == []


@pytest.mark.req("R5")
def test_the_twelve_items_weigh_100_together_and_missing_ones_are_unverified() -> None:
    rules = definition()["auxiliary"]
    assert len(rules) == 12
    assert sum(D(rule["weight"]) for rule in rules.values()) == 100
    states = item_states(replace(PLAIN, auxiliary=(auxiliary("vehicle", age_days=401),)), rules)
    assert set(states.values()) == {"unverified"}


@pytest.mark.req("R5")
def test_a_verified_item_adds_its_weight() -> None:
    rules = definition()["auxiliary"]
    values = variables_compute(PLAIN, rules, 12)
    assert values["auxiliary_weight"] == D(12 + 12 + 6)


def test_dimension_names_are_the_ones_of_the_contract() -> None:
    assert DIMENSIONS == ("consumption", "social", "capacity", "device_stability", "external_credit")
