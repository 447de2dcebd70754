"""Vintages: loans by month of payout, followed from month to month on the book (R53)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from loans.maths.dates import add_months, day_after
from loans.maths.delinquency import days_past_due
from weilidai.lib.money import ZERO, round_rate

# A vintage is followed by what went past so many days, or was written off.
PAST_DAYS = (30, 60, 90)


@dataclass(frozen=True, slots=True)
class Span:
    """What the tape told of a loan from the evening of `first` to that of `last` (None: until further notice)."""

    first: date
    last: date | None
    state: str
    unpaid_due_date: date | None
    outstanding: Decimal


@dataclass(frozen=True, slots=True)
class Crossing:
    """The first evening on which a loan was more than some days past due, or written off, and what it owed."""

    day: date
    outstanding: Decimal


def first_past(spans: Iterable[Span], days: int | None) -> Crossing | None:
    """When the loan was first known to be more than `days` past due; written off counts. None asks for that alone.

    `spans` in order of time. What was known on an evening stays so, whatever was entered later.
    """
    for span in spans:
        if span.state == "written_off":
            return Crossing(span.first, span.outstanding)
        if span.state != "active" or days is None or span.unpaid_due_date is None:
            continue
        begins = max(span.first, span.unpaid_due_date + timedelta(days=days + 1))
        if span.last is None or begins <= span.last:
            return Crossing(begins, span.outstanding)
    return None


@dataclass(frozen=True, slots=True)
class History:
    """A stretch of evenings: days past due on the first and on the last of them."""

    first: date
    last: date
    state: str
    days_first: int
    days_last: int
    outstanding: Decimal


def past_due_history(spans: Iterable[Span], until: date) -> list[History]:
    """Days past due of a loan evening by evening, up to `until`; `spans` begin no later than that."""
    return [
        History(
            span.first,
            last,
            span.state,
            span_days(span, span.first),
            span_days(span, last),
            span.outstanding,
        )
        for span in spans
        for last in [until if span.last is None else min(span.last, until)]
    ]


def span_days(span: Span, on: date) -> int:
    """Days past due on an evening of the span, as they were known then."""
    return days_past_due(span.unpaid_due_date, on) if span.state in ("active", "written_off") else 0


def month_of(day: date) -> date:
    """The month a day belongs to, by its first day."""
    return day.replace(day=1)


def month_end(month: date) -> date:
    """The last day of the month that begins on `month`."""
    return add_months(month, 1) - timedelta(days=1)


def is_month_end(day: date) -> bool:
    return day_after(day).day == 1


def months_on_book(vintage: date, day: date) -> int:
    """Whole months between the month of payout and that of `day`; 0 inside the month of payout."""
    return (day.year - vintage.year) * 12 + day.month - vintage.month


def observed_on(vintage: date, until: date, months_max: int) -> list[date]:
    """The days a vintage is looked at: each month's end from its own on, and `until` where that ends no month."""
    days = [month_end(add_months(vintage, number)) for number in range(months_max + 1)]
    kept = [day for day in days if day < until]
    return [*kept, until] if len(kept) <= months_max else kept


@dataclass(frozen=True, slots=True)
class Curve:
    """One vintage: what was paid out, and at each day it was looked at the amount and its share."""

    vintage: date
    paid_out: Decimal
    points: list[tuple[int, date, Decimal, Decimal]]


def curves_ever(
    paid_out: Mapping[date, Decimal], crossed: Iterable[tuple[date, date, Decimal]], until: date, months_max: int
) -> list[Curve]:
    """Shares that only grow: `crossed` holds vintage, evening and what was owed when a loan first went past."""
    flows: dict[date, list[tuple[date, Decimal]]] = defaultdict(list)
    for vintage, day, amount in crossed:
        flows[vintage].append((day, amount))
    return [
        _curve(
            vintage,
            paid_out[vintage],
            [
                (day, sum((amount for crossing, amount in flows[vintage] if crossing <= day), ZERO))
                for day in observed_on(vintage, until, months_max)
            ],
        )
        for vintage in sorted(paid_out)
    ]


def curves_now(
    paid_out: Mapping[date, Decimal], standing: Mapping[tuple[date, date], Decimal], until: date, months_max: int
) -> list[Curve]:
    """Shares as they stand at each month's end: `standing` holds the amount by vintage and day."""
    return [
        _curve(
            vintage,
            paid_out[vintage],
            [(day, standing.get((vintage, day), ZERO)) for day in observed_on(vintage, until, months_max)],
        )
        for vintage in sorted(paid_out)
    ]


def _curve(vintage: date, paid_out: Decimal, amounts: Sequence[tuple[date, Decimal]]) -> Curve:
    points = [
        (months_on_book(vintage, day), day, amount, round_rate(amount / paid_out) if paid_out else round_rate(ZERO))
        for day, amount in amounts
    ]
    return Curve(vintage, paid_out, points)
