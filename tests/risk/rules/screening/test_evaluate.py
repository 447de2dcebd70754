"""R33: order, strength, shadow and enforced, challenges answered; the same inputs give the same answer."""

import json
from typing import Any

import pytest

from risk.rules.screening import evaluate, program_of
from tests.risk.rules.screening.builders import inputs, layer_of, shipped

TRANSFER = {"transfer": {"amount": "6000.00", "date": "2026-11-19", "row": "p1"}, "loan": None}
ELSEWHERE = {"city": "乌鲁木齐"}
NEW = {"verified": False, "verified_minutes": None}


@pytest.mark.req("R33")
def test_the_strongest_enforced_verdict_counts_wherever_it_stands() -> None:
    result = evaluate(shipped(), inputs("loan", single_amount=TRANSFER, geolocation=ELSEWHERE, device_fingerprint=NEW))
    assert (result["verdict"], result["decided_by"]) == ("freeze", "geolocation")


@pytest.mark.req("R33")
def test_of_equal_verdicts_the_first_in_the_pipelines_order_decides() -> None:
    definition = shipped()
    hits: dict[str, Any] = {"deny_list": {"bureau": True}, "credit_history": {"worst_days": 200}}
    assert evaluate(definition, inputs("loan", **hits))["decided_by"] == "deny_list"
    definition["layers"].reverse()
    result = evaluate(definition, inputs("loan", **hits))
    assert (result["verdict"], result["decided_by"]) == ("refer", "credit_history")


@pytest.mark.req("R33")
def test_a_layer_in_shadow_is_kept_and_does_not_act() -> None:
    definition = shipped()
    layer_of(definition, "geolocation")["mode"] = "shadow"
    result = evaluate(definition, inputs("login", geolocation=ELSEWHERE))
    assert result["verdict"] == "pass"
    kept = next(row for row in result["layers"] if row["layer"] == "geolocation")
    assert (kept["mode"], kept["verdict"], kept["ran"]) == ("shadow", "freeze", True)
    assert kept["findings"][0]["evidence"] == {
        "city": "乌鲁木齐", "usual_cities": ["深圳"], "ip": "198.51.100.7", "source": "ip",
    }  # fmt: skip


@pytest.mark.req("R33")
def test_a_layer_switched_off_at_an_event_does_not_run() -> None:
    result = evaluate(shipped(), inputs("login", purpose={"misused": 3}))
    kept = next(row for row in result["layers"] if row["layer"] == "purpose")
    assert (kept["ran"], kept["verdict"]) == (False, "pass")


@pytest.mark.req("R33")
def test_a_section_that_was_not_gathered_says_so() -> None:
    bare = inputs("loan")
    del bare["device_fingerprint"]
    kept = next(row for row in evaluate(shipped(), bare)["layers"] if row["layer"] == "device_fingerprint")
    assert (kept["ran"], kept["verdict"]) == (False, "pass")


@pytest.mark.req("R35")
@pytest.mark.parametrize(("minutes", "verdict"), [(29, "pass"), (30, "challenge")])
def test_a_challenge_just_answered_does_not_ask_again(minutes: int, verdict: str) -> None:
    definition = shipped()
    layer_of(definition, "device_fingerprint")["verdicts"]["device_shared"] = "challenge"
    shared = {"customers": 9, "verified_minutes": minutes}
    assert evaluate(definition, inputs("loan", device_fingerprint=shared))["verdict"] == verdict


@pytest.mark.req("R33", "R21")
def test_the_same_inputs_give_the_same_answer_after_a_trip_through_json() -> None:
    definition, seen = shipped(), inputs("loan", single_amount=TRANSFER, geolocation=ELSEWHERE)
    first = evaluate(definition, seen)
    again = program_of(json.loads(json.dumps(definition))).run(json.loads(json.dumps(seen)))
    assert json.dumps(first) == json.dumps(again)
