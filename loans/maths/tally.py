"""What the events of a loan add up to so far, carried from event to event: no figure asks for the events again.

Amounts are yuan, exposure is yuan-days, rates are fractions a day.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from loans.maths.allocation import Allocation, Component
from loans.maths.schedule import ScheduleRow
from loans.maths.terms import LoanTerms, Plan
from weilidai.lib.money import ZERO, round_money

PRINCIPAL = Component.PRINCIPAL


class Stretch:
    """The unpaid principal of the rows `first` to `last`, at work over [start, stop).

    Every date of a payment cuts it: what each part brought is rounded on its own, also where the payment left the
    principal as it was. So it stands for `interest.principal_segments`, without keeping the segments.
    """

    __slots__ = ("begun", "brought", "exposure", "first", "last", "principal", "rate", "stop")

    def __init__(self, rows: Iterable[ScheduleRow], rate: Decimal, start: date, stop: date) -> None:
        own = tuple(rows)
        self.first, self.last = own[0].number, own[-1].number
        self.principal = sum((row.principal for row in own), ZERO)
        self.rate, self.begun, self.stop = rate, start, stop
        self.brought = self.exposure = ZERO

    def cut(self, on: date) -> None:
        """A payment on this date, which must not lie before the one of the last cut."""
        end = min(on, self.stop)
        if end > self.begun:
            days = (end - self.begun).days
            self.brought += round_money(self.principal * self.rate * days)
            self.exposure += self.principal * days
            self.begun = end

    def brought_by(self, on: date) -> Decimal:
        """Principal x rate x days up to, not including, `on`."""
        days = (min(on, self.stop) - self.begun).days
        return self.brought + round_money(self.principal * self.rate * days) if days > 0 else self.brought

    def content(self) -> list[str]:
        """What `restore` takes; the rest follows from the terms."""
        dates = (self.begun.isoformat(), self.stop.isoformat())
        return [*dates, str(self.principal), str(self.brought), str(self.exposure)]

    def restore(self, content: list[str]) -> None:
        begun, stop, *amounts = content
        self.begun, self.stop = date.fromisoformat(begun), date.fromisoformat(stop)
        self.principal, self.brought, self.exposure = map(Decimal, amounts)

    def exposure_by(self, on: date) -> Decimal:
        """Principal x days up to, not including, `on`."""
        days = (min(on, self.stop) - self.begun).days
        return self.exposure + self.principal * days if days > 0 else self.exposure


class Tally:
    """A loan's payments in sums. Events are handed over in order of their dates."""

    def __init__(self, terms: LoanTerms) -> None:
        rows = terms.schedule
        self.terms = terms
        self.last_date = terms.start
        self.settled_on: date | None = None
        self.written_off_on: date | None = None
        self.returned = False
        self.settlement_fee = self.unapplied_amount = ZERO
        self.paid = {component: [ZERO] * len(rows) for component in Component}
        # Principal of each row paid by its due date, and before its period started.
        self.repaid_in_time, self.repaid_ahead = [ZERO] * len(rows), [ZERO] * len(rows)
        self.whole = Stretch(rows, terms.daily_rate, terms.start, date.max)
        self.interest = [self._bearing(row) for row in rows] if terms.bears_interest else []
        self.overdue = [self._overdue(row) for row in rows] if terms.uplifts_rate else []
        self.stretches = (self.whole, *self.interest, *self.overdue)

    def _bearing(self, row: ScheduleRow) -> Stretch:
        """What bears the interest of the row's period.

        A single-payment loan goes on bearing interest after its due date; a period of an instalment plan ends with
        it. Under `rate_uplift` overdue principal bears the claim in place of interest.
        """
        stops = self.terms.plan == Plan.INSTALMENTS or self.terms.uplifts_rate
        rows = self.terms.schedule[row.number - 1 :] if self.terms.uplifts_rate else self.terms.schedule
        start = row.due_date - timedelta(days=row.days)
        return Stretch(rows, self.terms.daily_rate, start, row.due_date if stops else date.max)

    def _overdue(self, row: ScheduleRow) -> Stretch:
        return Stretch((row,), self.terms.daily_rate * (1 + self.terms.penalty_share), row.due_date, date.max)

    def pay(self, on: date, lines: Iterable[Allocation], *, fee: Decimal = ZERO, remainder: Decimal = ZERO) -> None:
        """Money that arrived: what it paid on the rows, as a settlement fee, and what found no debt."""
        self.last_date = on
        self.settlement_fee += fee
        self.unapplied_amount += remainder
        fresh = True
        for line in lines:
            if fresh:
                self._cut(on)
                fresh = False
            self.paid[line.component][line.number - 1] += line.amount
            if line.component == PRINCIPAL:
                self._repay(on, line)

    def _cut(self, on: date) -> None:
        for stretch in self.stretches:
            if stretch.begun < on:
                stretch.cut(on)

    def _repay(self, on: date, line: Allocation) -> None:
        row = self.terms.schedule[line.number - 1]
        if on <= row.due_date:
            self.repaid_in_time[line.number - 1] += line.amount
            if on < row.start_date:
                self.repaid_ahead[line.number - 1] += line.amount
        for stretch in self.stretches:
            if stretch.first <= line.number <= stretch.last:
                stretch.principal -= line.amount

    def write_off(self, on: date) -> None:
        """A written-off loan accrues nothing more: no interest, no fee, no penalty."""
        self.last_date = on
        if self.written_off_on is None:
            self.written_off_on = on
            for stretch in self.stretches:
                stretch.stop = min(stretch.stop, on)

    def content(self) -> dict[str, Any]:
        """Everything that `restored` needs beside the terms, as JSON takes it."""
        return {
            "last_date": self.last_date.isoformat(),
            "settled_on": self.settled_on and self.settled_on.isoformat(),
            "written_off_on": self.written_off_on and self.written_off_on.isoformat(),
            "returned": self.returned,
            "settlement_fee": str(self.settlement_fee),
            "unapplied_amount": str(self.unapplied_amount),
            "paid": {component.value: _texts(amounts) for component, amounts in self.paid.items()},
            "repaid_in_time": _texts(self.repaid_in_time),
            "repaid_ahead": _texts(self.repaid_ahead),
            "stretches": [stretch.content() for stretch in self.stretches],
        }

    @classmethod
    def restored(cls, terms: LoanTerms, content: dict[str, Any]) -> "Tally":
        """The tally of these terms that `content` was taken from."""
        tally = cls(terms)
        tally.last_date = date.fromisoformat(content["last_date"])
        tally.settled_on, tally.written_off_on = _date(content["settled_on"]), _date(content["written_off_on"])
        tally.returned = content["returned"]
        tally.settlement_fee = Decimal(content["settlement_fee"])
        tally.unapplied_amount = Decimal(content["unapplied_amount"])
        tally.paid = {component: _amounts(content["paid"][component.value]) for component in Component}
        tally.repaid_in_time = _amounts(content["repaid_in_time"])
        tally.repaid_ahead = _amounts(content["repaid_ahead"])
        for stretch, kept in zip(tally.stretches, content["stretches"], strict=True):
            stretch.restore(kept)
        return tally


def _texts(amounts: list[Decimal]) -> list[str]:
    return [str(amount) for amount in amounts]


def _amounts(texts: list[str]) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
