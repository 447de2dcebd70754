"""R5: freshness, contradiction and weight of the 12 items, on both sides of each edge."""

from decimal import Decimal

import pytest

from risk.models import AuxiliaryReading
from risk.rules.decision import decide
from risk.rules.variables import item_state, item_states
from tests.risk.rules.builders import PLAIN, auxiliary, definition, inputs

ITEMS = definition()["auxiliary"]
NAMES = sorted(ITEMS)


@pytest.mark.req("R5")
def test_twelve_items_have_a_weight_and_a_freshness_limit() -> None:
    assert len(ITEMS) == 12
    assert set(AuxiliaryReading.Item.values) == set(ITEMS)
    assert all(Decimal(rule["weight"]) > 0 and rule["fresh_days"] > 0 for rule in ITEMS.values())
    assert sum(Decimal(rule["weight"]) for rule in ITEMS.values()) == 100


@pytest.mark.req("R5")
@pytest.mark.parametrize("name", NAMES)
def test_a_reading_is_verified_up_to_the_last_fresh_day(name: str) -> None:
    days = ITEMS[name]["fresh_days"]
    assert item_state(auxiliary(name, age_days=days), days) == "verified"
    assert item_state(auxiliary(name, age_days=days + 1), days) == "unverified"


@pytest.mark.req("R5")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("age_days", [0, 10_000])
def test_a_contradiction_does_not_grow_old_and_refers(name: str, age_days: int) -> None:
    item = auxiliary(name, state="contradicted", age_days=age_days)
    result = decide(inputs(auxiliary=(item,)))
    assert (result["outcome"], result["reasons"]) == ("referred", [{"code": "information_contradicted"}])


@pytest.mark.req("R5")
def test_an_item_nobody_reported_on_is_unverified_and_refers_nobody() -> None:
    assert set(item_states(PLAIN, ITEMS).values()) == {"verified", "unverified"}
    assert decide(inputs())["outcome"] == "approved"


@pytest.mark.req("R5")
def test_a_refusal_by_a_hard_rule_comes_before_the_doubt() -> None:
    item = auxiliary("education", state="contradicted")
    assert decide(inputs(auxiliary=(item,), score=599))["outcome"] == "rejected"


@pytest.mark.req("R5")
def test_only_fresh_verified_items_weigh() -> None:
    fresh, stale = auxiliary("employment"), auxiliary("employment", age_days=181)
    assert decide(inputs(auxiliary=(fresh,)))["variables"]["auxiliary_weight"] == "12"
    assert decide(inputs(auxiliary=(stale,)))["variables"]["auxiliary_weight"] == "0"
