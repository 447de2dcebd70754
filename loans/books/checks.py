"""The invariants. A check yields one `Fault` per row that breaks it; no fault means it holds.

They read in key order and in batches, so they work beside customers and on a large book. Where a check compares
a loan with what others sum up, it reads both in one statement.
"""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import Case, Count, Exists, F, Max, Model, OuterRef, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce

from loans import ledger
from loans.books.chain import seals_hold
from loans.books.disclosed import charged_as_disclosed
from loans.books.fault import Fault
from loans.books.folded import folded_as_earned
from loans.books.kept import rows_kept
from loans.books.owners import customers_agree
from loans.books.portfolio import portfolio_matches_tape
from loans.books.rows_granted import acts_agree, gifts_agree, lines_agree
from loans.books.rows_loan import loans_agree_with_their_rows
from loans.books.rows_money import (
    act_states_as_changed,
    gift_states_as_changed,
    line_states_as_changed,
    money_held_agrees,
    offer_states_as_changed,
    orders_agree,
    refund_orders_agree,
    refund_states_as_changed,
    refunds_agree,
    states_as_changed,
)
from loans.books.rows_night import (
    answers_kept,
    chain_looks_far_enough,
    chart_as_declared,
    nights_agree_with_loans,
    periods_agree,
)
from loans.books.rows_offered import offers_agree
from loans.books.sums import (
    HALF_FEN,
    NO_MONEY,
    differs,
    instalments_not_overpaid,
    payouts_match_loans,
    repayments_add_up,
    schedules_sum,
)
from loans.maths.state import position_of, replay
from loans.models import (
    Approval,
    CreditGift,
    Instalment,
    JournalEntry,
    Loan,
    LoanEvent,
    LoanState,
    MoneyReceipt,
    Payout,
    PayoutState,
    Posting,
    ProductAccrual,
    RearrangementOffer,
    Refund,
    RefundState,
    Repayment,
    UnappliedBalance,
)
from loans.selectors.earned import in_batches
from loans.selectors.position import last_event_date, loan_book, loan_events, loan_position, loan_terms
from risk.models import CreditLine, LineState
from risk.selectors.tape import outstanding_as_of
from weilidai.lib.models import BusinessDay, IdempotencyRecord, JobRun
from weilidai.lib.money import ZERO, round_money

# How many of the last nights the tape is held against the journal.
TAPE_DAYS = 3


Check = Callable[..., Iterator[Fault]]


def _among(among: QuerySet[Loan] | None) -> QuerySet[Loan]:
    """The loans to look at; all of them where none are named."""
    return Loan.objects.all() if among is None else among


def faults_of(check: Check, *among: QuerySet[Any]) -> Iterator[Fault]:
    """What a check finds. One that breaks off over a row that cannot be read any more has found a fault, too, and
    the checks after it still run; a database that does not answer is no fault of the books.
    """
    try:
        yield from check(*among)
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        yield Fault(check.__name__, "the check itself", f"broke off: {type(error).__name__}: {error}")


def entries_balanced(among: QuerySet[JournalEntry] | None = None) -> Iterator[Fault]:
    """I1: debits equal credits in every entry."""
    debit = Sum(Case(When(postings__side="debit", then=F("postings__amount")), default=NO_MONEY))
    credit = Sum(Case(When(postings__side="credit", then=F("postings__amount")), default=NO_MONEY))
    entries = JournalEntry.objects.all() if among is None else among
    rows = entries.order_by().annotate(debits=debit, credits=credit, parts=Count("postings"))
    for entry in rows.filter(differs("debits", "credits") | Q(parts__lt=2)).iterator():
        yield Fault("entries_balanced", entry.reference, f"debits {entry.debits}, credits {entry.credits}")


def lines_match_loans(among: QuerySet[CreditLine] | None = None) -> Iterator[Fault]:
    """I2: 0 ≤ used ≤ limit, and used = outstanding principal + loans on their way out."""
    owed = Case(
        When(loans__state=LoanState.DISBURSING, then=F("loans__principal_amount")),
        default=F("loans__outstanding_principal_amount"),
    )
    lines = CreditLine.objects.all() if among is None else among
    rows = lines.annotate(
        lent=Coalesce(Sum(owed), NO_MONEY),
        drawn=F("used_amount") + F("gifted_amount"),
        granted=F("limit_amount") + F("received_amount"),
    )
    above = Q(drawn__gt=F("granted") + HALF_FEN) & ~Q(state=LineState.CLOSED)
    wrong = rows.filter(differs("used_amount", "lent") | Q(used_amount__lt=0) | above)
    for line in wrong.order_by("pk").iterator(chunk_size=2000):
        if (lent := round_money(line.lent)) != line.used_amount:
            yield Fault("lines_match_loans", str(line.pk), f"used {line.used_amount}, loans {lent}")
        over = line.used_amount + line.gifted_amount > line.limit_amount + line.received_amount
        # A repayment that bounced after its limit was drawn again leaves the line above its limit, rightly.
        bounced = over and line.loans.filter(replayed_date__isnull=False).exists()
        if line.used_amount < 0 or (over and line.state != LineState.CLOSED and not bounced):
            yield Fault("lines_match_loans", str(line.pk), f"used {line.used_amount} of {line.limit_amount}")


