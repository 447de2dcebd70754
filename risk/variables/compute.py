"""All variables of many customers at once; one customer alone has the same values to the last bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from risk.variables.catalogue import by_name, catalogue
from risk.variables.families import FAMILIES
from risk.variables.frame import Frame, Ints, Mask, Packed


@dataclass(frozen=True)
class Values:
    """`numbers[i, j]` is variable j of customer i times its scale; `missing[i, j]` says that there is none."""

    numbers: Ints
    missing: Mask

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns are."""
        return tuple(variable.name for variable in catalogue())

    @property
    def scales(self) -> Ints:
        """How many of a column's integers make one of its unit."""
        return np.array([variable.scale for variable in catalogue()], dtype=np.int64)

    def of(self, row: int, name: str) -> Decimal | None:
        """One value in its unit, exact; None where it is missing."""
        place = by_name()[name]
        if self.missing[row, place]:
            return None
        return Decimal(int(self.numbers[row, place])) / catalogue()[place].scale


def compute(size: int, as_of: date, months: Sequence[Packed]) -> Values:
    """Every variable of the catalogue for `size` customers, from their stored months."""
    return values_of(Frame(size, as_of, months))


def values_of(frame: Frame) -> Values:
    """The same of people whose figures were read already."""
    blocks = [block for family in FAMILIES for block in family.values(frame)]
    numbers = np.concatenate([values for values, _ in blocks], axis=1)
    missing = np.concatenate([empty for _, empty in blocks], axis=1)
    numbers[missing] = 0
    return Values(numbers, missing)
