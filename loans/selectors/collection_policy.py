"""The version of the collection strategies in force on a day, and its figures (R60)."""

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from loans.maths.collection_figures import Figures, figures_read
from loans.models import CollectionPolicy
from risk.models import PolicyState

PRESET = Path(__file__).resolve().parent.parent / "presets" / "collection.json"
CODE = "main"


def collection_policy_at(day: date) -> CollectionPolicy | None:
    """The version whose validity holds `day`; none means that nobody is to be contacted by a strategy."""
    return (
        CollectionPolicy.objects.filter(code=CODE, valid_from__lte=day)
        .exclude(state=PolicyState.DRAFT)
        .exclude(valid_to__lt=day)
        .order_by("-valid_from", "-version")
        .first()
    )


def collection_figures_at(day: date) -> Figures:
    """The figures of the version in force on the day."""
    policy = collection_policy_at(day)
    return policy_figures({} if policy is None else policy.definition)


def policy_figures(definition: dict[str, Any]) -> Figures:
    return figures_read(figures_of(definition))


def figures_of(definition: dict[str, Any]) -> dict[str, int]:
    """As the version has them; those that ship where it has none."""
    figures: dict[str, int] = definition.get("figures") or _shipped_figures()
    return dict(figures)


@cache
def _shipped_figures() -> dict[str, int]:
    figures: dict[str, int] = json.loads(PRESET.read_text(encoding="utf-8"))["definition"]["figures"]
    return figures
