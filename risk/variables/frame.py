"""Behaviour of many customers as one block of numbers: customer × day × measure, up to and including a date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from risk.variables.measures import FLOW_COUNT, INDEX, LEVEL_COUNT
from risk.variables.packing import RECORD

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
# Complete months before the month of the date that are looked at.
MONTHS = 13


def month_start(day: date, back: int = 0) -> date:
    """First day of the month `back` months before that of `day`."""
    index = day.year * 12 + day.month - 1 - back
    return date(index // 12, index % 12 + 1, 1)


def reach_start(as_of: date) -> date:
    """The first day that any variable on `as_of` looks at."""
    return month_start(as_of, MONTHS)


@dataclass(frozen=True)
class Packed:
    """A stored month of the customer at `position` of the frame."""

    position: int
    month: date
    packed: bytes


class Frame:
    """All figures as exact integers, so that one customer has the same in every company."""

    def __init__(self, size: int, as_of: date, months: Sequence[Packed]) -> None:
        self.size, self.as_of, self.start = size, as_of, reach_start(as_of)
        self.days = (as_of - self.start).days + 1
        self.flows = np.zeros((size, self.days, FLOW_COUNT), dtype=np.int64)
        self.levels = np.zeros((size, self.days, LEVEL_COUNT), dtype=np.int64)
        self.level_known = np.zeros((size, self.days, LEVEL_COUNT), dtype=np.bool_)
        self._fill(months)

    def _fill(self, months: Sequence[Packed]) -> None:
        """What lies after the date or before the reach is left out."""
        records = np.frombuffer(b"".join(month.packed for month in months), dtype=RECORD)
        counts = [len(month.packed) // RECORD.itemsize for month in months]
        rows = np.repeat(np.array([month.position for month in months], dtype=np.int64), counts)
        offsets = np.repeat(np.array([(month.month - self.start).days for month in months], dtype=np.int64), counts)
        days, measures, values = records["day"] + offsets, records["measure"], records["value"]
        seen = (days >= 0) & (days < self.days)
        flow = seen & (measures < FLOW_COUNT)
        self.flows[rows[flow], days[flow], measures[flow]] = values[flow]
        level = seen & (measures >= FLOW_COUNT)
        place = (rows[level], days[level], measures[level].astype(np.int64) - FLOW_COUNT)
        self.levels[place] = values[level]
        self.level_known[place] = True

    def flow(self, code: str) -> int:
        """Where a flow stands on the last axis."""
        return INDEX[code]

    def level(self, code: str) -> int:
        return INDEX[code] - FLOW_COUNT

    @cached_property
    def sums(self) -> Ints:
        """Cumulated flows: `sums[:, j] - sums[:, i]` is what happened on days i … j-1."""
        return _cumulated(self.flows)

    @cached_property
    def active(self) -> Mask:
        return self.flows > 0

    @cached_property
    def active_days(self) -> Ints:
        return _cumulated(self.active)

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

    def reach(self) -> tuple[int, int]:
        """Twelve complete months and what follows: every window and every run of days lies within."""
        return self.last_months(12)[0], self.days

    @cached_property
    def month_sums(self) -> Ints:
        """Flows of the last twelve complete months, oldest first: customer × month × flow."""
        edges = [(month_start(self.as_of, back) - self.start).days for back in range(12, -1, -1)]
        at_edges = self.sums[:, edges]
        return np.diff(at_edges, axis=1)


def _cumulated(block: npt.NDArray[np.generic]) -> Ints:
    size, days, width = block.shape
    result = np.zeros((size, days + 1, width), dtype=np.int64)
    np.cumsum(block, axis=1, dtype=np.int64, out=result[:, 1:])
    return result
