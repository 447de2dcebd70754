"""R33–R37, R52: each condition of the twelve layers, both sides of its edge, with the shipped figures."""

from typing import Any

import pytest

from risk.rules.screening import LAYER_CODES, evaluate
from tests.risk.rules.screening.builders import found, inputs, shipped


def verdicts(event: str = "loan", **sections: Any) -> dict[str, str]:
    """Condition → verdict of everything that was found."""
    return found(evaluate(shipped(), inputs(event, **sections)))


@pytest.mark.req("R33")
@pytest.mark.parametrize("event", ["application", "device_verification", "login", "loan"])
def test_an_ordinary_customer_passes_everywhere(event: str) -> None:
    result = evaluate(shipped(), inputs(event))
    assert (result["verdict"], result["decided_by"]) == ("pass", "")
    assert [layer["layer"] for layer in result["layers"]] == list(LAYER_CODES)


@pytest.mark.req("R34")
@pytest.mark.parametrize(("amount", "expected"), [("5000.00", {}), ("5000.01", {"single_transfer": "alert"})])
def test_one_transfer_above_5000_raises_an_alert(amount: str, expected: dict[str, str]) -> None:
    transfer = {"amount": amount, "date": "2026-11-19", "row": "p1"}
    assert verdicts(single_amount={"transfer": transfer, "loan": "1000.00"}) == expected


@pytest.mark.req("R35")
@pytest.mark.parametrize("event", ["login", "loan"])
def test_a_new_device_is_challenged(event: str) -> None:
    new = {"verified": False, "verified_minutes": None}
    assert verdicts(event, device_fingerprint=new) == {"new_device": "challenge"}


@pytest.mark.req("R35")
@pytest.mark.parametrize("event", ["application", "device_verification"])
def test_a_new_device_may_apply_and_ask_to_be_verified(event: str) -> None:
    assert verdicts(event, device_fingerprint={"verified": False, "verified_minutes": None}) == {}


@pytest.mark.req("R36")
@pytest.mark.parametrize(
    ("city", "usual", "expected"),
    [
        ("乌鲁木齐", ["深圳"], {"unusual_place": "freeze"}),
        ("深圳", ["北京", "深圳"], {}),
        ("乌鲁木齐", [], {}),
        (None, ["深圳"], {}),
    ],
    ids=["elsewhere", "usual", "first ever", "unknown"],
)
def test_an_unusual_place_freezes(city: str | None, usual: list[str], expected: dict[str, str]) -> None:
    assert verdicts("login", geolocation={"city": city, "usual": usual}) == expected


@pytest.mark.req("R37")
@pytest.mark.parametrize(("act", "most", "verdict"), [
    ("login", 30, "alert"), ("device_verification", 20, "alert"), ("application", 20, "refer"), ("loan", 120, "alert"),
])  # fmt: skip
def test_acts_are_counted_in_a_sliding_window(act: str, most: int, verdict: str) -> None:
    assert verdicts(act, behaviour_frequency={"times": [0] * most}) == {}
    assert verdicts(act, behaviour_frequency={"times": [0] * (most + 1)}) == {f"{act}_too_often": verdict}


@pytest.mark.req("R37")
def test_the_window_slides_to_the_second() -> None:
    assert verdicts("login", behaviour_frequency={"times": [0] * 30 + [3600]}) == {}
    assert verdicts("login", behaviour_frequency={"times": [0] * 30 + [3599]}) == {"login_too_often": "alert"}


@pytest.mark.req("R33")
@pytest.mark.parametrize(
    ("layer", "just_inside", "just_outside", "expected"),
    [
        ("identity_consistency", {"card_customers": 3}, {"card_customers": 4}, {"card_shared": "alert"}),
        ("identity_consistency", {"phone_customers": 5}, {"phone_customers": 6}, {"phone_shared": "alert"}),
        ("identity_consistency", {"holder_matches": None}, {"holder_matches": False}, {"holder_differs": "refer"}),
        ("device_fingerprint", {"customers": 5}, {"customers": 6}, {"device_shared": "alert"}),
        ("device_fingerprint", {"agent": "Mate 60"}, {"agent": "SDK_gphone64"}, {"emulator": "alert"}),
        ("velocity", {"count_24h": 150}, {"count_24h": 151}, {"loans_count_24h": "alert"}),
        ("velocity", {"count_7d": 300}, {"count_7d": 301}, {"loans_count_7d": "alert"}),
        ("velocity", {"amount_24h": "150000.00"}, {"amount_24h": "150000.01"}, {"loans_amount_24h": "alert"}),
        ("velocity", {"amount_7d": "400000.00"}, {"amount_7d": "400000.01"}, {"loans_amount_7d": "alert"}),
        ("single_amount", {"loan": "50000.00"}, {"loan": "50000.01"}, {"single_loan": "alert"}),
        ("debts_elsewhere", {"debts": "500000.00"}, {"debts": "500000.01"}, {"debts_elsewhere_high": "refer"}),
        ("debts_elsewhere", {"monthly_due": "30000.00"}, {"monthly_due": "30000.01"},
         {"monthly_due_elsewhere_high": "refer"}),
        ("debts_elsewhere", {"accounts": None}, {"accounts": 21}, {"accounts_high": "alert"}),
        ("credit_history", {"worst_days": 89}, {"worst_days": 90}, {"worst_days_high": "refer"}),
        ("credit_history", {"inquiries": 15}, {"inquiries": 16}, {"inquiries_high": "alert"}),
        ("credit_history", {"own_days": 30}, {"own_days": 31}, {"own_days_high": "alert"}),
        ("purpose", {"purpose": "travel"}, {"purpose": "gambling"}, {"forbidden_purpose": "block"}),
        ("purpose", {"misused": 0}, {"misused": 1}, {"misused_before": "block"}),
        ("deny_list", {"bureau": False}, {"bureau": True}, {"denied_by_bureau": "refer"}),
        ("deny_list", {"entries": []}, {"entries": [{"kind": "ip"}]}, {"denied_here": "block"}),
        ("relationship_network", {"friends": 10, "troubled": 3}, {"friends": 10, "troubled": 4},
         {"friends_in_trouble": "refer"}),
        ("relationship_network", {"friends": 4, "troubled": 4}, {"friends": 5, "troubled": 2},
         {"friends_in_trouble": "refer"}),
        ("relationship_network", {"ring": {"amount": "3000.00"}}, {"ring": {"amount": "3000.01"}},
         {"mutual_transfers": "alert"}),
        ("repayment_capacity", {"income": "6000.00", "due": "4200.00"}, {"income": "6000.00", "due": "4200.01"},
         {"dues_above_income": "refer"}),
        ("repayment_capacity", {"income": None, "due": "9999.00"}, {"income": "0.00", "due": "0.01"},
         {"dues_above_income": "refer"}),
    ],
)  # fmt: skip
def test_the_edges_of_the_shipped_figures(
    layer: str, just_inside: dict[str, Any], just_outside: dict[str, Any], expected: dict[str, str]
) -> None:
    assert verdicts(**{layer: just_inside}) == {}
    assert verdicts(**{layer: just_outside}) == expected
