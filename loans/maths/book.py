"""The figures of one loan on one date, from its terms and what was paid: closed forms, no daily loops."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from loans.maths.allocation import Component, Due
from loans.maths.interest import (
    PrincipalSegment,
    Reduction,
    cumulative_interest,
    exposure,
    principal_segments,
)
from loans.maths.penalty import cap_room, charged_total, share_claim, spread_charge, uplift_claim
from loans.maths.schedule import ScheduleRow
from loans.maths.settlement import SettlementQuote, settlement_fee
from loans.maths.terms import LoanHistory, LoanTerms, Plan
from weilidai.lib.money import ZERO


@dataclass(frozen=True)
class Book:
    """A loan on the date `on`; `history` holds only what took effect up to that date."""

    terms: LoanTerms
    history: LoanHistory
    on: date

    @cached_property
    def accrues_until(self) -> date:
        """A written-off loan accrues nothing more: no interest, no fee, no penalty."""
        return min(self.on, self.history.written_off_on or self.on)

    def paid(self, row: ScheduleRow, component: Component) -> Decimal:
        return self.history.paid(row.number, component)

    def segments(self, rows: Collection[ScheduleRow], start: date, end: date) -> tuple[PrincipalSegment, ...]:
        """Stretches of the outstanding principal of `rows` within [start, end)."""
        numbers = {row.number for row in rows}
        return principal_segments(
            principal=sum((row.principal for row in rows), ZERO),
            daily_rate=self.terms.daily_rate,
            start=start,
            end=end,
            reductions=[
                Reduction(on, line.amount if line.number in numbers and line.component == Component.PRINCIPAL else ZERO)
                for on, line in self.history.payments
            ],
        )

    def interest(self, row: ScheduleRow) -> Decimal:
        """Interest accrued in the row's period on the loan's outstanding principal.

        A single-payment loan goes on bearing interest after its due date; a period of an instalment
        plan ends with it. Under `rate_uplift` overdue principal bears the claim in place of interest.
        """
        if not self.terms.bears_interest:
            return ZERO
        stops = self.terms.plan == Plan.INSTALMENTS or self.terms.uplifts_rate
        end = min(self.accrues_until, row.due_date) if stops else self.accrues_until
        rows = self.terms.schedule[row.number - 1 :] if self.terms.uplifts_rate else self.terms.schedule
        start = row.due_date - timedelta(days=row.days)
        return cumulative_interest(self.segments(rows, start, end), end)

    def has_started(self, row: ScheduleRow) -> bool:
        """A period that starts after the settlement or the write-off never does: its fee falls away."""
        return row.start_date <= min(self.accrues_until, self.history.settled_on or self.on)

    def fee(self, row: ScheduleRow) -> Decimal:
        """Fee charged so far: all of it from the period's start, before that what was paid ahead.

        It is the reduced fee when the whole principal of the period was repaid before it started (R42).
        """
        if self.history.returned:
            return ZERO
        if not self.has_started(row):
            return self.paid(row, Component.FEE)
        eve = row.start_date - timedelta(days=1)
        paid_ahead = self.history.paid(row.number, Component.PRINCIPAL, until=eve)
        return self.terms.reduced_fee(row) if paid_ahead == row.principal else row.fee

    def claim(self, row: ScheduleRow) -> Decimal:
        """Penalty claimed for the row, from the day after its due date (R26)."""
        if self.accrues_until <= row.due_date:
            return ZERO
        if self.terms.uplifts_rate:
            overdue = self.segments((row,), row.due_date, self.accrues_until)
            return uplift_claim(overdue, self.terms.penalty_share)
        repaid = self.history.paid(row.number, Component.PRINCIPAL, until=row.due_date)
        return share_claim(row.principal - repaid, self.terms.penalty_share)

    @cached_property
    def exposure(self) -> Decimal:
        """Sum of outstanding principal x days since the payout."""
        return exposure(self.segments(self.terms.schedule, self.terms.start, self.accrues_until))

    @cached_property
    def room(self) -> Decimal | None:
        """What the cost cap leaves for penalties today (R54); None with the cap switched off."""
        if self.terms.cost_cap_rate is None:
            return None
        charged = sum((self.interest(row) + self.fee(row) for row in self.terms.schedule), ZERO)
        return cap_room(cap_rate=self.terms.cost_cap_rate, exposure=self.exposure, charged=charged)

    @cached_property
    def penalties(self) -> tuple[Decimal, ...]:
        """Penalty charged so far on each row."""
        claims = [self.claim(row) for row in self.terms.schedule]
        paid = [self.paid(row, Component.PENALTY) for row in self.terms.schedule]
        total = charged_total(claim=sum(claims, ZERO), room=self.room, paid=sum(paid, ZERO))
        return spread_charge(total, claims, paid)

    def due(self, row: ScheduleRow) -> Due:
        """What a payment on this date can pay on the row; for a period not yet started its reduced fee."""
        closed = self.history.settled_on or self.history.written_off_on
        ahead = closed is None and not self.history.returned and not self.has_started(row)
        fee = self.terms.reduced_fee(row) if ahead else self.fee(row)
        return Due(
            row.number,
            row.due_date,
            penalty=self.penalties[row.number - 1] - self.paid(row, Component.PENALTY),
            fee=fee - self.paid(row, Component.FEE),
            interest=self.interest(row) - self.paid(row, Component.INTEREST),
            principal=row.principal - self.paid(row, Component.PRINCIPAL),
        )

    def payment_groups(self) -> tuple[tuple[Due, ...], ...]:
        """The dues in the order money reaches them: all that fell due, then row after row ahead."""
        fallen_due = tuple(self.due(row) for row in self.terms.schedule if row.due_date <= self.on)
        ahead = ((self.due(row),) for row in self.terms.schedule if row.due_date > self.on)
        return (fallen_due, *ahead)

    def settlement_quote(self) -> SettlementQuote:
        """What closes the loan today (R43): fees of periods that have not started fall away."""
        dues = [self.due(row) for row in self.terms.schedule]
        fees = [self.fee(row) - self.paid(row, Component.FEE) for row in self.terms.schedule]
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

    def _early_fee_room(self) -> Decimal | None:
        if not self.terms.early_fees_in_cap or self.room is None:
            return None
        return self.room - sum(self.penalties, ZERO)
