"""A new schedule for a loan in difficulty (重组): what was agreed anew, and what the old schedule hands on to it.

No price is ever raised. What was charged by the day stays charged; what of it is unpaid falls due with the first new
instalment. Dates of the new schedule count from its first due date, every principal in n equal parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from loans.maths.allocation import Component
from loans.maths.dates import add_months, day_after, days_between
from loans.maths.schedule import ScheduleRow
from weilidai.lib.money import ZERO, round_money, split_evenly

# How a plain text says so.
YES = "True"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What lender and customer agreed: everything else follows from the loan as it stands on the day.

    `daily_rate` 0 stops interest. `keeps_fees`: fees of periods that have not started keep their amounts, else they
    fall away. `waives_penalty`: what is claimed and unpaid is given up. `stops_penalty`: nothing is claimed any more.
    """

    periods: int
    first_due_date: date
    daily_rate: Decimal
    keeps_fees: bool = False
    waives_penalty: bool = False
    stops_penalty: bool = False

    @property
    def due_dates(self) -> tuple[date, ...]:
        return tuple(add_months(self.first_due_date, number) for number in range(self.periods))

    def content(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "periods": self.periods,
            "first_due_date": self.first_due_date.isoformat(),
            "daily_rate": str(self.daily_rate),
            "keeps_fees": self.keeps_fees,
            "waives_penalty": self.waives_penalty,
            "stops_penalty": self.stops_penalty,
        }

    @classmethod
    def of_texts(cls, values: Mapping[str, str]) -> "Agreed":
        """From plain texts, as an act for two persons holds them."""
        return cls(
            periods=int(values["periods"]),
            first_due_date=date.fromisoformat(values["first_due_date"]),
            daily_rate=Decimal(values["daily_rate"]),
            **{name: values[name] == YES for name in ("keeps_fees", "waives_penalty", "stops_penalty")},
        )

    @classmethod
    def restored(cls, content: dict[str, Any]) -> "Agreed":
        values = {**content, "first_due_date": date.fromisoformat(content["first_due_date"])}
        return cls(**{**values, "daily_rate": Decimal(content["daily_rate"])})


@dataclass(frozen=True, slots=True)
class ClosedRow:
    """A due date of a former schedule on the day it was replaced: what it keeps is what was paid on it, in yuan."""

    row: ScheduleRow
    version: int
    replaced_on: date
    penalty: Decimal
    fee: Decimal
    interest: Decimal
    principal: Decimal

    def paid(self, component: Component) -> Decimal:
        amount: Decimal = getattr(self, component)
        return amount


@dataclass(frozen=True)
class Brought:
    """What a new schedule starts with. `version` 1 is the first rearrangement of the loan.

    `exposure` (yuan-days) and the closed rows count on in the cost cap; `interest` and `claim` are unpaid and fall due
    with the first new row, as do unpaid fees, which are that row's fee. `claimable` says per new row how much of its
    principal a penalty may still be claimed for: no yuan is claimed for twice.
    """

    version: int
    schedule: tuple[ScheduleRow, ...]
    closed: tuple[ClosedRow, ...]
    exposure: Decimal
    interest: Decimal
    claim: Decimal
    claimable: tuple[Decimal, ...]

    def paid(self, component: Component) -> Decimal:
        """Paid (or waived) on the former schedules."""
        return sum((row.paid(component) for row in self.closed), ZERO)


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of the old schedule on the day `on`; `later_fees` are those of periods that have not started."""

    on: date
    number: int
    principal: Decimal
    interest: Decimal
    fee: Decimal
    later_fees: tuple[Decimal, ...]


def new_schedule(agreed: Agreed, rest: Rest) -> tuple[ScheduleRow, ...]:
    """The rows, numbered on from `rest.number`. The first takes what is unpaid and no fee of its own.

    The running period's fee was charged with the old schedule, so later fees begin with the second row, each with the
    amount it always had and never earlier than before. Where no principal is left the rows are empty.
    """
    fees = [rest.fee, *(rest.later_fees if agreed.keeps_fees and rest.principal else ())]
    rows: list[ScheduleRow] = []
    outstanding, previous = rest.principal, rest.on
    parts = split_evenly(rest.principal, agreed.periods)
    for place, (part, due) in enumerate(zip(parts, agreed.due_dates, strict=True)):
        days = days_between(previous, due)
        interest = round_money(outstanding * agreed.daily_rate * days) + (ZERO if place else rest.interest)
        fee = fees[place] if place < len(fees) else ZERO
        start = day_after(previous) if place else rest.on
        rows.append(ScheduleRow(rest.number + place, start, due, days, part, interest, fee))
        outstanding, previous = outstanding - part, due
    return tuple(rows)


def spread_claimable(amount: Decimal, rows: tuple[ScheduleRow, ...]) -> tuple[Decimal, ...]:
    """Principal nobody was overdue with yet lies in the last rows: what was claimed for before is paid first."""
    spread: list[Decimal] = []
    for row in reversed(rows):
        part = min(amount, row.principal)
        spread.append(part)
        amount -= part
    return tuple(reversed(spread))


def class_days(days_past_due: int, *, floor_days: int, floor_until: date | None, on: date) -> int:
    """Days past due for the five classes: a loan under observation counts as at least `floor_days` late (R54)."""
    if floor_until is None or on > floor_until:
        return days_past_due
    return max(days_past_due, floor_days)
