"""Who holds personal data, and what stands against deleting it. Apps above register here when they are ready,
so that this app asks them without knowing them."""

from collections.abc import Callable
from typing import Any

from accounts.models import Customer

Exporter = Callable[[Customer], Any]
Blocker = Callable[[Customer], bool]
Eraser = Callable[[Customer], None]

_exporters: dict[str, Exporter] = {}
_blockers: dict[str, Blocker] = {}
_erasers: dict[str, Eraser] = {}


def register_exporter(name: str, exporter: Exporter) -> None:
    """`exporter(customer)` gives everything held under `name`, ready for JSON."""
    _exporters[name] = exporter


def register_blocker(name: str, blocker: Blocker) -> None:
    """`blocker(customer)` is True while the customer's data must be kept in use."""
    _blockers[name] = blocker


def register_eraser(name: str, eraser: Eraser) -> None:
    """`eraser(customer)` blanks what the person wrote, inside the transaction of the deletion."""
    _erasers[name] = eraser


def erasers() -> list[Eraser]:
    return list(_erasers.values())


def exporters() -> dict[str, Exporter]:
    return dict(_exporters)


def is_blocked(customer: Customer) -> bool:
    """Fails closed: while nobody is registered to answer for debts, none can be ruled out."""
    return not _blockers or any(blocker(customer) for blocker in _blockers.values())
