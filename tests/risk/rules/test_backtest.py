"""Judging again by a draft: both sides of each edge, and never a guess."""

from decimal import Decimal
from typing import Any

import pytest

from risk.rules.backtest import (
    CannotJudge,
    CreditJudge,
    Judged,
    ScreeningJudge,
    credit_rejudged,
    direction,
    judged_of,
    parts_changed,
)
from risk.rules.decision import decide
from risk.rules.screening import program_of
from tests.risk.rules.builders import definition, inputs, policy
from tests.risk.rules.screening.builders import inputs as seen
from tests.risk.rules.screening.builders import layer_of, shipped

pytestmark = pytest.mark.req("R33")
SCORE = Decimal(decide(inputs())["score"])


def card(**changes: Any) -> dict[str, Any]:
    return {"code": "main", "version": 2, "definition": {**definition(), **changes}}


def terms(tiers: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    shipped_policy = policy()
    rows = [{**tier, **(tiers or {})} for tier in shipped_policy["tiers"]]
    return {"terms": {**shipped_policy["terms"], **changes}, "tiers": rows}


def test_an_unchanged_draft_changes_nothing() -> None:
    kept = inputs()
    old = judged_of(decide(kept))
    for judge in (CreditJudge.of_scorecard(card()), CreditJudge.of_terms(terms())):
        new = judge.judge(kept)
        assert new == old
        assert parts_changed(old, new) == []
        assert direction(old, new) == "other"


@pytest.mark.parametrize(("above", "outcome"), [("0.00", "approved"), ("0.01", "rejected")])
def test_a_higher_approval_mark_refuses_only_who_lies_below_it(above: str, outcome: str) -> None:
    old = judged_of(decide(inputs()))
    new = CreditJudge.of_scorecard(card(approve_from=str(SCORE + Decimal(above)))).judge(inputs())
    assert new.outcome == outcome
    assert new.score == old.score
    assert direction(old, new) == "worse"
    assert (new.limit is None) == (outcome == "rejected")


def test_a_variable_that_was_not_kept_is_named_and_not_guessed() -> None:
    changed = card()
    changed["definition"]["dimensions"][0]["variables"][0]["name"] = "pay_amount_1m_sum"
    judge = CreditJudge.of_scorecard(changed)
    with pytest.raises(CannotJudge) as told:
        judge.judge(inputs())
    assert (told.value.cause, told.value.detail) == ("variable_missing", "pay_amount_1m_sum")
    kept = {**inputs(), "variables": {"pay_amount_1m_sum": None}}
    assert judge.judge(kept).outcome in ("approved", "rejected")


@pytest.mark.parametrize(("ceiling", "parts"), [("1000000.00", []), ("600.00", ["limit"])])
def test_a_lower_ceiling_caps_the_limit(ceiling: str, parts: list[str]) -> None:
    old = judged_of(decide(inputs()))
    new = CreditJudge.of_terms(terms(limit_ceiling_amount=ceiling)).judge(inputs())
    assert parts_changed(old, new) == parts
    assert direction(old, new) == ("worse" if parts else "other")


def test_a_cheaper_tier_is_better_for_the_customer() -> None:
    old = judged_of(decide(inputs()))
    new = CreditJudge.of_terms(terms({"daily_rate_min": "0.000200", "daily_rate_max": "0.000200"})).judge(inputs())
    assert parts_changed(old, new) == ["rate"]
    assert direction(old, new) == "better"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [({"activity_months": 6}, None), ({"activity_months": 7}, "activity_missing"),
     ({"score_name": "zhima"}, "score_missing")],
)  # fmt: skip
def test_terms_that_ask_for_more_than_was_kept_cannot_judge(changes: dict[str, Any], cause: str | None) -> None:
    judge = CreditJudge.of_terms(terms(**{"score_name": "wechat_pay", **changes}))
    kept = inputs()
    kept["policy"]["terms"]["score_name"] = "wechat_pay"
    if cause is None:
        assert judge.judge(kept).outcome == "approved"
        return
    with pytest.raises(CannotJudge) as told:
        judge.judge(kept)
    assert told.value.cause == cause


def test_a_missing_layer_or_another_span_cannot_be_judged() -> None:
    kept = program_of(shipped())
    draft = shipped()
    assert ScreeningJudge(program_of(draft)).lacks("login", kept) is None
    layer_of(draft, "debts_elsewhere")["events"].append("login")
    lack = ScreeningJudge(program_of(draft)).lacks("login", kept)
    assert lack is not None
    assert (lack.cause, lack.detail) == ("layer_missing", "debts_elsewhere")
    layer_of(draft, "debts_elsewhere")["mode"] = "shadow"
    assert ScreeningJudge(program_of(draft)).lacks("login", kept) is None
    layer_of(draft, "single_amount")["parameters"]["transfer_days"] = 8
    lack = ScreeningJudge(program_of(draft)).lacks("login", kept)
    assert lack is not None
    assert (lack.cause, lack.detail) == ("span_missing", "single_amount")
    assert ScreeningJudge(program_of(draft)).lacks("device_verification", kept) is None


@pytest.mark.req("R34")
@pytest.mark.parametrize(("amount", "verdict"), [("8000.00", "pass"), ("8000.01", "alert")])
def test_a_raised_threshold_lets_pass_what_lies_on_it(amount: str, verdict: str) -> None:
    draft = shipped()
    layer_of(draft, "single_amount")["parameters"]["transfer_amount"] = "8000.00"
    transfer = {"amount": amount, "date": "2026-11-20", "row": "r1"}
    kept = seen("loan", single_amount={"transfer": transfer})
    assert program_of(shipped()).run(kept)["verdict"] == "alert"
    assert ScreeningJudge(program_of(draft)).judge(kept)["verdict"] == verdict


def test_another_verdict_of_the_layers_decides_the_application_otherwise() -> None:
    kept = {**inputs(), "screening": {"id": "x", "verdict": "refer"}}
    assert judged_of(decide(kept)).outcome == "referred"
    assert credit_rejudged(kept, "pass").outcome == "approved"
    assert credit_rejudged(kept, "block").outcome == "rejected"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("rejected", "referred", "better"), ("approved", "referred", "worse"), ("block", "alert", "better"),
     ("pass", "challenge", "worse")],
)  # fmt: skip
def test_direction_of_outcomes_and_verdicts(old: str, new: str, expected: str) -> None:
    assert direction(Judged(old), Judged(new)) == expected