def loans_match_events(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """Each loan's stored figures are what replaying its events gives."""
    paid_out = _among(among).filter(start_date__isnull=False).select_related("tally")
    for batch in in_batches(paid_out):
        for loan in batch:
            yield from _replay_faults(loan)


def _replay_faults(loan: Loan) -> Iterator[Fault]:
    on = max([event.effective_date for event in loan_events(loan)], default=loan.start_date)
    if on is None:
        return
    book = loan_book(loan, on)
    position, kept = position_of(book), getattr(loan, "tally", None)
    newest = max((event.sequence for event in loan.events.all()), default=0)
    # A tally of an earlier event is void, not wrong: nobody reads it.
    if kept is not None and kept.sequence == newest and kept.content != book.tally.content():
        yield Fault("loans_match_events", str(loan.pk), f"the tally of event {kept.sequence} is not the replayed one")
    pairs = {
        "outstanding principal": (loan.outstanding_principal_amount, position.outstanding_principal),
        "interest": (loan.interest_settled_amount, position.interest_accrued),
        "interest paid": (loan.interest_paid_amount, position.interest_accrued - position.interest_unpaid),
        "penalty paid": (loan.penalty_paid_amount, position.penalty_charged - position.penalty_unpaid),
        "fees paid": (loan.fee_paid_amount, position.fees_charged - position.fees_unpaid),
    }
    for name, (stored, replayed) in pairs.items():
        if stored != replayed:
            yield Fault("loans_match_events", str(loan.pk), f"{name}: stored {stored}, replayed {replayed}")
    decided = loan.state in (LoanState.WRITTEN_OFF, LoanState.FAILED)
    if (loan.state == LoanState.SETTLED) != position.is_paid_off and not decided:
        yield Fault("loans_match_events", str(loan.pk), f"state {loan.state}, owed {position.debt_amount}")


def charged_within_cap(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """I10: penalties never push the cost above the cap; interest never exceeds what the rate allows."""
    for batch in in_batches(_among(among).filter(start_date__isnull=False, cost_cap_rate__isnull=False)):
        for loan in batch:
            on = loan.segment_start_date or loan.start_date
            position = loan_position(loan, on) if on else None
            if position is None or not position.penalty_charged:
                continue
            if position.cap_room is not None and position.penalty_charged > max(
                position.cap_room, loan.penalty_paid_amount
            ):
                yield Fault("charged_within_cap", str(loan.pk), f"penalty {position.penalty_charged}")


def _ledger_sums(until: date | None = None) -> dict[str, Decimal]:
    """Debits less credits per ledger account, of all entries or of those effective up to a day."""
    postings = Posting.objects.filter(entry__effective_date__lte=until) if until else Posting.objects.all()
    rows = postings.values("ledger_account_id", "side").annotate(total=Sum("amount")).order_by()
    sums: dict[str, Decimal] = {}
    for row in rows:
        sign = 1 if row["side"] == "debit" else -1
        code = row["ledger_account_id"]
        sums[code] = sums.get(code, ZERO) + sign * row["total"]
    # SQLite adds in binary numbers.
    return {code: round_money(total) for code, total in sums.items()}


def _accrued(kind: str) -> Decimal:
    total: Decimal | None = ProductAccrual.objects.filter(kind=kind).aggregate(total=Sum("amount"))["total"]
    return round_money(total or ZERO)


def ledger_matches_loans() -> Iterator[Fault]:
    """Sub-ledger = general ledger: principal, each receivable and cash agree with the loans.

    A loan written off is in no receivable any more: what it has been charged is off the book, paid or not.
    """
    sums = _ledger_sums()
    out = Loan.objects.filter(start_date__isnull=False)
    kept = out.exclude(state=LoanState.WRITTEN_OFF)
    given_up = out.filter(state=LoanState.WRITTEN_OFF)
    interest = _sum(kept, "interest_paid_amount") + _sum(given_up, "interest_settled_amount")
    fee = _sum(kept, "fee_paid_amount") + _sum(given_up, "fee_charged_amount")
    penalty = _sum(kept, "penalty_paid_amount") + _sum(given_up, "penalty_charged_amount")
    expected = {
        ledger.LOANS_RECEIVABLE: _sum(kept, "outstanding_principal_amount"),
        ledger.BANK: _cash(out),
        ledger.INTEREST_RECEIVABLE: _accrued("interest") - interest,
        ledger.FEES_RECEIVABLE: _accrued("fee") - fee,
        ledger.PENALTY_RECEIVABLE: _accrued("penalty") - penalty,
        ledger.UNAPPLIED_MONEY: -_sum(UnappliedBalance.objects.all(), "amount"),
        ledger.REFUNDS_PAYABLE: -_sum(Refund.objects.filter(state=RefundState.PENDING), "amount"),
    }
    for code, amount in expected.items():
        if sums.get(code, ZERO) != amount:
            yield Fault("ledger_matches_loans", code, f"ledger {sums.get(code, ZERO)}, loans {amount}")


def _sum(rows: Any, column: str) -> Decimal:
    total: Decimal = rows.aggregate(total=Coalesce(Sum(column), NO_MONEY))["total"]
    return round_money(total)


def _cash(out: Any) -> Decimal:
    """What the bank holds: money in less money out, as the loans' own rows have it."""
    from_bank = Repayment.objects.filter(funding=LoanEvent.Funding.BANK, reversed_date__isnull=True)
    returned = Payout.objects.filter(state=PayoutState.RETURNED)
    received = _sum(from_bank, "amount") + _sum(returned, "amount") + _sum(MoneyReceipt.objects.all(), "amount")
    refunded = _sum(Refund.objects.filter(state=RefundState.PAID), "amount")
    return received - _sum(out, "principal_amount") - refunded


def balances_match_movements() -> Iterator[Fault]:
    """What is held for each customer is the sum of its movements."""
    rows = UnappliedBalance.objects.annotate(moved=Coalesce(Sum("customer__unapplied_movements__amount"), NO_MONEY))
    for row in rows.exclude(amount=F("moved")).iterator():
        # SQLite adds in binary fractions.
        if (moved := round_money(row.moved)) != row.amount:
            yield Fault("balances_match_movements", str(row.pk), f"balance {row.amount}, movements {moved}")


def tape_matches_journal() -> Iterator[Fault]:
    """The tape of each of the last closed days adds up to the principal the journal held at its end."""
    handed = JobRun.objects.filter(job="end_of_day.tape", partition="", state=JobRun.State.DONE)
    for day in handed.order_by("-business_date").values_list("business_date", flat=True)[:TAPE_DAYS]:
        told = sum(outstanding_as_of(day).values(), ZERO)
        held = _ledger_sums(day).get(ledger.LOANS_RECEIVABLE, ZERO)
        if told != held:
            yield Fault("tape_matches_journal", str(day), f"tape {told}, journal {held}")


def days_in_order() -> Iterator[Fault]:
    """The business days are closed without a gap and exactly one is open."""
    days = list(BusinessDay.objects.order_by("date").values_list("date", "state"))
    for (before, state), (after, _) in pairwise(days):
        if (after - before).days != 1 or state == BusinessDay.State.OPEN:
            yield Fault("days_in_order", str(after), f"follows {before} ({state})")
    if days and days[-1][1] != BusinessDay.State.OPEN:
        yield Fault("days_in_order", str(days[-1][0]), f"nothing is open after it ({days[-1][1]})")


def accruals_every_day() -> Iterator[Fault]:
    """I5: each closed day has one accrual per product and kind, each continuing the one before."""
    last: dict[tuple[str, str], ProductAccrual] = {}
    for row in ProductAccrual.objects.order_by("business_date").iterator(chunk_size=2000):
        before = last.get((row.product_id, row.kind))
        base = before.cumulative_amount if before else ZERO
        if row.cumulative_amount - base != row.amount:
            yield Fault("accruals_every_day", f"{row.product_id} {row.business_date}", f"{row.amount}")
        if before is not None and (row.business_date - before.business_date).days != 1:
            yield Fault("accruals_every_day", f"{row.product_id} {row.business_date}", f"after {before.business_date}")
        last[row.product_id, row.kind] = row
    days = {row.date: row.state for row in BusinessDay.objects.filter(date__gte=_newest_closed())}
    for (product, kind), row in last.items():
        if days.get(row.business_date, BusinessDay.State.OPEN) == BusinessDay.State.OPEN:
            yield Fault("accruals_every_day", f"{product} {kind}", f"the last is of {row.business_date}")


def _newest_closed() -> date:
    closed = BusinessDay.objects.filter(state=BusinessDay.State.CLOSED)
    return closed.aggregate(newest=Max("date"))["newest"] or date.min


def disclosed_not_exceeded(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """I10: interest and fees of a loan paid on time are at most what its form disclosed.

    On time is every period, not only the last: principal that was owed longer than the schedule says bore more
    interest than the schedule shows, which `charged_as_disclosed` works out from the form. Each payment starts the
    formula again and may so round by half a fen: that much per payment is no fault.
    """
    late = Instalment.objects.filter(loan=OuterRef("pk"), settled_date__gt=F("due_date"))
    settled = _among(among).filter(state=LoanState.SETTLED, settled_date__lte=F("due_date"))
    on_time = settled.filter(~Exists(late))
    for batch in in_batches(on_time.select_related("disclosure")):
        for loan in batch:
            disclosed = _disclosed(loan)
            charged = loan.interest_settled_amount + loan.fee_charged_amount
            if charged > disclosed + HALF_FEN * len(loan_events(loan)):
                yield Fault("disclosed_not_exceeded", str(loan.pk), f"charged {charged}, disclosed {disclosed}")


def _disclosed(loan: Loan) -> Decimal:
    """Interest and fees of the normal schedule; after a rearrangement of the new one and what was paid before it."""
    terms, events = loan_terms(loan), loan_events(loan) if loan.rearranged_date else []
    terms = replay(terms, events, last_event_date(events, terms.start)).terms
    before = sum((row.interest + row.fee for row in terms.brought.closed), ZERO) if terms.brought else ZERO
    return before + sum((row.interest + row.fee for row in terms.schedule), ZERO)


def gifts_conserve() -> Iterator[Fault]:
    """I3: what left the givers' lines stands on gifts, and what recipients received stands on the same gifts."""
    standing = Coalesce(Sum(F("gifts_given__amount") - F("gifts_given__returned_amount")), NO_MONEY)
    for line in CreditLine.objects.annotate(given=standing).exclude(gifted_amount=0, given=0).order_by("pk").iterator():
        if round_money(line.given) != line.gifted_amount:
            yield Fault("gifts_conserve", str(line.pk), f"gifted {line.gifted_amount}, gifts {line.given}")
    received = Coalesce(Sum(F("gifts_received__amount") - F("gifts_received__returned_amount")), NO_MONEY)
    recipients = CreditLine.objects.annotate(taken=received).exclude(received_amount=0, taken=0)
    for recipient in recipients.order_by("pk").iterator():
        if round_money(recipient.taken) != recipient.received_amount:
            detail = f"received {recipient.received_amount}, gifts {recipient.taken}"
            yield Fault("gifts_conserve", str(recipient.pk), detail)


CHECKS: tuple[Check, ...] = (
    entries_balanced,
    lines_match_loans,
    loans_match_events,
    schedules_sum,
    charged_within_cap,
    disclosed_not_exceeded,
    charged_as_disclosed,
    payouts_match_loans,
    repayments_add_up,
    instalments_not_overpaid,
    gifts_conserve,
    ledger_matches_loans,
    balances_match_movements,
    accruals_every_day,
    folded_as_earned,
    days_in_order,
    tape_matches_journal,
    portfolio_matches_tape,
    seals_hold,
    loans_agree_with_their_rows,
    nights_agree_with_loans,
    states_as_changed,
    line_states_as_changed,
    refund_states_as_changed,
    gift_states_as_changed,
    act_states_as_changed,
    offer_states_as_changed,
    orders_agree,
    refund_orders_agree,
    refunds_agree,
    money_held_agrees,
    gifts_agree,
    lines_agree,
    acts_agree,
    offers_agree,
    periods_agree,
    chart_as_declared,
    chain_looks_far_enough,
    answers_kept,
    customers_agree,
    rows_kept,
)

# What these look at can be narrowed to some rows of the kind named here. All others are sums and comparisons in the
# database, or about tables that stay small.
BY_ROW: dict[Check, type[Model]] = {
    loans_match_events: Loan,
    charged_within_cap: Loan,
    disclosed_not_exceeded: Loan,
    charged_as_disclosed: Loan,
    loans_agree_with_their_rows: Loan,
    nights_agree_with_loans: Loan,
    states_as_changed: Loan,
    orders_agree: Loan,
    lines_agree: CreditLine,
    line_states_as_changed: CreditLine,
    seals_hold: JournalEntry,
    answers_kept: IdempotencyRecord,
    refund_orders_agree: Refund,
    refunds_agree: Refund,
    refund_states_as_changed: Refund,
    money_held_agrees: UnappliedBalance,
    gifts_agree: CreditGift,
    gift_states_as_changed: CreditGift,
    acts_agree: Approval,
    act_states_as_changed: Approval,
    offers_agree: RearrangementOffer,
    offer_states_as_changed: RearrangementOffer,
    entries_balanced: JournalEntry,
    lines_match_loans: CreditLine,
    schedules_sum: Loan,
    payouts_match_loans: Loan,
    repayments_add_up: Loan,
}
# These the database compares as a whole, too, quickly enough to do it now and then.
ALSO_WHOLE = frozenset({entries_balanced, lines_match_loans, schedules_sum, payouts_match_loans, repayments_add_up})
