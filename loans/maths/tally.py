"""What the events of a loan add up to so far, carried from event to event: no figure asks for the events again.

Amounts are yuan, exposure is yuan-days, rates are fractions a day.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from loans.maths.allocation import Allocation, Component
from loans.maths.interest import Stretch
from loans.maths.penalty import uplifted_rate
from loans.maths.schedule import ScheduleRow
from loans.maths.terms import LoanTerms, Plan
from weilidai.lib.money import ZERO

PRINCIPAL = Component.PRINCIPAL


class Tally:
    """A loan's payments in sums. Events are handed over in order of their dates."""

    def __init__(self, terms: LoanTerms) -> None:
        rows = terms.schedule
        self.terms = terms
        self.last_date = terms.start
        self.settled_on: date | None = None
        self.written_off_on: date | None = None
        self.returned = False
        self.settlement_fee = self.unapplied_amount = self.waived_amount = ZERO
        self.paid = {component: [ZERO] * len(rows) for component in Component}
        # Principal of each row paid by its due date, and before its period started.
        self.repaid_in_time, self.repaid_ahead = [ZERO] * len(rows), [ZERO] * len(rows)
        self.whole = _stretch(rows, terms.daily_rate, terms.start)
        self.interest = [self._bearing(row) for row in rows] if terms.bears_interest else []
        self.overdue = [self._overdue(row) for row in rows] if terms.uplifts_rate else []
        self.stretches = (self.whole, *self.interest, *self.overdue)
        if terms.brought is not None:
            self.whole.exposure = terms.brought.exposure
            self.interest[0].brought = terms.brought.interest

    def follow(self, former: "Tally") -> None:
        """Takes over from the tally of the former schedule what is told of the loan as a whole."""
        self.settled_on, self.written_off_on, self.returned = former.settled_on, former.written_off_on, former.returned
        self.settlement_fee, self.unapplied_amount = former.settlement_fee, former.unapplied_amount
        self.waived_amount = former.waived_amount
        if self.written_off_on is not None:
            self._stop(self.written_off_on)

    def _bearing(self, row: ScheduleRow) -> Stretch:
        """What bears the interest of the row's period.

        A single-payment loan goes on bearing interest after its due date; a period of an instalment plan ends with
        it. Under `rate_uplift` overdue principal bears the claim in place of interest.
        """
        stops = self.terms.plan == Plan.INSTALMENTS or self.terms.uplifts_rate
        place = self.terms.place(row.number)
        rows = self.terms.schedule[place:] if self.terms.uplifts_rate else self.terms.schedule
        start = row.due_date - timedelta(days=row.days)
        return _stretch(rows, self.terms.daily_rate, start, row.due_date if stops else date.max)

    def _overdue(self, row: ScheduleRow) -> Stretch:
        return _stretch((row,), uplifted_rate(self.terms.daily_rate, self.terms.penalty_share), row.due_date)

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
            self.paid[line.component][self.terms.place(line.number)] += line.amount
            if line.component == PRINCIPAL:
                self._repay(on, line)

    def _cut(self, on: date) -> None:
        for stretch in self.stretches:
            if stretch.begun < on:
                stretch.cut(on)

    def _repay(self, on: date, line: Allocation) -> None:
        place = self.terms.place(line.number)
        row = self.terms.schedule[place]
        if on <= row.due_date:
            self.repaid_in_time[place] += line.amount
            if on < row.start_date:
                self.repaid_ahead[place] += line.amount
        for stretch in self.stretches:
            if stretch.first <= line.number <= stretch.last:
                stretch.repay(line.amount)

    def write_off(self, on: date) -> None:
        """A written-off loan accrues nothing more: no interest, no fee, no penalty."""
        self.last_date = on
        if self.written_off_on is None:
            self.written_off_on = on
            self._stop(on)

    def _stop(self, on: date) -> None:
        for stretch in self.stretches:
            stretch.stop = min(stretch.stop, on)

    def waive(self, on: date, lines: Iterable[Allocation]) -> None:
        """Given up by the lender: counts on its rows as paid, and is told apart in sum."""
        waived = tuple(lines)
        self.pay(on, waived)
        self.waived_amount += sum((line.amount for line in waived), ZERO)

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


def _stretch(rows: Sequence[ScheduleRow], rate: Decimal, start: date, stop: date = date.max) -> Stretch:
    """The principal of consecutive rows at work."""
    principal = sum((row.principal for row in rows), ZERO)
    return Stretch(principal, rate, start, stop, first=rows[0].number, last=rows[-1].number)


def _texts(amounts: list[Decimal]) -> list[str]:
    return [str(amount) for amount in amounts]


def _amounts(texts: list[str]) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
