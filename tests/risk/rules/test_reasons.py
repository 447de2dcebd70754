"""R21: what customers are told covers every code there is, helps them, and teaches nobody how to pass a check."""

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
from django.utils import translation

from risk.rules import admission
from risk.rules.decision import decide
from risk.rules.facts import facts_dump
from risk.rules.reasons import REASON_CODES, reason_advice, reason_text
from tests.risk.rules.builders import PLAIN, auxiliary, definition, inputs

HARD = [value for name, value in vars(admission).items() if name.isupper() and isinstance(value, str)]
# Words that would name a check against fraud.
SECRETS = re.compile(
    r"fraud|device|deny|black ?list|alert|login|\bip\b|velocity|frequen|geo|location|network|layer|red packet|"
    r"欺诈|设备|黑名单|告警|登录|定位|频率|关系网|红包",
    re.IGNORECASE,
)


def emitted() -> set[str]:
    """Every code that the rules give over a grid of good, bad and missing facts."""
    grid: dict[str, list[Any]] = {
        "score": [720, 599, None],
        "identity_verified": [True, False],
        "on_deny_list": [False, True],
        "bureau_age_days": [15, 181, None],
        "is_student": [False, True],
        "payment_count_12m": [150, 0],
        "friends_count": [196, 0],
        "device_changes_90d": [0, 12],
        "bureau_debts_amount": [None],
    }
    found: set[str] = set()
    for values in itertools.product(*grid.values()):
        facts = replace(PLAIN, **dict(zip(grid, values, strict=True)))
        found |= {reason["code"] for reason in decide({**inputs(), "facts": facts_dump(facts)})["reasons"]}
    doubtful = replace(PLAIN, auxiliary=(auxiliary("income_tax", state="contradicted"),))
    return found | {reason["code"] for reason in decide({**inputs(), "facts": facts_dump(doubtful)})["reasons"]}


@pytest.mark.req("R21")
def test_every_code_that_is_emitted_has_a_text() -> None:
    found = emitted()
    assert len(found) > 8
    assert found <= REASON_CODES
    assert set(HARD) <= REASON_CODES
    card = definition()
    named = {v["reason"] for dimension in card["dimensions"] for v in dimension["variables"]}
    named |= {rule["reason"] for rule in card["deductions"]}
    assert named <= REASON_CODES


@pytest.mark.req("R21")
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_text_tells_how_a_check_works(language: str) -> None:
    with translation.override(language):
        told = {code: f"{reason_text(code)} {reason_advice(code)}" for code in REASON_CODES}
    assert {code: text for code, text in told.items() if SECRETS.search(text)} == {}


@pytest.mark.req("R21")
def test_a_refused_customer_hears_what_to_do() -> None:
    fixable = {"score_below_minimum", "identity_not_verified", "bank_card_required", "activity_insufficient",
               "credit_record", "information_contradicted", "household_limit_reached", "payment_flow",
               "card_repayments", "verified_items", "manual_review"}  # fmt: skip
    with translation.override("en"):
        assert {code for code in fixable if not reason_advice(code)} == set()
        assert reason_advice("usage_stability") == reason_advice("no_longer_known") == ""
