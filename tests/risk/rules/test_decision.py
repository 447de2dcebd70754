import json
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from risk.rules.decision import decide, result_sha256
from risk.rules.facts import facts_dump, facts_load
from risk.rules.reasons import REASON_CODES, reason_text
from tests.risk.rules.builders import PLAIN, activity, auxiliary, definition, inputs

D = Decimal
POOR: dict[str, Any] = {"payment_amount_12m": D("100.00"), "payment_count_12m": 1, "friends_count": 3}


def codes(result: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in result["reasons"]]


def test_a_plain_customer_is_approved_in_the_tier_for_new_customers() -> None:
    result = decide(inputs())
    assert (result["outcome"], result["tier"]) == ("approved", "new")
    assert D("500") <= D(result["limit"]) <= D("8000")
    assert D("0.000300") <= D(result["daily_rate"]) <= D("0.000500")
    assert result["penalty_share"] == "0.500000"


@pytest.mark.req("R2", "R4")
@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"score": 599}, ["score_below_minimum"]),
        ({"activity": activity(2)}, ["activity_insufficient"]),
        ({"score": None, "activity": ()}, ["score_below_minimum", "activity_insufficient"]),
        ({"on_deny_list": True}, ["credit_record"]),
        ({"worst_dpd_24m": 90}, ["credit_record"]),
    ],
)
def test_a_hard_rule_refuses_and_says_which(changes: dict[str, Any], reasons: list[str]) -> None:
    result = decide(inputs(**changes))
    assert (result["outcome"], codes(result), result["limit"]) == ("rejected", reasons, None)


def test_89_days_past_due_elsewhere_are_left_to_the_score() -> None:
    assert decide(inputs(worst_dpd_24m=89))["outcome"] == "approved"


@pytest.mark.req("R5")
def test_a_contradicted_item_goes_to_a_person_whatever_the_score() -> None:
    item = auxiliary("employment", state="contradicted", age_days=900)
    for changes in ({}, POOR):
        result = decide(inputs(auxiliary=(item,), **changes))
        assert (result["outcome"], codes(result)) == ("referred", ["information_contradicted"])


@pytest.mark.req("R5")
def test_a_contradiction_does_not_save_from_a_hard_rule() -> None:
    item = auxiliary("employment", state="contradicted")
    assert decide(inputs(auxiliary=(item,), score=599))["outcome"] == "rejected"


@pytest.mark.parametrize(("age", "outcome"), [(None, "referred"), (180, "approved"), (181, "referred")])
def test_a_decision_needs_a_fresh_credit_report(age: int | None, outcome: str) -> None:
    assert decide(inputs(bureau_age_days=age))["outcome"] == outcome


def test_a_thin_file_is_refused_by_its_score_with_three_reasons() -> None:
    result = decide(inputs(**POOR))
    assert result["outcome"] == "rejected"
    assert codes(result)[0] == "payment_flow"
    assert len(codes(result)) == 3


@pytest.mark.req("R15")
def test_the_cut_itself_is_approved() -> None:
    score = decide(inputs())["score"]
    at_cut, above = inputs(), inputs()
    at_cut["policy"]["scorecard"]["definition"]["approve_from"] = score
    above["policy"]["scorecard"]["definition"]["approve_from"] = str(D(score) + D("0.01"))
    assert (decide(at_cut)["outcome"], decide(above)["outcome"]) == ("approved", "rejected")
    assert decide(at_cut)["limit"] == "500.00"


@pytest.mark.req("R50")
@pytest.mark.parametrize("assets", ["0.00", "5524.34", "900000.00"])
def test_a_student_gets_1000_at_most_even_with_the_assets_of_a_vip(assets: str) -> None:
    result = decide(inputs(is_student=True, assets_amount=D(assets), payment_amount_12m=D("90000.00")))
    assert (result["outcome"], result["limit"]) == ("approved", "1000.00")
    assert "student_limit" in codes(result)


@pytest.mark.req("R24")
@pytest.mark.parametrize(("assets", "tier"), [("499999.99", "new"), ("500000.00", "vip")])
def test_assets_of_500000_make_a_vip(assets: str, tier: str) -> None:
    assert decide(inputs(assets_amount=D(assets)))["tier"] == tier


@pytest.mark.req("R54")
def test_lines_elsewhere_in_the_house_leave_less_room_or_none() -> None:
    assert decide(inputs(other_limits_amount=D("199000.00")))["limit"] == "1000.00"
    refused = decide(inputs(other_limits_amount=D("200000.00")))
    assert (refused["outcome"], codes(refused)) == ("rejected", ["household_limit_reached"])


@pytest.mark.req("R25")
def test_a_rate_above_the_cap_is_lowered_and_told() -> None:
    dear = inputs(product=2)
    dear["policy"]["scorecard"]["definition"]["approve_from"] = decide(dear)["score"]
    result = decide(dear)
    assert result["daily_rate"] == "0.000657"
    assert "cost_cap_applied" in codes(result)


@pytest.mark.req("R21")
def test_inputs_survive_json_and_the_answer_stays_bit_for_bit() -> None:
    given = inputs(ecny_wallet_amount=D("100.10"))
    again = json.loads(json.dumps(given, sort_keys=True))
    assert facts_load(again["facts"]) == replace(PLAIN, ecny_wallet_amount=D("100.10"))
    assert facts_dump(facts_load(again["facts"])) == given["facts"]
    assert result_sha256(decide(again)) == result_sha256(decide(given))


@pytest.mark.req("R21")
def test_a_change_of_one_fact_shows_in_the_fingerprint() -> None:
    assert result_sha256(decide(inputs())) != result_sha256(decide(inputs(friends_count=50)))


@pytest.mark.req("R21")
def test_deciding_leaves_its_inputs_alone() -> None:
    given = inputs()
    before = deepcopy(given)
    decide(given)
    assert given == before


@pytest.mark.req("R21")
def test_every_reason_of_the_scorecard_has_a_text_for_the_customer() -> None:
    card = definition()
    used = {v["reason"] for d in card["dimensions"] for v in d["variables"]}
    used |= {f"good_{rule['code']}" for rule in card["bonuses"]}
    used |= {f"good_{dimension['code']}" for dimension in card["dimensions"]}
    assert used <= REASON_CODES
    assert reason_text("no_longer_known") != ""


def test_no_reason_tells_how_device_changes_are_judged() -> None:
    result = decide(inputs(device_changes_90d=12, **POOR))
    assert "device" not in " ".join(reason_text(code) for code in codes(result)).lower()
