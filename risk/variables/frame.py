"""Behaviour of many customers as one block of numbers: customer × day × measure, up to and including a date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from risk.variables.measures import FLOW_COUNT, INDEX, LEVEL_COUNT
from risk.variables.packing import RECORD

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
# Complete months before the month of the date that are looked at.
MONTHS = 13
# Windows of so many days that end on the date begin at a cut.
CUT_DAYS = (7, 14, 30, 60, 90, 180, 365)


def month_start(day: date, back: int = 0) -> date:
    """First day of the month `back` months before that of `day`."""
    index = day.year * 12 + day.month - 1 - back
    return date(index // 12, index % 12 + 1, 1)


def reach_start(as_of: date) -> date:
    """The first day that any variable on `as_of` looks at."""
    return month_start(as_of, MONTHS)


class Packed(NamedTuple):
    """A stored month of the customer at `position` of the frame."""

    position: int
    month: date
    packed: bytes


@dataclass(frozen=True)
class Cells:
    """Figures of single days: whose, the day's place, which measure, and how much."""

    rows: Ints
    days: Ints
    measures: Ints
    values: Ints

    def where(self, chosen: Mask) -> "Cells":
        """Those chosen. By their places: a mask would be counted again for each of the four."""
        places = np.flatnonzero(chosen)
        return Cells(*(block.take(places) for block in (self.rows, self.days, self.measures, self.values)))


class Frame:
    """All figures as exact integers, so that one customer has the same in every company.

    Days are cut where any window begins or ends; of each stretch between two cuts the sum, the active days and the
    largest day are kept. What a window holds is put together from the stretches it consists of.
    """

    def __init__(self, size: int, as_of: date, months: Sequence[Packed]) -> None:
        self.size, self.as_of, self.start = size, as_of, reach_start(as_of)
        self.days = (as_of - self.start).days + 1
        self.cuts = self._cuts()
        self._stretch = {cut: number for number, cut in enumerate(self.cuts)}
        self._of_day = np.repeat(np.arange(len(self.cuts) - 1), np.diff(self.cuts))
        cells = self._cells(months)
        is_flow = cells.measures < FLOW_COUNT
        self.flows = cells.where(is_flow)
        self._flows_fill(self.flows)
        self.levels = Levels(size, self.days, self._of_day, len(self.cuts) - 1, cells.where(~is_flow))

    def _cuts(self) -> list[int]:
        months = {(month_start(self.as_of, back) - self.start).days for back in range(MONTHS + 1)}
        return sorted({0, self.days} | months | {self.days - count for count in CUT_DAYS})

    def _cells(self, months: Sequence[Packed]) -> Cells:
        """What lies after the date or before the reach is left out."""
        records = np.frombuffer(b"".join([month.packed for month in months]), dtype=RECORD)
        counts = np.array([len(month.packed) for month in months], dtype=np.int64) // RECORD.itemsize
        start = self.start.toordinal()
        offsets = np.array([month.month.toordinal() - start for month in months], dtype=np.int64)
        rows = np.repeat(np.array([month.position for month in months], dtype=np.int64), counts)
        days = np.repeat(offsets, counts) + records["day"]
        cells = Cells(rows, days, records["measure"].astype(np.int64), records["value"].astype(np.int64))
        seen = (days >= 0) & (days < self.days)
        return cells if seen.all() else cells.where(seen)

    def _flows_fill(self, cells: Cells) -> None:
        stretches = len(self.cuts) - 1
        shape = (self.size, stretches, FLOW_COUNT)
        place = (cells.rows * stretches + self._of_day.take(cells.days)) * FLOW_COUNT + cells.measures
        sums, self._largest = (np.zeros(shape, dtype=np.int64) for _ in range(2))
        np.add.at(sums.reshape(-1), place, cells.values)
        active = np.bincount(place[cells.values > 0], minlength=sums.size).reshape(shape)
        np.maximum.at(self._largest.reshape(-1), place, cells.values)
        self._sums, self._active_days = _cumulated(sums), _cumulated(active)

    def sums_between(self, start: int, end: int) -> Ints:
        """Customer × flow: what the days from place `start` to before `end` add up to. Both must be cuts."""
        return self._sums[:, self._stretch[end]] - self._sums[:, self._stretch[start]]

    def active_between(self, start: int, end: int) -> Ints:
        """On how many of these days each flow happened."""
        return self._active_days[:, self._stretch[end]] - self._active_days[:, self._stretch[start]]

    def largest_between(self, start: int, end: int) -> Ints:
        """The largest of these days."""
        return np.asarray(self._largest[:, self._stretch[start] : self._stretch[end]].max(axis=1))

    def flow(self, code: str) -> int:
        """Where a flow stands on the last axis."""
        return INDEX[code]

    def level(self, code: str) -> int:
        return INDEX[code] - FLOW_COUNT

    def last_days(self, count: int) -> tuple[int, int]:
        """First and last-but-one place of the `count` days that end on the date."""
        return self.days - count, self.days

    def last_months(self, count: int, skip: int = 0) -> tuple[int, int]:
        """Places of `count` complete months that end `skip` months before the month of the date."""
        first, end = month_start(self.as_of, count + skip), month_start(self.as_of, skip)
        return (first - self.start).days, (end - self.start).days

    def this_month(self) -> tuple[int, int]:
        """Places of the days of the date's month up to it."""
        return (month_start(self.as_of) - self.start).days, self.days

    def newest_level(self, back: int = 0) -> tuple[Ints, Ints, Mask]:
        """Newest value of each level up to `back` days before the date, its age then, and whether there is none.

        Either `back` is 0 or the day after is a cut.
        """
        end = self.days - back
        stretch = self._stretch[end]
        day = self.levels.newest_day[:, :stretch].max(axis=1)
        unknown = day < 0
        at = self._of_day[np.where(unknown, 0, day)][:, None]
        value = np.take_along_axis(self.levels.newest, at, axis=1)[:, 0]
        return np.where(unknown, 0, value), end - 1 - day, unknown

    def stretches(self, count: int) -> slice:
        """Those of the `count` days that end on the date."""
        return slice(self._stretch[self.days - count], None)

    def reach(self) -> tuple[int, int]:
        """Twelve complete months and what follows: every window and every run of days lies within."""
        return self.last_months(12)[0], self.days

    @cached_property
    def month_sums(self) -> Ints:
        """Flows of the last twelve complete months, oldest first: customer × month × flow."""
        return np.stack([self.sums_between(*self.last_months(1, back)) for back in range(11, -1, -1)], axis=1)


