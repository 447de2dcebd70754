"""Supervised bins: a small decision tree cuts one variable into bins, or a pair of variables into cells.

A bound belongs to the bin above it. Unknown values have a bin of their own, always the last code.
"""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from risk.rules.workbench.clients import STEP
from risk.rules.workbench.measures import Floats, Ints

Bounds = tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True)
class Cell:
    """From (included) and below (excluded) per variable; an absent variable or None is unbounded."""

    within: dict[str, Bounds] = field(default_factory=dict)

    def narrowed(self, name: str, bound: Decimal, below: bool) -> "Cell":
        low, high = self.within.get(name, (None, None))
        return Cell({**self.within, name: (low, bound) if below else (bound, high)})


@dataclass(frozen=True)
class Binning:
    """Cells that together cover everything and never overlap; code `len(cells)` is the bin of the unknown."""

    of: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return " × ".join(self.of)

    @property
    def size(self) -> int:
        return len(self.cells) + 1


def binning_fit(of: tuple[str, ...], columns: dict[str, Floats], bad: Ints, *, leaves: int, least: int) -> Binning:
    """Bins that separate bad from good best, at most `leaves` of at least `least` people each. Deterministic."""
    matrix = np.stack([columns[name] for name in of], axis=1)
    known = ~np.isnan(matrix).any(axis=1)
    if known.sum() < 2 * least:
        return Binning(of, (Cell(),))
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=least, criterion="entropy", random_state=0)
    shape = tree.fit(matrix[known], bad[known]).tree_

    def walk(node: int, cell: Cell) -> list[Cell]:
        left, right = int(shape.children_left[node]), int(shape.children_right[node])
        if left == right:
            return [cell]
        name = of[int(shape.feature[node])]
        bound = Decimal(float(shape.threshold[node])).quantize(STEP, ROUND_CEILING)
        return walk(left, cell.narrowed(name, bound, True)) + walk(right, cell.narrowed(name, bound, False))

    return Binning(of, tuple(walk(0, Cell())))


def codes_of(binning: Binning, columns: dict[str, Floats]) -> Ints:
    """The code of every person's bin."""
    size = len(columns[binning.of[0]])
    codes = np.full(size, len(binning.cells), dtype=np.int64)
    known = ~np.isnan(np.stack([columns[name] for name in binning.of])).any(axis=0)
    for code, cell in enumerate(binning.cells):
        inside = known.copy()
        for name, (low, high) in cell.within.items():
            if low is not None:
                inside &= columns[name] >= float(low)
            if high is not None:
                inside &= columns[name] < float(high)
        codes[inside] = code
    return codes
