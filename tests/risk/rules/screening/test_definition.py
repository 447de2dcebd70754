"""R33: a pipeline is checked whole before it can be put into force."""

from collections.abc import Callable
from typing import Any

import pytest

from risk.rules.screening import ScreeningInvalid, definition_check
from tests.risk.rules.screening.builders import layer_of, shipped

Change = Callable[[dict[str, Any]], Any]


def faults(change: Change) -> list[tuple[str, str]]:
    definition = shipped()
    change(definition)
    with pytest.raises(ScreeningInvalid) as refused:
        definition_check(definition)
    return [(fault["field"], fault["code"]) for fault in refused.value.faults]


def test_the_shipped_pipeline_and_another_order_are_good() -> None:
    definition = shipped()
    definition["layers"].reverse()
    assert definition_check(shipped()) is None
    assert definition_check(definition) is None


@pytest.mark.req("R33")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: d["layers"].pop(), ("layers.repayment_capacity", "missing")),
        (lambda d: d["layers"].append(d["layers"][0]), ("layers.deny_list", "repeated")),
        (lambda d: d["layers"].append({"layer": "horoscope"}), ("layers.12", "unknown")),
        (lambda d: d.update(challenge_minutes=0), ("challenge_minutes", "range")),
        (lambda d: d.update(challenge_minutes="30"), ("challenge_minutes", "type")),
        (lambda d: d.update(extra=1), ("extra", "unknown")),
        (lambda d: layer_of(d, "velocity").update(mode="loud"), ("layers.velocity.mode", "unknown")),
        (lambda d: layer_of(d, "velocity").update(events=["sunrise"]), ("layers.velocity.events", "unknown")),
        (lambda d: layer_of(d, "velocity").update(events=None), ("layers.velocity.events", "type")),
        (lambda d: layer_of(d, "velocity")["parameters"].pop("count_7d_max"),
         ("layers.velocity.parameters.count_7d_max", "missing")),
        (lambda d: layer_of(d, "velocity")["parameters"].update(more=1),
         ("layers.velocity.parameters.more", "unknown")),
        (lambda d: layer_of(d, "velocity")["parameters"].update(count_7d_max=0),
         ("layers.velocity.parameters.count_7d_max", "range")),
        (lambda d: layer_of(d, "velocity")["parameters"].update(count_7d_max=True),
         ("layers.velocity.parameters.count_7d_max", "type")),
        (lambda d: layer_of(d, "single_amount")["parameters"].update(transfer_amount=5000),
         ("layers.single_amount.parameters.transfer_amount", "type")),
        (lambda d: layer_of(d, "single_amount")["parameters"].update(transfer_amount="5000.001"),
         ("layers.single_amount.parameters.transfer_amount", "type")),
        (lambda d: layer_of(d, "single_amount")["parameters"].update(transfer_amount="1e30"),
         ("layers.single_amount.parameters.transfer_amount", "range")),
        (lambda d: layer_of(d, "single_amount")["parameters"].update(transfer_amount="9" * 500),
         ("layers.single_amount.parameters.transfer_amount", "range")),
        (lambda d: layer_of(d, "single_amount")["parameters"].update(transfer_amount="1" + "0" * 8 + ".01"),
         ("layers.single_amount.parameters.transfer_amount", "range")),
        (lambda d: layer_of(d, "single_amount")["parameters"].update(transfer_amount="1." + "3" * 500),
         ("layers.single_amount.parameters.transfer_amount", "type")),
        (lambda d: layer_of(d, "single_amount")["parameters"].update(transfer_amount="NaN"),
         ("layers.single_amount.parameters.transfer_amount", "type")),
        (lambda d: layer_of(d, "single_amount")["parameters"].update(transfer_amount="-0.01"),
         ("layers.single_amount.parameters.transfer_amount", "range")),
        (lambda d: layer_of(d, "purpose")["parameters"].update(forbidden=[""]),
         ("layers.purpose.parameters.forbidden", "type")),
        (lambda d: layer_of(d, "purpose")["parameters"].update(forbidden=["property", "gamling"]),
         ("layers.purpose.parameters.forbidden", "unknown")),
        (lambda d: layer_of(d, "purpose")["verdicts"].update(forbidden_purpose="explode"),
         ("layers.purpose.verdicts.forbidden_purpose", "unknown")),
        (lambda d: layer_of(d, "purpose")["verdicts"].clear(),
         ("layers.purpose.verdicts.forbidden_purpose", "missing")),
    ],
)  # fmt: skip
def test_every_fault_is_told_by_field_and_code(change: Change, expected: tuple[str, str]) -> None:
    assert expected in faults(change)


@pytest.mark.parametrize("nonsense", [None, [], {}, {"layers": {}}, {"layers": [1], "challenge_minutes": 30}])
def test_nonsense_is_refused_and_never_an_error(nonsense: Any) -> None:
    with pytest.raises(ScreeningInvalid):
        definition_check(nonsense)
