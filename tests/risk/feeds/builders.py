"""Deliveries written by hand."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from accounts.models import Customer
from risk.models import FeedDelivery

DAY = date(2026, 11, 20)
SAMPLE = Path(__file__).parents[2] / "data" / "feeds"


def people_create(*openids: str) -> None:
    Customer.objects.bulk_create(Customer(openid=openid) for openid in openids)


def activity(row: str, openid: str = "alice", **values: Any) -> bytes:
    return line(
        {
            "id": row,
            "openid": openid,
            "date": "2026-11-19",
            "opens": 4,
            "minutes": 30,
            "friends": 12,
            "active_groups": 2,
        }
        | values
    )


def customer(row: str, openid: str = "alice", **values: Any) -> bytes:
    return line(
        {
            "id": row,
            "openid": openid,
            "registered_on": "2024-12-24",
            "occupation": "salaried",
            "city": "广州市",
            "residence_since": "2017-06-07",
        }
        | values
    )


def line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def counts(delivery: FeedDelivery) -> tuple[int, int, int]:
    """Good, bad, repeated."""
    return delivery.good_count, delivery.bad_count, delivery.repeated_count
