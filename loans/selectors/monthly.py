"""A customer's month: what was owed at its beginning, what came and went by head, what was owed at its end.

Everything is told as it was known at the end of the month's last day, so the same month asked for again says the same,
whatever was entered or put right since. Interest of a day is owed from the opening of the next, as in the books.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, Sum

from accounts.models import Customer
from loans.maths.book import Book
from loans.maths.dates import add_months
from loans.maths.state import LoanPosition, position_of
from loans.models import Loan, LoanEvent, LoanState, UnappliedMovement
from loans.selectors.position import event_total, is_written_off, loan_book, loan_events
from loans.selectors.trial_balance import month_end
from weilidai.lib.money import ZERO, round_money


@dataclass(frozen=True, slots=True)
class Heads:
    """Yuan by head. A settlement fee is a fee."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fee: Decimal = ZERO
    penalty: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest + self.fee + self.penalty

    def __add__(self, other: "Heads") -> "Heads":
        return Heads(*(mine + theirs for mine, theirs in zip(self.parts, other.parts, strict=True)))

    def __sub__(self, other: "Heads") -> "Heads":
        return Heads(*(mine - theirs for mine, theirs in zip(self.parts, other.parts, strict=True)))

    @property
    def parts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        return self.principal, self.interest, self.fee, self.penalty


@dataclass(frozen=True)
class Movement:
    """An event of the month, in the heads it had on its day; `entered` differs from `counts` where it came late."""

    kind: str
    label: str
    entered: date
    counts: date
    amount: Decimal
    heads: Heads


@dataclass(frozen=True)
class LoanMonth:
    """One loan in a month or another span of days, where in every head
    `opening` + `drawn` + `charged` − `repaid` − `waived` = `closing`.
    """

    loan: Loan
    opening: Heads
    drawn: Heads
    charged: Heads
    repaid: Heads
    waived: Heads
    closing: Heads
    due_next: tuple[tuple[date, Decimal], ...]
    overdue: Decimal
    is_written_off: bool
    movements: tuple[Movement, ...]

    @property
    def moved_heads(self) -> Heads:
        """What later corrections moved between the heads of earlier payments: no money, only its use."""
        told = sum((row.heads for row in self.movements if row.kind in PAID_KINDS), Heads())
        return self.repaid - told

    @property
    def says_nothing(self) -> bool:
        return not self.movements and not any((*self.opening.parts, *self.charged.parts, *self.closing.parts))


@dataclass(frozen=True)
class Held:
    """Money held for the customer that belongs to no loan yet."""

    opening: Decimal
    moved: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.moved


@dataclass(frozen=True)
class CustomerMonth:
    customer: Customer
    first: date
    last: date
    loans: tuple[LoanMonth, ...]
    held: Held

    def total(self, name: str) -> Heads:
        """The sum of all loans of a column of `LoanMonth`."""
        found: Heads = sum((getattr(row, name) for row in self.loans), Heads())
        return found


# The reversal of a write-off moves no money.
RESTORED = "restored"
PAID_KINDS = (
    LoanEvent.Kind.REPAYMENT,
    LoanEvent.Kind.SETTLEMENT,
    LoanEvent.Kind.REVERSAL,
    LoanEvent.Kind.PAYOUT_RETURN,
)


def customer_month(customer: Customer, first: date) -> CustomerMonth:
    """The month that begins on `first`, which is over."""
    last = month_end(first)
    months = (loan_span(loan, first, last, with_due=True) for loan in _loans(customer, first, last))
    told = tuple(row for row in months if not row.says_nothing)
    return CustomerMonth(customer, first, last, told, _held(customer, first, last))


def months_of(customer: Customer, today: date) -> list[date]:
    """First days of the months there is a statement of, newest first: from the first payout to the last month over."""
    started = Loan.objects.filter(customer=customer, start_date__isnull=False).order_by("start_date")
    begun: date | None = started.values_list("start_date", flat=True).first()
    if begun is None:
        return []
    first, found = begun.replace(day=1), []
    while month_end(first) < today:
        found.append(first)
        first = add_months(first, 1)
    return found[::-1]


