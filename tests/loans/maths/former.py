"""The computation before `loans.maths.tally`: every figure from the whole history anew, one pass per figure and event.

Kept as the yardstick of `test_history.py`: it is slow, and what it says is right.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from loans.maths.allocation import Allocation, Component, Due, allocate_in_turn
from loans.maths.errors import ReversalUnknown, SettlementAmountShort
from loans.maths.penalty import cap_room, charged_total, share_claim, spread_charge
from loans.maths.schedule import ScheduleRow
from loans.maths.settlement import SettlementQuote, settlement_fee
from loans.maths.state import InstalmentPosition, LoanPosition
from loans.maths.terms import AppliedEvent, EventKind, LoanEvent, LoanTerms, Plan
from tests.loans.maths.segments import (
    PrincipalSegment,
    Reduction,
    cumulative_interest,
    exposure,
    principal_segments,
    uplift_claim,
)
from weilidai.lib.money import ZERO


@dataclass(frozen=True)
class LoanHistory:
    """The events of a loan with what each of them paid, in order of effective date."""

    applied: tuple[AppliedEvent, ...] = ()
    settled_on: date | None = None
    written_off_on: date | None = None
    returned: bool = False

    @property
    def settlement_fee(self) -> Decimal:
        return sum((item.settlement_fee for item in self.applied), ZERO)

    @property
    def unapplied_amount(self) -> Decimal:
        return sum((item.remainder for item in self.applied), ZERO)

    @cached_property
    def payments(self) -> tuple[tuple[date, Allocation], ...]:
        """Every amount paid on an instalment, with the date it counts from."""
        return tuple((item.event.effective_date, line) for item in self.applied for line in item.allocations)

    def paid(self, number: int, component: Component, until: date | None = None) -> Decimal:
        """Paid on one component of one instalment, up to and including `until`."""
        return sum(
            (
                line.amount
                for on, line in self.payments
                if line.number == number and line.component == component and (until is None or on <= until)
            ),
            ZERO,
        )


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
        if paid_ahead != row.principal:
            return row.fee
        return self.paid(row, Component.FEE) if self.caps_early_fees else self.terms.reduced_fee(row)

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
        fee = self.paid(row, Component.FEE) + self.early_fee(row) if ahead else self.fee(row)
        return Due(
            row.number,
            row.due_date,
            penalty=self.penalties[row.number - 1] - self.paid(row, Component.PENALTY),
            fee=fee - self.paid(row, Component.FEE),
            interest=self.interest(row) - self.paid(row, Component.INTEREST),
            principal=row.principal - self.paid(row, Component.PRINCIPAL),
        )

    @property
    def caps_early_fees(self) -> bool:
        return self.terms.early_fees_in_cap and self.terms.cost_cap_rate is not None

    def early_fee(self, row: ScheduleRow) -> Decimal:
        """Of the row paid ahead today; inside the cap what the rows before it leave."""
        rest = self.terms.reduced_fee(row) - self.paid(row, Component.FEE)
        room = self._early_fee_room()
        if room is None:
            return rest
        if self.paid(row, Component.PRINCIPAL) == row.principal:
            return ZERO
        before = (one for one in self.terms.schedule if one.number < row.number and not self.has_started(one))
        return max(ZERO, min(rest, max(ZERO, room) - sum((self.early_fee(one) for one in before), ZERO)))

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


def position(terms: LoanTerms, events: Iterable[LoanEvent], on: date) -> LoanPosition:
    """The loan on `on`, after the events effective up to and including that date."""
    return position_of(Book(terms, replay(terms, events, on), on))


def replay(terms: LoanTerms, events: Iterable[LoanEvent], on: date) -> LoanHistory:
    """What each event effective up to `on` paid, in order of effective date, then as given.

    A reversed event counts until its reversal takes effect and from then on never was: later
    events are allocated anew.
    """
    effective = sorted((event for event in events if event.effective_date <= on), key=_replay_order)
    history = LoanHistory()
    for event in _without_reversed(effective):
        history = apply_event(terms, history, event)
    return history


def apply_event(terms: LoanTerms, history: LoanHistory, event: LoanEvent) -> LoanHistory:
    """The history with one more event, which must not lie before the events in it.

    Raises `SettlementAmountShort` when a settlement brings less than its quote.
    """
    if event.kind == EventKind.PAYOUT_RETURN:
        return _return(terms, history, event)
    if event.kind == EventKind.WRITE_OFF:
        return replace(
            history,
            applied=(*history.applied, AppliedEvent(event)),
            written_off_on=history.written_off_on or event.effective_date,
        )
    if event.kind == EventKind.SETTLEMENT:
        return _settle(terms, history, event)
    return _pay(terms, history, event, fee=ZERO)


def _replay_order(event: LoanEvent) -> tuple[date, bool]:
    """By date; a payout that came back comes before what was paid on the day it went out."""
    return event.effective_date, event.kind != EventKind.PAYOUT_RETURN


def _without_reversed(events: Iterable[LoanEvent]) -> list[LoanEvent]:
    kept: list[LoanEvent] = []
    for event in events:
        if event.kind != EventKind.REVERSAL:
            kept.append(event)
            continue
        found = [other for other in kept if other.key and other.key == event.reverses]
        if not found:
            raise ReversalUnknown(f"no earlier event {event.reverses!r}")
        kept.remove(found[0])
    return kept


def _settle(terms: LoanTerms, history: LoanHistory, event: LoanEvent) -> LoanHistory:
    quote = Book(terms, history, event.effective_date).settlement_quote()
    if event.amount < quote.total and event.may_fall_short:
        return _pay(terms, history, event, fee=ZERO)
    if event.amount < quote.total:
        raise SettlementAmountShort(f"{event.amount} is below the quote of {quote.total}")
    settling = replace(history, settled_on=event.effective_date)
    return _pay(terms, settling, event, fee=quote.settlement_fee)


def _return(terms: LoanTerms, history: LoanHistory, event: LoanEvent) -> LoanHistory:
    """The money never arrived: all principal comes back on the day it went out, and nothing is ever charged."""
    lines = tuple(Allocation(row.number, Component.PRINCIPAL, row.principal) for row in terms.schedule)
    return replace(history, applied=(*history.applied, AppliedEvent(event, lines)), returned=True)


def _pay(terms: LoanTerms, history: LoanHistory, event: LoanEvent, *, fee: Decimal) -> LoanHistory:
    groups = Book(terms, history, event.effective_date).payment_groups()
    result = allocate_in_turn(event.amount - fee, groups)
    applied = AppliedEvent(event, result.lines, fee, result.remainder)
    return replace(history, applied=(*history.applied, applied))


def position_of(book: Book) -> LoanPosition:
    """Every figure of a book at once."""
    return LoanPosition(
        on=book.on,
        instalments=tuple(_instalment(book, row) for row in book.terms.schedule),
        exposure=book.exposure,
        cap_room=book.room,
        settlement_fee=book.history.settlement_fee,
        unapplied_amount=book.history.unapplied_amount,
        settled_on=book.history.settled_on,
        written_off_on=book.history.written_off_on,
    )


def _instalment(book: Book, row: ScheduleRow) -> InstalmentPosition:
    return InstalmentPosition(
        number=row.number,
        start_date=row.start_date,
        due_date=row.due_date,
        penalty_claim=book.claim(row),
        penalty_charged=book.penalties[row.number - 1],
        penalty_paid=book.paid(row, Component.PENALTY),
        fee_charged=book.fee(row),
        fee_paid=book.paid(row, Component.FEE),
        interest_accrued=book.interest(row),
        interest_paid=book.paid(row, Component.INTEREST),
        principal=row.principal,
        principal_paid=book.paid(row, Component.PRINCIPAL),
    )
