"""Strategies for tests: one segment for everybody, steps where they are named."""

from datetime import date, timedelta
from typing import Any

from loans.maths.collection import CALL, SMS
from loans.maths.delinquency import BUCKETS
from loans.models import CollectionPolicy
from loans.selectors.collection_policy import collection_policy_at, figures_of
from risk.models import PolicyState


def message(day: int, template: str = "collection_reminder") -> dict[str, Any]:
    return {"day": day, "channel": SMS, "template": template}


def call(day: int, priority: int = 5) -> dict[str, Any]:
    return {"day": day, "channel": CALL, "priority": priority}


def definition(**buckets: list[dict[str, Any]]) -> dict[str, Any]:
    """Buckets not named have no steps. `first` and `second` are 1-30 and 31-60."""
    given = {"1-30": buckets.get("first", []), "31-60": buckets.get("second", [])}
    rows = [
        {"bucket": band.code, "segment": "all", "steps": given.get(band.code, [])} for band in BUCKETS if band.days_min
    ]
    return {"segments": [{"code": "all"}], "strategies": rows}


def strategy(**buckets: list[dict[str, Any]]) -> CollectionPolicy:
    """In force since 2026."""
    return CollectionPolicy.objects.create(
        version=1, state=PolicyState.ACTIVE, valid_from=date(2026, 1, 1), definition=definition(**buckets)
    )


def figures_since(first: date, **figures: int) -> CollectionPolicy:
    """A further version from that day on: the same steps, and these in place of the figures that ship."""
    before = collection_policy_at(first)
    steps = before.definition if before else definition()
    CollectionPolicy.objects.filter(valid_from__lt=first).update(valid_to=first - timedelta(days=1))
    return CollectionPolicy.objects.create(
        version=before.version + 1 if before else 1, state=PolicyState.ACTIVE, valid_from=first,
        definition={**steps, "figures": {**figures_of({}), **figures}},
    )  # fmt: skip
