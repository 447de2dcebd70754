"""The figures of one loan on one date, from its terms and what was paid: closed forms, no daily loops."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from loans.maths.allocation import Component, Due
from loans.maths.penalty import cap_room, charged_total, share_claim, spread_charge
from loans.maths.rearrangement import Brought
from loans.maths.schedule import ScheduleRow
from loans.maths.settlement import SettlementQuote, settlement_fee
from loans.maths.tally import Tally
from loans.maths.terms import LoanTerms
from weilidai.lib.money import ZERO


@dataclass(frozen=True)
class Book:
    """A loan on the date `on`; `tally` holds only what took effect up to that date, and does not grow meanwhile."""

    terms: LoanTerms
    tally: Tally
    on: date

    @cached_property
    def accrues_until(self) -> date:
        """A written-off loan accrues nothing more: no interest, no fee, no penalty."""
        return min(self.on, self.tally.written_off_on or self.on)

    def paid(self, row: ScheduleRow, component: Component) -> Decimal:
        return self.tally.paid[component][self.terms.place(row.number)]

    @cached_property
    def interest(self) -> tuple[Decimal, ...]:
        """Interest accrued in each row's period on the loan's outstanding principal."""
        if not self.terms.bears_interest:
            return (ZERO,) * len(self.terms.schedule)
        return tuple(stretch.brought_by(self.on) for stretch in self.tally.interest)

    def has_started(self, row: ScheduleRow) -> bool:
        """A period that starts after the settlement or the write-off never does: its fee falls away."""
        until = min(self.accrues_until, self.tally.settled_on or self.on)
        return row.start_date <= max(until, self.terms.start)

    @cached_property
    def fees(self) -> tuple[Decimal, ...]:
        """Each row's fee charged so far: all of it from the period's start, before that what was paid ahead.

        It is the reduced fee when the whole principal of the period was repaid before it started (R42).
        """
        if self.tally.returned:
            return (ZERO,) * len(self.terms.schedule)
        return tuple(
            self._fee_of_started(row) if self.has_started(row) else self.paid(row, Component.FEE)
            for row in self.terms.schedule
        )

    def _fee_of_started(self, row: ScheduleRow) -> Decimal:
        paid_ahead = self.tally.repaid_ahead[self.terms.place(row.number)]
        if row.start_date <= self.terms.start or paid_ahead != row.principal:
            return row.fee
        # Inside the cap the fee was what the cap left when the period was paid: later room charges nothing more.
        return self.paid(row, Component.FEE) if self._caps_early_fees else self.terms.reduced_fee(row)

    @cached_property
    def claims(self) -> tuple[Decimal, ...]:
        """Penalty claimed for each row, from the day after its due date (R26)."""
        claims = tuple(self._claim(row) for row in self.terms.schedule)
        if self.brought is None:
            return claims
        return (claims[0] + self.brought.claim, *claims[1:])

    def _claim(self, row: ScheduleRow) -> Decimal:
        if self.accrues_until <= row.due_date:
            return ZERO
        place = self.terms.place(row.number)
        if self.terms.uplifts_rate:
            return self.tally.overdue[place].brought_by(self.on)
        overdue = row.principal - self.tally.repaid_in_time[place]
        return share_claim(min(overdue, self.claimable(row)), self.terms.penalty_share)

    def claimable(self, row: ScheduleRow) -> Decimal:
        """Principal of the row that a penalty may be claimed for, once it is overdue."""
        return row.principal if self.brought is None else self.brought.claimable[self.terms.place(row.number)]

    @property
    def brought(self) -> Brought | None:
        return self.terms.brought

    @cached_property
    def exposure(self) -> Decimal:
        """Sum of outstanding principal x days since the payout."""
        return self.tally.whole.exposure_by(self.on)

    @cached_property
    def room(self) -> Decimal | None:
        """What the cost cap leaves for penalties today (R54); None with the cap switched off."""
        if self.terms.cost_cap_rate is None:
            return None
        charged = sum(self.interest, ZERO) + sum(self.fees, ZERO)
        charged += self._before(Component.INTEREST) + self._before(Component.FEE)
        return cap_room(cap_rate=self.terms.cost_cap_rate, exposure=self.exposure, charged=charged)

    def _before(self, component: Component) -> Decimal:
        """Charged on the schedules before this one."""
        return ZERO if self.brought is None else self.brought.paid(component)

    @cached_property
    def penalties(self) -> tuple[Decimal, ...]:
        """Penalty charged so far on each row."""
        paid = self.tally.paid[Component.PENALTY]
        claim, already = sum(self.claims, ZERO), sum(paid, ZERO)
        if not claim and not already:
            return self.claims
        room = None if self.room is None else self.room - self._before(Component.PENALTY)
        total = charged_total(claim=claim, room=room, paid=already)
        return spread_charge(total, self.claims, paid)

    def due(self, row: ScheduleRow) -> Due:
        """What a payment on this date can pay on the row; for a period not yet started its reduced fee."""
        place, tally = self.terms.place(row.number), self.tally
        closed = tally.settled_on or tally.written_off_on
        ahead = closed is None and not tally.returned and not self.has_started(row)
        fee = self.early_fees[place] if ahead else self.fees[place] - tally.paid[Component.FEE][place]
        return Due(
            row.number,
            row.due_date,
            penalty=self.penalties[place] - tally.paid[Component.PENALTY][place],
            fee=fee,
            interest=self.interest[place] - tally.paid[Component.INTEREST][place],
            principal=row.principal - tally.paid[Component.PRINCIPAL][place],
        )

    @cached_property
    def early_fees(self) -> tuple[Decimal, ...]:
        """What paying each period before its start still costs in fees today (R42), row after row.

        Where early fees count in the cap they share what it leaves, and a period whose principal is paid owes none.
        """
        left = self._early_fee_room()
        fees: list[Decimal] = []
        for row in self.terms.schedule:
            fee = ZERO if self.has_started(row) else self.terms.reduced_fee(row) - self.paid(row, Component.FEE)
            if left is not None:
                is_paid = self.paid(row, Component.PRINCIPAL) == row.principal
                fee = ZERO if is_paid else max(ZERO, min(fee, left))
                left -= fee
            fees.append(fee)
        return tuple(fees)

    def payment_groups(self) -> Iterator[tuple[Due, ...]]:
        """The dues in the order money reaches them: all that fell due, then row after row ahead."""
        yield tuple(self.due(row) for row in self.terms.schedule if row.due_date <= self.on)
        for row in self.terms.schedule:
            if row.due_date > self.on:
                yield (self.due(row),)

    def settlement_quote(self) -> SettlementQuote:
        """What closes the loan today (R43): fees of periods that have not started fall away."""
        dues = [self.due(row) for row in self.terms.schedule]
        fees = [fee - paid for fee, paid in zip(self.fees, self.tally.paid[Component.FEE], strict=True)]
        principal = sum((due.principal for due in dues), ZERO)
        return SettlementQuote(
            on=self.on,
            principal=principal,
            penalty=sum((due.penalty for due in dues), ZERO),
            fee=sum(fees, ZERO),
            interest=sum((due.interest for due in dues), ZERO),
            settlement_fee=settlement_fee(
                outstanding_principal=principal,
                fee_rate=self.terms.settlement_fee_rate,
                on=self.on,
                last_due_date=self.terms.last_due_date,
                room=self._early_fee_room(),
            ),
        )

    @property
    def _caps_early_fees(self) -> bool:
        return self.terms.early_fees_in_cap and self.terms.cost_cap_rate is not None

    def _early_fee_room(self) -> Decimal | None:
        """What the cap leaves for fees that are the customer's choice; None where they stand outside it."""
        if not self._caps_early_fees or self.room is None:
            return None
        return max(ZERO, self.room - self._before(Component.PENALTY) - sum(self.penalties, ZERO))
