"""A points scorecard of card clients: what is shipped, and the exact sum that scores one client (R15). Pure Decimal.

`points` are on the usual scale (`score` at `odds` good to one bad, `pdo` points double the odds); `capacity` are the
same points brought to 0–20, the weight of the repayment capacity dimension: worst bins 0, best bins 20 together.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from risk.rules.workbench.clients import FORBIDDEN, Values

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")
CAPACITY = Decimal(20)
PRECISION = 40
SCALE = {"score": "600", "odds": "30", "pdo": "40"}
SCHEMA = 1


class CardInvalid(ValueError):
    """The scorecard cannot be used as it is."""


@dataclass(frozen=True)
class Part:
    """What one variable adds, and the number of the bin it fell in (None: unknown)."""

    name: str
    bin: int | None
    points: Decimal
    capacity: Decimal


@dataclass(frozen=True)
class ClientScore:
    """Points, capacity from 0 to 20, and the chance of default the points stand for."""

    points: Decimal
    capacity: Decimal
    probability: Decimal
    parts: tuple[Part, ...]


def cell_of(variable: dict[str, Any], values: Values) -> int | None:
    """Number of the bin these values fall in; None when one of them is unknown."""
    for name in variable["of"]:
        if values[name] is None:
            return None
    for number, cell in enumerate(variable["bins"]):
        if all(_inside(values[name], low, high) for name, (low, high) in cell["within"].items()):
            return number
    raise CardInvalid(f"{variable['name']}: the bins leave a gap")


def _inside(value: Decimal | None, low: str | None, high: str | None) -> bool:
    if value is None:
        return False
    return (low is None or value >= Decimal(low)) and (high is None or value < Decimal(high))


def client_score(card: dict[str, Any], values: Values) -> ClientScore:
    """Sums the points of every variable's bin."""
    parts = []
    for variable in card["variables"]:
        number = cell_of(variable, values)
        entry = variable["missing"] if number is None else variable["bins"][number]
        parts.append(Part(variable["name"], number, Decimal(entry["points"]), Decimal(entry["capacity"])))
    points = Decimal(card["base_points"]) + sum((part.points for part in parts), Decimal(0))
    capacity = sum((part.capacity for part in parts), Decimal(0))
    return ClientScore(points, capacity, probability_of_default(card["scale"], points), tuple(parts))


def probability_of_default(scale: dict[str, str], points: Decimal) -> Decimal:
    """1 / (1 + odds of being good at these points), to six places."""
    with localcontext() as context:
        context.prec = PRECISION
        doublings = (points - Decimal(scale["score"])) / Decimal(scale["pdo"])
        odds = Decimal(scale["odds"]) * (doublings * Decimal(2).ln()).exp()
        return (1 / (1 + odds)).quantize(MICRO, ROUND_HALF_EVEN)


def points_of_log_odds(scale: dict[str, str], log_odds: Decimal) -> Decimal:
    """Points of ln(odds good to bad) without rounding; the way back of `probability_of_default`."""
    return Decimal(scale["score"]) + (log_odds - Decimal(scale["odds"]).ln()) * slope(scale)


def slope(scale: dict[str, str]) -> Decimal:
    """Points per unit of log odds."""
    return Decimal(scale["pdo"]) / Decimal(2).ln()


def capacity_spread(points: list[list[Decimal]]) -> list[list[Decimal]]:
    """Per variable and bin: 0 for its worst bin; the best bins of all variables sum to exactly 20."""
    lows, ranges = [min(each) for each in points], [max(each) - min(each) for each in points]
    whole = sum(ranges, Decimal(0))
    if not whole:
        raise CardInvalid("no variable tells the bins apart")
    tops = [(CAPACITY * one / whole).quantize(CENT, ROUND_HALF_EVEN) for one in ranges]
    # What rounding left over goes to the variable with the most to give.
    tops[ranges.index(max(ranges))] += CAPACITY - sum(tops, Decimal(0))
    return [
        [
            ((p - low) * top / width).quantize(CENT, ROUND_HALF_EVEN) if width else Decimal(0).quantize(CENT)
            for p in each
        ]
        for each, low, width, top in zip(points, lows, ranges, tops, strict=True)
    ]


def card_check(card: dict[str, Any]) -> None:
    """Raises `CardInvalid` on a scorecard that must not be used: protected facts, floats, a wrong sum."""
    if card.get("schema") != SCHEMA:
        raise CardInvalid("unknown schema")
    best = Decimal(0)
    for variable in card["variables"]:
        if any(name in FORBIDDEN for name in variable["of"]):
            raise CardInvalid(f"{variable['name']}: must not be used")
        entries = [*variable["bins"], variable["missing"]]
        if any(not isinstance(entry[key], str) for entry in entries for key in ("points", "capacity")):
            raise CardInvalid(f"{variable['name']}: points are written as exact decimals")
        best += max(Decimal(entry["capacity"]) for entry in entries)
    if best != CAPACITY:
        raise CardInvalid("the best bins must sum to 20")
