"""A loan on any date: the replay of its few events over its terms.

Nothing is written to a loan on a day on which nothing happened; its figures on date d follow from the
terms and the events effective up to d. The services call `position(terms, events, on)`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from loans.maths.allocation import Component, Due
from loans.maths.book import Book
from loans.maths.delinquency import bucket_of, days_past_due
from loans.maths.errors import InstalmentPeriodsRefused, ReversalUnknown
from loans.maths.history import LoanHistory
from loans.maths.rearrangement import ClosedRow
from loans.maths.schedule import ScheduleRow
from loans.maths.settlement import SettlementQuote
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from weilidai.lib.money import ZERO


@dataclass(frozen=True, slots=True)
class InstalmentPosition:
    """One due date of the loan: charged and paid so far, in yuan. A single-payment loan has one.

    A due date that a rearrangement replaced keeps what was paid on it; what was not is owed on the new schedule.
    """

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
    replaced_on: date | None = None

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

    `cap_room` is what the cap allows as penalty in all (None: cap off); `exposure` is in yuan-days. What was waived
    counts among what was paid and is told apart in `waived_amount`. `bears_by_period`: a period bears interest on what
    later periods owe, also where its own principal was paid ahead.
    """

    on: date
    instalments: tuple[InstalmentPosition, ...]
    exposure: Decimal
    cap_room: Decimal | None
    settlement_fee: Decimal
    unapplied_amount: Decimal
    settled_on: date | None
    written_off_on: date | None
    waived_amount: Decimal = ZERO
    bears_by_period: bool = field(default=False, compare=False)

    @property
    def outstanding_principal(self) -> Decimal:
        return sum((row.outstanding_principal for row in self.instalments), ZERO)

    @property
    def current(self) -> tuple[InstalmentPosition, ...]:
        """The due dates of the schedule in force."""
        return tuple(row for row in self.instalments if row.replaced_on is None)

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
    return position_of(replay(terms, events, on).book(on))


def replay(terms: LoanTerms, events: Iterable[LoanEvent], on: date) -> LoanHistory:
    """What each event effective up to `on` paid, in order of effective date, then as given.

    A reversed event counts until its reversal takes effect and from then on never was: later
    events are allocated anew.
    """
    effective = sorted((event for event in events if event.effective_date <= on), key=_replay_order)
    history = LoanHistory(terms)
    for event in _without_reversed(effective):
        history.apply(event)
    return history


def settlement_quote(terms: LoanTerms, events: Iterable[LoanEvent], on: date) -> SettlementQuote:
    """What closes the loan on `on` (R43), after the events up to that date."""
    return replay(terms, events, on).book(on).settlement_quote()


def prepayment_quote(terms: LoanTerms, events: Iterable[LoanEvent], on: date, periods: int) -> PrepaymentQuote:
    """What pays all that is due and the next `periods` instalments on `on` (R42).

    A repayment of exactly the quoted total pays exactly the quoted dues. Raises
    `InstalmentPeriodsRefused` when fewer instalments than that are still open.
    """
    book = replay(terms, events, on).book(on)
    schedule = book.terms.schedule
    ahead = [row for row in schedule if row.due_date > on and book.due(row).principal]
    if not 1 <= periods <= len(ahead):
        raise InstalmentPeriodsRefused(f"{periods} of {len(ahead)} open instalments")
    last = ahead[periods - 1].number
    return PrepaymentQuote(on, tuple(book.due(row) for row in schedule if row.number <= last))


def next_due(terms: LoanTerms, events: Iterable[LoanEvent], on: date) -> NextDue | None:
    """The oldest unpaid due date with all that is due by now, else the next due date with its amount.

    The amount of a date ahead is what will be due then if nothing more is paid before. None when
    nothing is left to pay.
    """
    return next_due_of(replay(terms, events, on).book(on))


def next_due_of(book: Book) -> NextDue | None:
    """`next_due` of a loan whose events are applied."""
    now = position_of(book)
    unpaid = [row for row in now.instalments if row.due_date <= book.on and row.unpaid]
    if unpaid:
        return NextDue(unpaid[0].due_date, now.due_amount)
    for row in book.terms.schedule:
        if row.due_date > book.on:
            amount = replace(book, on=row.due_date).due(row).total
            if amount:
                return NextDue(row.due_date, amount)
    return None


def _replay_order(event: LoanEvent) -> tuple[date, bool]:
    """By date; a payout that came back comes before what was paid on the day it went out."""
    return event.effective_date, event.kind != EventKind.PAYOUT_RETURN


def _without_reversed(events: Iterable[LoanEvent]) -> list[LoanEvent]:
    kept: dict[int, LoanEvent] = {}
    places: dict[str, int] = {}
    for place, event in enumerate(events):
        if event.kind != EventKind.REVERSAL:
            kept[place] = event
            places.setdefault(event.key, place)
            continue
        if not event.reverses or event.reverses not in places:
            raise ReversalUnknown(f"no earlier event {event.reverses!r}")
        del kept[places.pop(event.reverses)]
    return list(kept.values())


def position_of(book: Book) -> LoanPosition:
    """Every figure of a book at once."""
    tally, terms = book.tally, book.terms
    closed = () if terms.brought is None else terms.brought.closed
    return LoanPosition(
        on=book.on,
        instalments=(*map(_replaced, closed), *(_instalment(book, row) for row in terms.schedule)),
        exposure=book.exposure,
        cap_room=book.room,
        settlement_fee=tally.settlement_fee,
        unapplied_amount=tally.unapplied_amount,
        settled_on=tally.settled_on,
        written_off_on=tally.written_off_on,
        waived_amount=tally.waived_amount,
        bears_by_period=terms.plan == Plan.INSTALMENTS and terms.bears_interest and terms.daily_rate > 0,
    )


def _replaced(closed: ClosedRow) -> InstalmentPosition:
    return InstalmentPosition(
        number=closed.row.number,
        start_date=closed.row.start_date,
        due_date=closed.row.due_date,
        penalty_claim=closed.penalty,
        penalty_charged=closed.penalty,
        penalty_paid=closed.penalty,
        fee_charged=closed.fee,
        fee_paid=closed.fee,
        interest_accrued=closed.interest,
        interest_paid=closed.interest,
        principal=closed.principal,
        principal_paid=closed.principal,
        replaced_on=closed.replaced_on,
    )


def _instalment(book: Book, row: ScheduleRow) -> InstalmentPosition:
    place = book.terms.place(row.number)
    return InstalmentPosition(
        number=row.number,
        start_date=row.start_date,
        due_date=row.due_date,
        penalty_claim=book.claims[place],
        penalty_charged=book.penalties[place],
        penalty_paid=book.paid(row, Component.PENALTY),
        fee_charged=book.fees[place],
        fee_paid=book.paid(row, Component.FEE),
        interest_accrued=book.interest[place],
        interest_paid=book.paid(row, Component.INTEREST),
        principal=row.principal,
        principal_paid=book.paid(row, Component.PRINCIPAL),
    )
