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
        flows, levels = self._records(months)
        self._flows_fill(flows)
        self.levels = Levels(size, self.days, self._of_day, len(self.cuts) - 1, levels)

    def _cuts(self) -> list[int]:
        months = {(month_start(self.as_of, back) - self.start).days for back in range(MONTHS + 1)}
        return sorted({0, self.days} | months | {self.days - count for count in CUT_DAYS})

    def _records(self, months: Sequence[Packed]) -> tuple[Cells, Cells]:
        """Cells of flows and of levels; what lies after the date or before the reach is left out."""
        records = np.frombuffer(b"".join(month.packed for month in months), dtype=RECORD)
        counts = [len(month.packed) // RECORD.itemsize for month in months]
        rows = np.repeat(np.array([month.position for month in months], dtype=np.int64), counts)
        offsets = np.repeat(np.array([(month.month - self.start).days for month in months], dtype=np.int64), counts)
        days, measures = records["day"] + offsets, records["measure"].astype(np.int64)
        seen = (days >= 0) & (days < self.days)
        flow, level = seen & (measures < FLOW_COUNT), seen & (measures >= FLOW_COUNT)
        values = records["value"]
        return (
            Cells(rows[flow], days[flow], measures[flow], values[flow].astype(np.int64)),
            Cells(rows[level], days[level], measures[level] - FLOW_COUNT, values[level].astype(np.int64)),
        )

    def _flows_fill(self, cells: Cells) -> None:
        stretches = len(self.cuts) - 1
        shape = (self.size, stretches, FLOW_COUNT)
        place = (cells.rows * stretches + self._of_day[cells.days]) * FLOW_COUNT + cells.measures
        sums, active, self._largest = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        happened = cells.values > 0
        np.add.at(sums.reshape(-1), place, cells.values)
        np.add.at(active.reshape(-1), place[happened], 1)
        np.maximum.at(self._largest.reshape(-1), place, cells.values)
        self._sums, self._active_days = _cumulated(sums), _cumulated(active)
        # Which flows happened on which days: for runs of days.
        self.active = np.zeros((self.size, self.days, FLOW_COUNT), dtype=np.bool_)
        self.active[cells.rows[happened], cells.days[happened], cells.measures[happened]] = True

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
        place = (cells.rows * stretches + of_day[cells.days]) * LEVEL_COUNT + cells.measures
        self.sums, self.counts, self.largest = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        self.smallest = np.full(shape, np.iinfo(np.int64).max)
        self.newest_day = np.full(shape, -1, dtype=np.int64)
        self.newest = np.zeros(shape, dtype=np.int64)
        np.add.at(self.sums.reshape(-1), place, cells.values)
        np.add.at(self.counts.reshape(-1), place, 1)
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
