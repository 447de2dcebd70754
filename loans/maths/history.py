"""What happened to a loan, applied event by event: each event is looked at once, whatever came before it."""

from datetime import date
from decimal import Decimal

from loans.maths.allocation import Allocation, Component, allocate_in_turn
from loans.maths.book import Book
from loans.maths.errors import SettlementAmountShort
from loans.maths.handover import rearranged_terms
from loans.maths.tally import Tally
from loans.maths.terms import AppliedEvent, EventKind, LoanEvent, LoanTerms
from weilidai.lib.money import ZERO


class LoanHistory:
    """The events of a loan with what each of them paid, in order of effective date, and what they add up to.

    `terms` and `tally` are those of the newest schedule, `drawn` the terms of the drawdown.
    """

    def __init__(self, terms: LoanTerms) -> None:
        self.drawn = self.terms = terms
        self.applied: list[AppliedEvent] = []
        self.tally = Tally(terms)

    @property
    def payments(self) -> list[tuple[date, Allocation]]:
        """Every amount paid on an instalment, with the date it counts from."""
        return [(item.event.effective_date, line) for item in self.applied for line in item.allocations]

    def book(self, on: date) -> Book:
        """The loan on a date on or after the last event. Raises ValueError for an earlier one."""
        if on < self.tally.last_date:
            raise ValueError(f"{on} lies before the event of {self.tally.last_date}")
        return Book(self.terms, self.tally, on)

    def apply(self, event: LoanEvent) -> AppliedEvent:
        """One more event, which must not lie before the events in it.

        Raises `SettlementAmountShort` when a settlement brings less than its quote.
        """
        if event.kind == EventKind.PAYOUT_RETURN:
            applied = self._return(event)
        elif event.kind == EventKind.WRITE_OFF:
            applied = AppliedEvent(event)
            self.tally.write_off(event.effective_date)
        elif event.kind == EventKind.SETTLEMENT:
            applied = self._settle(event)
        elif event.kind == EventKind.REARRANGEMENT:
            applied = self._rearrange(event)
        else:
            applied = self._pay(event, fee=ZERO)
        self.applied.append(applied)
        return applied

    def _settle(self, event: LoanEvent) -> AppliedEvent:
        quote = self.book(event.effective_date).settlement_quote()
        if event.amount < quote.total and event.may_fall_short:
            return self._pay(event, fee=ZERO)
        if event.amount < quote.total:
            raise SettlementAmountShort(f"{event.amount} is below the quote of {quote.total}")
        self.tally.settled_on = event.effective_date
        return self._pay(event, fee=quote.settlement_fee)

    def _return(self, event: LoanEvent) -> AppliedEvent:
        """The money never arrived: all principal comes back on the day it went out, nothing is ever charged."""
        lines = tuple(Allocation(row.number, Component.PRINCIPAL, row.principal) for row in self.terms.schedule)
        self.tally.pay(event.effective_date, lines)
        self.tally.returned = True
        return AppliedEvent(event, lines)

    def _pay(self, event: LoanEvent, *, fee: Decimal) -> AppliedEvent:
        groups = self.book(event.effective_date).payment_groups()
        result = allocate_in_turn(event.amount - fee, groups)
        self.tally.pay(event.effective_date, result.lines, fee=fee, remainder=result.remainder)
        return AppliedEvent(event, result.lines, fee, result.remainder)

    def _rearrange(self, event: LoanEvent) -> AppliedEvent:
        """The schedule so far is closed on the day and a new one begins with what it leaves."""
        if event.agreed is None:
            raise ValueError("a rearrangement without what was agreed")
        waived = self._waived(event) if event.agreed.waives_penalty else ()
        self.tally.waive(event.effective_date, waived)
        former = self.tally
        self.terms = rearranged_terms(self.book(event.effective_date), event.agreed)
        self.tally = Tally(self.terms)
        self.tally.follow(former)
        return AppliedEvent(event, waived)

    def _waived(self, event: LoanEvent) -> tuple[Allocation, ...]:
        book = self.book(event.effective_date)
        dues = (book.due(row) for row in self.terms.schedule)
        return tuple(Allocation(due.number, Component.PENALTY, due.penalty) for due in dues if due.penalty)
