"""From labelled clients to a points scorecard: bins, weights of evidence, logistic weights."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from risk.rules.workbench.bins import Binning, binning_fit, codes_of
from risk.rules.workbench.clients import Values, variables
from risk.rules.workbench.logistic import Weights, weights_fit
from risk.rules.workbench.measures import BinEvidence, Floats, Ints, evidence, information_value

# What says more together than apart: the same delay weighs otherwise on a full line than on an empty one.
CROSSES = (
    ("worst_status_3m", "utilisation_09"),
    ("status_09", "paid_min"),
    ("status_09", "limit"),
    ("months_late", "limit"),
    ("months_late", "paid_mean"),
    ("status_09", "bill_trend"),
    ("lateness_weighted", "remaining_limit"),
    ("lateness_weighted", "utilisation_max"),
    ("months_since_late", "paid_3m"),
    ("worst_status", "paid_max"),
    ("status_09", "status_08"),
    ("mean_status", "utilisation_mean"),
    ("paid_mean", "limit"),
    ("utilisation_09", "paid_min_2m"),
    ("status_09", "months_two_late"),
    ("status_09", "utilisation_max", "paid_mean"),
    ("status_09", "status_08", "limit"),
    ("lateness_weighted", "paid_3m", "utilisation_09"),
    ("months_two_late", "worst_status_3m", "paid_max"),
    ("status_09", "months_since_late", "remaining_limit"),
    ("mean_status", "paid_of_limit_09", "limit"),
)


@dataclass(frozen=True)
class Recipe:
    """How a scorecard is fitted; kept in the scorecard."""

    leaves: int = 8
    cross_leaves: int = 14
    least: int = 120
    ridge: float = 600.0
    iv_least: float = 0.01
    coefficient_least: float = 0.01
    crosses: tuple[tuple[str, ...], ...] = CROSSES


# For live customers: single variables only, each with few bins that a person can read.
PORTABLE = Recipe(leaves=6, crosses=())


@dataclass(frozen=True)
class Fitted:
    binnings: tuple[Binning, ...]
    evidence: tuple[tuple[BinEvidence, ...], ...]
    weights: Weights

    def log_odds(self, columns: dict[str, Floats]) -> Floats:
        """ln(odds of being good) of everybody."""
        return self.weights.log_odds(_woe(self.binnings, self.evidence, columns))


def columns_of(clients: Sequence[Any], values: Callable[[Any], Values] = variables) -> dict[str, Floats]:
    """The variables as columns; unknown is NaN. For fitting and measuring only, points come from the Decimals."""
    rows = [values(client) for client in clients]
    names = list(rows[0]) if rows else []
    return {name: np.array([_float(row[name]) for row in rows]) for name in names}


def _float(value: Decimal | None) -> float:
    return math.nan if value is None else float(value)


def take(columns: dict[str, Floats], mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> dict[str, Floats]:
    return {name: column[mask] for name, column in columns.items()}


def _woe(
    binnings: tuple[Binning, ...], rows: tuple[tuple[BinEvidence, ...], ...], columns: dict[str, Floats]
) -> Floats:
    lists = [
        np.array([row.woe for row in each])[codes_of(one, columns)] for one, each in zip(binnings, rows, strict=True)
    ]
    return np.stack(lists, axis=1)


def card_fit(columns: dict[str, Floats], bad: Ints, recipe: Recipe | None = None) -> Fitted:
    """Fits on the people given; variables that say nothing, or nothing of their own, are left out."""
    recipe = recipe or Recipe()
    wanted = [((name,), recipe.leaves) for name in columns] + [(pair, recipe.cross_leaves) for pair in recipe.crosses]
    kept: list[tuple[Binning, tuple[BinEvidence, ...]]] = []
    for of, leaves in wanted:
        binning = binning_fit(of, columns, bad, leaves=leaves, least=recipe.least)
        rows = _steadied(evidence(codes_of(binning, columns), bad, binning.size), recipe.least)
        if information_value(rows) >= recipe.iv_least:
            kept.append((binning, tuple(rows)))
    fitted = _weigh(kept, columns, bad, recipe.ridge)
    strong = fitted.weights.coefficients >= recipe.coefficient_least
    kept = [one for one, stays in zip(kept, strong, strict=True) if stays]
    return _weigh(kept, columns, bad, recipe.ridge)


def _steadied(rows: list[BinEvidence], least: int) -> list[BinEvidence]:
    """An unknown bin with too few people to learn from is neutral."""
    last = rows[-1]
    return [*rows[:-1], last if last.count >= least else BinEvidence(last.count, last.bad, 0.0, 0.0)]


def _weigh(
    kept: list[tuple[Binning, tuple[BinEvidence, ...]]], columns: dict[str, Floats], bad: Ints, ridge: float
) -> Fitted:
    binnings, rows = tuple(one for one, _ in kept), tuple(each for _, each in kept)
    return Fitted(binnings, rows, weights_fit(_woe(binnings, rows, columns), bad, ridge=ridge))
