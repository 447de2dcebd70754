"""A loan on any date: the replay of its few events over its terms.

Nothing is written to a loan on a day on which nothing happened; its figures on date d follow from the
terms and the events effective up to d. The services call `position(terms, events, on)`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from loans.maths.allocation import Allocation, Component, Due, allocate_in_turn
from loans.maths.book import Book
from loans.maths.delinquency import bucket_of, days_past_due
from loans.maths.errors import InstalmentPeriodsRefused, ReversalUnknown, SettlementAmountShort
from loans.maths.schedule import ScheduleRow
from loans.maths.settlement import SettlementQuote
from loans.maths.terms import AppliedEvent, EventKind, LoanEvent, LoanHistory, LoanTerms
from weilidai.lib.money import ZERO


@dataclass(frozen=True, slots=True)
class InstalmentPosition:
    """One due date of the loan: charged and paid so far, in yuan. A single-payment loan has one."""

    number: int
    start_date: date
    due_date: date
    penalty_claim: Decimal
    penalty_charged: Decimal
    penalty_paid: Decimal
    fee_charged: Decimal
    fee_paid: Decimal
    interest_accrued: Decimal
    interest_paid: Decimal
    principal: Decimal
    principal_paid: Decimal

    @property
    def penalty_unpaid(self) -> Decimal:
        return self.penalty_charged - self.penalty_paid

    @property
    def fee_unpaid(self) -> Decimal:
        return self.fee_charged - self.fee_paid

    @property
    def interest_unpaid(self) -> Decimal:
        return self.interest_accrued - self.interest_paid

    @property
    def outstanding_principal(self) -> Decimal:
        return self.principal - self.principal_paid

    @property
    def scheduled_unpaid(self) -> Decimal:
        """Fee, interest and principal: what makes the due date unpaid.

        A penalty does not: it is charged late, as room grows, and would make a customer overdue for
        days on which it could not be paid.
        """
        return self.fee_unpaid + self.interest_unpaid + self.outstanding_principal

    @property
    def unpaid(self) -> Decimal:
        return self.scheduled_unpaid + self.penalty_unpaid


@dataclass(frozen=True)
class LoanPosition:
    """A loan on the date `on`. Interest is accrued up to, not including, `on`.

    `cap_room` is what the cap allows as penalty in all (None: cap off); `exposure` is in yuan-days.
    """

    on: date
    instalments: tuple[InstalmentPosition, ...]
    exposure: Decimal
    cap_room: Decimal | None
    settlement_fee: Decimal
    unapplied_amount: Decimal
    settled_on: date | None
    written_off_on: date | None

    @property
    def outstanding_principal(self) -> Decimal:
        return sum((row.outstanding_principal for row in self.instalments), ZERO)

    @property
    def interest_accrued(self) -> Decimal:
        return sum((row.interest_accrued for row in self.instalments), ZERO)

    @property
    def interest_unpaid(self) -> Decimal:
        return sum((row.interest_unpaid for row in self.instalments), ZERO)

    @property
    def fees_charged(self) -> Decimal:
        """Fees of the periods; the settlement fee is told apart."""
        return sum((row.fee_charged for row in self.instalments), ZERO)

    @property
    def fees_unpaid(self) -> Decimal:
        return sum((row.fee_unpaid for row in self.instalments), ZERO)

    @property
    def penalty_claim(self) -> Decimal:
        return sum((row.penalty_claim for row in self.instalments), ZERO)

    @property
    def penalty_charged(self) -> Decimal:
        return sum((row.penalty_charged for row in self.instalments), ZERO)

    @property
    def penalty_unpaid(self) -> Decimal:
        return sum((row.penalty_unpaid for row in self.instalments), ZERO)

    @property
    def penalty_waiting(self) -> Decimal:
        """The part of the claim that waits for room under the cost cap."""
        return self.penalty_claim - self.penalty_charged

    @property
    def due_amount(self) -> Decimal:
        """Everything unpaid on due dates up to and including `on`."""
        return sum((row.unpaid for row in self.instalments if row.due_date <= self.on), ZERO)

    @property
    def debt_amount(self) -> Decimal:
        """Principal and every charge made so far; neither fees of later periods nor a settlement fee."""
        return sum((row.unpaid for row in self.instalments), ZERO)

    @property
    def oldest_unpaid_due_date(self) -> date | None:
        unpaid = (row.due_date for row in self.instalments if row.due_date <= self.on and row.scheduled_unpaid)
        return min(unpaid, default=None)

    @property
    def days_past_due(self) -> int:
        return days_past_due(self.oldest_unpaid_due_date, self.on)

    @property
    def bucket(self) -> str:
        return bucket_of(self.days_past_due)

    @property
    def is_paid_off(self) -> bool:
        """Nothing is owed and no principal is left to owe anything later."""
        return self.debt_amount == ZERO


@dataclass(frozen=True, slots=True)
class PrepaymentQuote:
    """What pays everything due and the next instalments ahead of time, on the date `on` only."""

    on: date
    dues: tuple[Due, ...]

    @property
    def total(self) -> Decimal:
        return sum((due.total for due in self.dues), ZERO)


@dataclass(frozen=True, slots=True)
class NextDue:
    """The next date with something to pay; a date in the past when the loan is overdue."""

    due_date: date
    amount: Decimal


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


def settlement_quote(terms: LoanTerms, events: Iterable[LoanEvent], on: date) -> SettlementQuote:
    """What closes the loan on `on` (R43), after the events up to that date."""
    return Book(terms, replay(terms, events, on), on).settlement_quote()


def prepayment_quote(terms: LoanTerms, events: Iterable[LoanEvent], on: date, periods: int) -> PrepaymentQuote:
    """What pays all that is due and the next `periods` instalments on `on` (R42).

    A repayment of exactly the quoted total pays exactly the quoted dues. Raises
    `InstalmentPeriodsRefused` when fewer instalments than that are still open.
    """
    book = Book(terms, replay(terms, events, on), on)
    ahead = [row for row in terms.schedule if row.due_date > on and book.due(row).principal]
    if not 1 <= periods <= len(ahead):
        raise InstalmentPeriodsRefused(f"{periods} of {len(ahead)} open instalments")
    last = ahead[periods - 1].number
    return PrepaymentQuote(on, tuple(book.due(row) for row in terms.schedule[:last]))


def next_due(terms: LoanTerms, events: Iterable[LoanEvent], on: date) -> NextDue | None:
    """The oldest unpaid due date with all that is due by now, else the next due date with its amount.

    The amount of a date ahead is what will be due then if nothing more is paid before. None when
    nothing is left to pay.
    """
    history = replay(terms, events, on)
    now = position_of(Book(terms, history, on))
    unpaid = [row for row in now.instalments if row.due_date <= on and row.unpaid]
    if unpaid:
        return NextDue(unpaid[0].due_date, now.due_amount)
    for row in terms.schedule:
        if row.due_date > on:
            amount = Book(terms, history, row.due_date).due(row).total
            if amount:
                return NextDue(row.due_date, amount)
    return None


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
