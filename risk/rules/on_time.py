"""Which months a line was used in and paid on time, from the tape (R29). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Span:
    """A loan from `first` to `last` (both included), owing something, its oldest unpaid due date unchanged."""

    first: date
    last: date
    unpaid_due_date: date | None

    def overdue_from(self) -> date | None:
        """The first day past due inside the span, None if there is none."""
        if self.unpaid_due_date is None:
            return None
        begins = max(self.first, self.unpaid_due_date + timedelta(days=1))
        return begins if begins <= self.last else None


def month_end(first_day: date) -> date:
    return (first_day + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def is_on_time(spans: Iterable[Span], month: date) -> bool:
    """A loan was open on some day of the month that begins on `month`, and no day of it was past due."""
    end, used = month_end(month), False
    for span in spans:
        if span.first > end or span.last < month:
            continue
        used = True
        begins = span.overdue_from()
        if begins is not None and begins <= end:
            # Past due from `begins` to the end of the span, which reaches into or beyond the month.
            return False
    return used


def months_on_time(spans: Iterable[Span], before: date, months_max: int) -> int:
    """Months in a row on time, counted back from the last complete month before the month of `before`."""
    known, count = list(spans), 0
    month = before.replace(day=1)
    while count < months_max:
        month = (month - timedelta(days=1)).replace(day=1)
        if not is_on_time(known, month):
            break
        count += 1
    return count
