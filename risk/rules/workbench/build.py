"""Writes a fit as a points scorecard: exact decimals from here on."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from risk.rules.workbench.bins import Cell
from risk.rules.workbench.card import CENT, SCALE, SCHEMA, capacity_spread, points_of_log_odds, slope
from risk.rules.workbench.fit import Fitted
from risk.rules.workbench.measures import BinEvidence, information_value

_PLACES = 4


def card_build(fitted: Fitted, *, name: str, notes: dict[str, Any]) -> dict[str, Any]:
    """The scorecard as JSON: points per bin are rounded once, here, and only ever added afterwards."""
    per_unit = slope(SCALE)
    points = [
        [(Decimal(row.woe) * Decimal(float(weight)) * per_unit).quantize(CENT, ROUND_HALF_EVEN) for row in rows]
        for rows, weight in zip(fitted.evidence, fitted.weights.coefficients, strict=True)
    ]
    base = points_of_log_odds(SCALE, Decimal(fitted.weights.intercept)).quantize(CENT, ROUND_HALF_EVEN)
    variables = []
    for index, (binning, spread) in enumerate(zip(fitted.binnings, capacity_spread(points), strict=True)):
        rows = fitted.evidence[index]
        entries = [_entry(*one) for one in zip(rows, points[index], spread, strict=True)]
        bins = [{"within": _within(cell), **entry} for cell, entry in zip(binning.cells, entries[:-1], strict=True)]
        variables.append(
            {
                "name": binning.name,
                "of": list(binning.of),
                "iv": round(information_value(list(rows)), _PLACES),
                "weight": round(float(fitted.weights.coefficients[index]), _PLACES),
                "bins": bins,
                "missing": entries[-1],
            }
        )
    return {"schema": SCHEMA, "name": name, "scale": dict(SCALE), "base_points": str(base), **notes,
            "variables": variables}  # fmt: skip


def _entry(row: BinEvidence, points: Decimal, capacity: Decimal) -> dict[str, Any]:
    return {
        "points": str(points),
        "capacity": str(capacity),
        "count": row.count,
        "bad": row.bad,
        "woe": round(row.woe, _PLACES),
        "iv": round(row.iv, _PLACES),
    }


def _within(cell: Cell) -> dict[str, list[str | None]]:
    return {name: [_plain(low), _plain(high)] for name, (low, high) in cell.within.items()}


def _plain(bound: Decimal | None) -> str | None:
    return None if bound is None else f"{bound.normalize():f}"
