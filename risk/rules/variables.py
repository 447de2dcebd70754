"""The values a scorecard may name, computed from the facts. Pure."""

from decimal import Decimal
from typing import Any

from risk.rules.facts import AuxiliaryItem, CustomerFacts

VERIFIED = "verified"
UNVERIFIED = "unverified"
CONTRADICTED = "contradicted"
HOUSING_FUND = "housing_fund"

VARIABLE_NAMES = (
    "payment_amount_12m",
    "payment_count_12m",
    "card_repayment_amount_12m",
    "friends_count",
    "active_groups_count",
    "assets_amount",
    "ecny_wallet_amount",
    "device_changes_90d",
    "ip_changes_90d",
    "device_tenure_days",
    "worst_dpd_24m",
    "inquiries_6m",
    "bureau_debts_amount",
)
DERIVED_NAMES = ("auxiliary_weight", "housing_fund_complete", "red_packet_gap")


def red_packet_gap(sent: Decimal, received: Decimal) -> Decimal | None:
    """(sent − received) ÷ (sent + received), between −1 and 1: positive for who gives more (R17).

    The seed's "ratio gap" read as the gap of the two shares of all red-packet money; the other reading,
    sent ÷ received − 1, has no value for who never received one and explodes beside small sums.
    """
    total = sent + received
    return (sent - received) / total if total else None


def item_state(item: AuxiliaryItem, fresh_days: int) -> str:
    """A verified reading past its freshness counts as unverified; a contradiction does not grow old (R5)."""
    return UNVERIFIED if item.state == VERIFIED and item.age_days > fresh_days else item.state


def item_states(facts: CustomerFacts, auxiliary: dict[str, Any]) -> dict[str, str]:
    """State of each of the items the scorecard weighs; without a reading: unverified."""
    known = {item.item: item for item in facts.auxiliary}
    return {
        name: item_state(known[name], rule["fresh_days"]) if name in known else UNVERIFIED
        for name, rule in auxiliary.items()
    }


def variables_compute(
    facts: CustomerFacts, auxiliary: dict[str, Any], housing_fund_months: int
) -> dict[str, Decimal | None]:
    """All variables by name; `None` falls into the bin *missing*."""
    states = item_states(facts, auxiliary)
    weight = sum((Decimal(rule["weight"]) for name, rule in auxiliary.items() if states[name] == VERIFIED), Decimal(0))
    values: dict[str, Decimal | None] = {name: _number(getattr(facts, name)) for name in VARIABLE_NAMES}
    values["auxiliary_weight"] = weight
    values["housing_fund_complete"] = _housing_fund_complete(facts, states, housing_fund_months)
    values["red_packet_gap"] = red_packet_gap(facts.red_packets_sent_amount_12m, facts.red_packets_received_amount_12m)
    return values


def _housing_fund_complete(facts: CustomerFacts, states: dict[str, str], months: int) -> Decimal:
    """1 when paid for the months in a row and verified, else 0 (R6)."""
    paid = {item.item: item.months for item in facts.auxiliary}.get(HOUSING_FUND, 0)
    return Decimal(int(states.get(HOUSING_FUND) == VERIFIED and paid >= months))


def _number(value: Decimal | int | None) -> Decimal | None:
    return None if value is None else Decimal(value)