class Levels:
    """What is held or reported on some days: by stretch the sum, the number, the smallest, the largest, the newest."""

    def __init__(self, size: int, days: int, of_day: Ints, stretches: int, cells: Cells) -> None:
        self.days, shape = days, (size, stretches, LEVEL_COUNT)
        place = (cells.rows * stretches + of_day.take(cells.days)) * LEVEL_COUNT + cells.measures - FLOW_COUNT
        self.sums, self.largest = (np.zeros(shape, dtype=np.int64) for _ in range(2))
        self.smallest = np.full(shape, np.iinfo(np.int64).max)
        self.newest_day = np.full(shape, -1, dtype=np.int64)
        self.newest = np.zeros(shape, dtype=np.int64)
        np.add.at(self.sums.reshape(-1), place, cells.values)
        self.counts = np.bincount(place, minlength=self.sums.size).reshape(shape)
        np.maximum.at(self.largest.reshape(-1), place, cells.values)
        np.minimum.at(self.smallest.reshape(-1), place, cells.values)
        np.maximum.at(self.newest_day.reshape(-1), place, cells.days)
        is_newest = self.newest_day.reshape(-1)[place] == cells.days
        self.newest.reshape(-1)[place[is_newest]] = cells.values[is_newest]


def _cumulated(block: Ints) -> Ints:
    size, stretches, width = block.shape
    result = np.zeros((size, stretches + 1, width), dtype=np.int64)
    np.cumsum(block, axis=1, dtype=np.int64, out=result[:, 1:])
    return result
