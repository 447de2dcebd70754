"""Facts of a plain customer whom the shipped policy approves; tests change the one value they are about."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import risk
from risk.rules.facts import ActivityMonth, AuxiliaryItem, CustomerFacts, facts_dump

PRESETS = Path(risk.__file__).parent / "presets"
MONTHS = (("2026-05", 31), ("2026-06", 30), ("2026-07", 31), ("2026-08", 31), ("2026-09", 30), ("2026-10", 31))


def activity(opens_a_day: int = 6) -> tuple[ActivityMonth, ...]:
    return tuple(ActivityMonth(month, days, opens_a_day * days) for month, days in MONTHS)


def auxiliary(item: str, *, months: int = 40, state: str = "verified", age_days: int = 30) -> AuxiliaryItem:
    return AuxiliaryItem(item=item, state=state, months=months, age_days=age_days)


PLAIN = CustomerFacts(
    score=720,
    age_years=30,
    identity_verified=True,
    bank_card_verified=True,
    is_student=False,
    activity=activity(),
    auxiliary=(auxiliary("employment"), auxiliary("social_insurance"), auxiliary("vehicle")),
    payment_amount_12m=Decimal("41512.23"),
    payment_count_12m=150,
    card_repayment_amount_12m=Decimal("21000.00"),
    red_packets_sent_amount_12m=Decimal("1000.00"),
    red_packets_received_amount_12m=Decimal("1000.00"),
    friends_count=196,
    active_groups_count=8,
    assets_amount=Decimal("5524.34"),
    ecny_wallet_amount=None,
    device_changes_90d=0,
    ip_changes_90d=2,
    device_tenure_days=80,
    bureau_age_days=15,
    worst_dpd_24m=0,
    inquiries_6m=2,
    bureau_debts_amount=Decimal("9000.00"),
    on_deny_list=False,
)


def definition() -> dict[str, Any]:
    return dict(json.loads((PRESETS / "scorecard.json").read_text())["definition"])


def policy(product: int = 0) -> dict[str, Any]:
    shipped = json.loads((PRESETS / "products.json").read_text())["products"][product]
    terms = {
        "age_minimum": 18,
        "activity_months": 6,
        "activity_opens_minimum": "3.00",
        "housing_fund_months": 12,
        "limit_step_amount": "100.00",
        "student_limit_amount": "1000.00",
        "cost_cap_enforced": True,
        **shipped["terms"],
    }
    tiers = [{"months_in_use_min": 0, "assets_min_amount": "0.00", **tier} for tier in shipped["tiers"]]
    return {
        "terms": terms,
        "tiers": tiers,
        "scorecard": {"code": "main", "version": 1, "definition": definition()},
        "cost_cap_rate": "0.24",
        "household_credit_amount": "200000",
    }


def inputs(product: int = 0, **changes: Any) -> dict[str, Any]:
    facts = replace(PLAIN, **changes)
    return {"schema": 1, "as_of": "2026-11-20", "facts": facts_dump(facts), "policy": policy(product)}