def _loans(customer: Customer, first: date, last: date) -> Iterator[Loan]:
    """Loans that may have owed something in the month: those that do now, and those on which something happened since
    its beginning.
    """
    since = Exists(LoanEvent.objects.filter(loan=OuterRef("pk"), business_date__gte=first))
    rows = Loan.objects.filter(customer=customer, start_date__lte=last).filter(
        since | Q(state__in=(LoanState.ACTIVE, LoanState.WRITTEN_OFF))
    )
    rows = rows.select_related("product").prefetch_related("events").order_by("start_date", "pk")
    return rows.iterator(chunk_size=100)


def loan_span(loan: Loan, first: date, last: date, *, valued: date | None = None, with_due: bool = False) -> LoanMonth:
    """What happened on a loan, which was paid out by `last`, between two days; valued at the opening of the day after,
    or on the day `valued` where that is not over yet.
    """
    before, book = _opening(loan, first), loan_book(loan, valued or last + timedelta(days=1), events_until=last)
    after = position_of(book)
    drawn = Heads(loan.principal_amount) if before is None else Heads()
    charged = _charged(after) - _charged(before)
    waived = Heads(penalty=after.waived_amount - (before.waived_amount if before else ZERO))
    return LoanMonth(
        loan=loan,
        opening=_owed(before),
        drawn=drawn,
        charged=charged,
        repaid=_paid(after) - _paid(before) - waived,
        waived=waived,
        closing=_owed(after),
        due_next=tuple(_due_in(book, last + timedelta(days=1))) if with_due else (),
        overdue=sum((row.unpaid for row in after.instalments if row.due_date <= last), ZERO),
        is_written_off=is_written_off(loan_events(loan, last)),
        movements=tuple(_movements(loan, first, last)),
    )


def _opening(loan: Loan, first: date) -> LoanPosition | None:
    """None for a loan paid out in the month."""
    if loan.start_date is None or loan.start_date >= first:
        return None
    return position_of(loan_book(loan, first, events_until=first - timedelta(days=1)))


def _owed(now: LoanPosition | None) -> Heads:
    if now is None:
        return Heads()
    return Heads(now.outstanding_principal, now.interest_unpaid, now.fees_unpaid, now.penalty_unpaid)


def _charged(now: LoanPosition | None) -> Heads:
    if now is None:
        return Heads()
    return Heads(ZERO, now.interest_accrued, now.fees_charged + now.settlement_fee, now.penalty_charged)


def _paid(now: LoanPosition | None) -> Heads:
    """Everything paid (or waived) so far."""
    if now is None:
        return Heads()
    principal = sum((row.principal_paid for row in now.instalments), ZERO)
    return Heads(principal) + _charged(now) - replace(_owed(now), principal=ZERO)


def _due_in(book: Book, opening: date) -> Iterator[tuple[date, Decimal]]:
    """What falls due in the month that begins on `opening`, if nothing is paid before."""
    end = month_end(opening)
    for row in book.terms.schedule:
        if opening <= row.due_date <= end:
            amount = replace(book, on=row.due_date).due(row).total
            if amount:
                yield row.due_date, amount


def _movements(loan: Loan, first: date, last: date) -> Iterator[Movement]:
    rows = (row for row in loan.events.all() if first <= row.business_date <= last)
    given_up = {row.pk for row in loan.events.all() if row.kind == LoanEvent.Kind.WRITE_OFF}
    for row in sorted(rows, key=lambda row: row.sequence):
        heads = Heads(row.principal_amount, row.interest_amount, row.fee_amount, row.penalty_amount)
        kind = RESTORED if row.reverses_id in given_up else row.kind
        yield Movement(kind, row.get_kind_display(), row.business_date, row.effective_date, event_total(row), heads)


def _held(customer: Customer, first: date, last: date) -> Held:
    rows = UnappliedMovement.objects.filter(customer=customer).order_by()
    before = rows.filter(business_date__lt=first).aggregate(total=Sum("amount"))["total"] or ZERO
    moved = rows.filter(business_date__range=(first, last)).aggregate(total=Sum("amount"))["total"] or ZERO
    return Held(round_money(before), round_money(moved))
