"""Do groups that must play no part come out alike? Sex and age are measured here and used nowhere else (R25)."""

from dataclasses import dataclass

import numpy as np

from risk.rules.workbench.measures import Floats, Ints, MeasureUndefined, auc

SEXES = {"1": "male", "2": "female"}
AGE_FROM = (18, 25, 35, 45, 55)
AGE_DIGITS = 3
UNKNOWN = "unknown"
# Four fifths: a group approved less often than 80 % of the best group's share is looked at.
FOUR_FIFTHS = 0.8


@dataclass(frozen=True)
class GroupRow:
    """One group at a cut-off. `impact`: its approval share over that of the group approved most often."""

    dimension: str
    group: str
    count: int
    approved: int
    defaults: int | None
    auc: float | None
    mean_points: float
    impact: float
    labelled: int = 0

    @property
    def approval_share(self) -> float:
        return self.approved / self.count

    @property
    def default_rate(self) -> float | None:
        return None if self.defaults is None or not self.labelled else self.defaults / self.labelled


def _whole(cell: str | None) -> str:
    """A table tool that met an empty cell writes the others as 35.0."""
    return (cell or "").strip().removesuffix(".0")


def sex_group(cell: str | None) -> str:
    return SEXES.get(_whole(cell), UNKNOWN)


def age_band(cell: str | None) -> str:
    """Ten-year bands from 25 on; under 18 or unreadable is unknown."""
    text = _whole(cell)
    # `isdecimal`: a superscript is a digit too, but no number; nobody lives to four figures.
    if not text.isdecimal() or len(text) > AGE_DIGITS or int(text) < AGE_FROM[0]:
        return UNKNOWN
    low = max(start for start in AGE_FROM if start <= int(text))
    after = [start for start in AGE_FROM if start > low]
    return f"{low}–{after[0] - 1}" if after else f"{low}+"


def group_rows(dimension: str, groups: list[str], points: Floats, bad: Ints | None, cutoff: float) -> list[GroupRow]:
    """The table of one dimension: approved are those at or above the cut-off.

    A label below 0 is none: such people count in their group, its defaults and AUC are of the others.
    """
    labels, approved = np.array(groups), points >= cutoff
    names = sorted(set(groups), key=lambda one: (one == UNKNOWN, one))
    shares = {name: float(approved[labels == name].mean()) for name in names}
    best = max((share for name, share in shares.items() if name != UNKNOWN), default=0.0)
    rows = []
    for name in names:
        inside = labels == name
        rows.append(
            GroupRow(
                dimension, name, int(inside.sum()), int(approved[inside].sum()),
                None if bad is None else int((bad[inside] == 1).sum()), _auc(bad, points, inside),
                float(points[inside].mean()), shares[name] / best if best else 1.0,
                0 if bad is None else int((bad[inside] >= 0).sum()),
            )
        )  # fmt: skip
    return rows


def _auc(bad: Ints | None, points: Floats, inside: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> float | None:
    if bad is None:
        return None
    known = inside & (bad >= 0)
    try:
        return auc(bad[known], points[known])
    except MeasureUndefined:
        return None
