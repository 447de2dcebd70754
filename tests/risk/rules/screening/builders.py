"""An ordinary customer as the layers see one, and the shipped pipeline."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

SHIPPED = json.loads(Path("risk/presets/screening.json").read_text(encoding="utf-8"))["definition"]

ORDINARY: dict[str, dict[str, Any]] = {
    "deny_list": {"entries": [], "bureau": False},
    "identity_consistency": {"holder_matches": True, "card_customers": 0, "phone_customers": 0},
    "device_fingerprint": {
        "fingerprint": "d0", "verified": True, "verified_minutes": 600, "customers": 0, "agent": "Mate 60",
    },
    "geolocation": {"city": "深圳", "usual": ["深圳"], "ip": "198.51.100.7", "source": "ip"},
    "behaviour_frequency": {"times": [0]},
    "single_amount": {"transfer": None, "loan": "1000.00"},
    "velocity": {"count_24h": 1, "amount_24h": "1000.00", "count_7d": 1, "amount_7d": "1000.00"},
    "relationship_network": {"friends": 8, "troubled": 0, "ring": None},
    "debts_elsewhere": {"debts": "9000.00", "monthly_due": "500.00", "accounts": 2},
    "credit_history": {"worst_days": 0, "inquiries": 2, "own_days": 0},
    "purpose": {"purpose": "daily", "misused": 0},
    "repayment_capacity": {"income": "6000.00", "due": "1500.00"},
}  # fmt: skip


def shipped() -> dict[str, Any]:
    return deepcopy(SHIPPED)


def layer_of(definition: dict[str, Any], code: str) -> dict[str, Any]:
    return next(row for row in definition["layers"] if row["layer"] == code)


def inputs(event: str = "loan", **sections: Any) -> dict[str, Any]:
    """The ordinary customer with some figures replaced."""
    seen = {code: {**section, **sections.get(code, {})} for code, section in ORDINARY.items()}
    return {"schema": 1, "event": event, **deepcopy(seen)}


def found(result: dict[str, Any]) -> dict[str, str]:
    return {row["condition"]: row["verdict"] for layer in result["layers"] for row in layer["findings"]}
