"""Each row of a loan says what the other rows say: form, schedule, events, repayments, its own part of the journal.

What is changed by hand in one place no longer agrees with the rest. Every fault names the loan.
"""

from collections import defaultdict
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Prefetch, QuerySet, Sum

from loans import ledger
from loans.books.fault import Fault
from loans.disclosure import digest, terms_digest
from loans.maths.history import LoanHistory
from loans.maths.state import LoanPosition, position_of, replay
from loans.models import FoldedEarnings, Loan, LoanEvent, LoanState, Posting, Repayment
from loans.selectors.earned import BATCH
from loans.selectors.loan import disclosed_terms
from loans.selectors.position import event_total, is_open, last_event_date, loan_events, loan_terms
from loans.selectors.standing import standing
from loans.services.figures import loan_columns_set
from loans.services.following import figures_of, lines_of
from weilidai.lib.models import AuditEvent
from weilidai.lib.money import ZERO

NAME = "loans_agree_with_their_rows"
PAYING = (LoanEvent.Kind.REPAYMENT, LoanEvent.Kind.SETTLEMENT)
ENTRY_KINDS = {
    "drawdown": {"disbursement"},
    "repayment": {"repayment", "recovery"},
    "settlement": {"settlement"},
    "reversal": {"reversal"},
    "payout_return": {"payout_return"},
    "write_off": {"write_off"},
    "rearrangement": {"relief"},
}
AMOUNTS = ("principal_amount", "interest_amount", "fee_amount", "penalty_amount")
DERIVED = (
    "outstanding_principal_amount", "segment_start_date", "exposure_amount", "interest_settled_amount",
    "interest_paid_amount", "fee_charged_amount", "fee_paid_amount", "settlement_fee_amount", "penalty_claimed_amount",
    "penalty_charged_amount", "penalty_paid_amount", "penalty_waived_amount", "next_due_date",
)  # fmt: skip
# Above so many events a prefix is not replayed for each of them.
PREFIXES_MAX = 40


@dataclass
class Case:
    """A loan with everything that speaks of it, read in a handful of statements for a batch."""

    loan: Any
    audits: list[AuditEvent]
    postings: dict[str, Decimal]
    unfoldings: list[FoldedEarnings]

    @cached_property
    def events(self) -> list[Any]:
        return sorted(self.loan.events.all(), key=lambda event: event.sequence)

    @cached_property
    def is_rearranged(self) -> bool:
        """Its schedules follow from its events; `charged_as_disclosed` and `schedules_sum` look at them."""
        return any(event.kind == "rearrangement" for event in self.events)

    @cached_property
    def history(self) -> LoanHistory:
        agreed, events = loan_terms(self.loan), loan_events(self.loan)
        return replay(agreed, events, last_event_date(events, agreed.start))

    @cached_property
    def last(self) -> LoanPosition:
        return position_of(self.history.book(self.history.tally.last_date))

    @cached_property
    def repayments(self) -> list[Any]:
        return list(self.loan.repayments.all())


Differences = Iterator[tuple[str, Any, Any]]


def loans_agree_with_their_rows(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """I7, I9, I10: nothing about a loan can be changed in one place alone."""
    for case in _cases(Loan.objects.all() if among is None else among):
        try:
            found = [
                f"{what}: {one} beside {other}"
                for part in (as_agreed, as_drawn, columns, instalments, events, repayments, journal, marks)
                for what, one, other in part(case)
                if one != other
            ]
        except (ArithmeticError, LookupError, ValueError, AttributeError, TypeError, ObjectDoesNotExist) as error:
            found = [f"cannot be read: {type(error).__name__}: {error}"]
        if found:
            yield Fault(NAME, str(case.loan.pk), "; ".join(found))


def _cases(loans: QuerySet[Loan]) -> Iterator[Case]:
    """By key range: memory does not grow with the book."""
    repayments = Repayment.objects.prefetch_related("allocations").order_by("pk")
    # Not joined: a loan whose form or line is gone would be left out without a word.
    page = loans.select_related("payout").prefetch_related(
        "disclosure", "credit_line", "terms", "bank_card",
        Prefetch("events", LoanEvent.objects.select_related("entry").order_by("sequence")),
        Prefetch("repayments", repayments), "instalments", "delinquency_facts"
    ).order_by("pk")  # fmt: skip
    last: Any = None
    while rows := list((page.filter(pk__gt=last) if last else page)[:BATCH]):
        keys = [row.pk for row in rows]
        audits, postings, unfoldings = _audits(keys), _postings(keys), _unfoldings(keys)
        for row in rows:
            yield Case(row, audits[str(row.pk)], postings[row.pk], unfoldings[row.pk])
        last = keys[-1]


def _audits(keys: list[UUID]) -> dict[str, list[AuditEvent]]:
    rows = AuditEvent.objects.filter(subject_type="loans.loan", subject_id__in=[str(key) for key in keys])
    found: dict[str, list[AuditEvent]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[row.subject_id].append(row)
    return found


def _postings(keys: list[UUID]) -> dict[UUID, dict[str, Decimal]]:
    """Debits less credits per loan and account."""
    rows = Posting.objects.filter(entry__loan__in=keys).order_by()
    sums: dict[UUID, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    columns = ("entry__loan_id", "ledger_account_id", "side")
    for loan, code, side, total in rows.values_list(*columns).annotate(total=Sum("amount")):
        sums[loan][code] += (total if side == "debit" else -total).quantize(ZERO)
    return sums


def _unfoldings(keys: list[UUID]) -> dict[UUID, list[FoldedEarnings]]:
    found: dict[UUID, list[FoldedEarnings]] = defaultdict(list)
    for row in FoldedEarnings.objects.filter(loan_id__in=keys).order_by("pk"):
        if row.loan_id is not None:
            found[row.loan_id].append(row)
    return found


def as_agreed(case: Case) -> Differences:
    """The terms are those of the confirmed form, whose key is the hash of all of them."""
    loan, form = case.loan, case.loan.disclosure
    agreed = replace(disclosed_terms(loan), start=loan.requested_date)
    yield "form", digest(form.content), form.sha256
    yield "terms", terms_digest(agreed, loan.terms.version, loan.credit_line_id), form.terms_key
    yield "product", {loan.product_id, form.content["product"]}, {loan.terms.product_id}
    yield "product of the line", loan.credit_line.product_id, loan.product_id
    customers = {form.customer_id, loan.credit_line.customer_id, loan.bank_card.customer_id, loan.payout.customer_id}
    yield "customer", customers, {loan.customer_id}
    yield "line of the form", form.credit_line_id, loan.credit_line_id
    yield "version of the form", form.form_version, form.content["form_version"]
    yield "shown before it was confirmed", form.confirmed_at is not None and form.shown_at <= form.confirmed_at, True
    yield "day of the form", form.business_date, loan.requested_date
    yield "time of the request", (loan.requested_at, loan.requested_at), (loan.payout.requested_at, form.confirmed_at)
    for audit in case.audits:
        if audit.action == "loan.request":
            said = audit.after or {}
            asked = (said.get("amount"), said.get("purpose"), audit.business_date)
            yield "request", (str(loan.principal_amount), loan.purpose, loan.requested_date), asked


def as_drawn(case: Case) -> Differences:
    """The day and time of the payout are those of its event; a loan that never started has no figures."""
    loan, drawdown = case.loan, next((event for event in case.events if event.kind == "drawdown"), None)
    if drawdown is None:
        blank = Loan()
        for name in (
            *DERIVED,
            "recorded_bucket",
            "rearranged_date",
            "folded_date",
            "unfolded_date",
            "start_date",
            "disbursed_at",
            "due_date",
            "settled_date",
            "figures_date",
        ):
            yield name, getattr(loan, name), getattr(blank, name)
        yield "state", loan.state in (LoanState.DISBURSING, LoanState.FAILED), True
        yield "instalments", len(loan.instalments.all()), 0
        return
    yield "paid out", (loan.start_date, loan.disbursed_at), (drawdown.effective_date, drawdown.posted_at)
    amounts = tuple(getattr(drawdown, name) for name in AMOUNTS)
    yield "drawdown", amounts, (loan.principal_amount, ZERO, ZERO, ZERO)
    yield "rearranged", loan.rearranged_date is not None and not case.is_rearranged, False
    if not case.is_rearranged:
        yield "last due date", loan.due_date, case.last.instalments[-1].due_date


def columns(case: Case) -> Differences:
    """The loan's columns are what its history gives, those the night carries on included."""
    loan = case.loan
    if loan.start_date is None or case.is_rearranged:
        return
    carried = position_of(case.history.book(max(loan.figures_date, case.last.on)))
    wanted = copy(loan)
    loan_columns_set(wanted, case.last, carried)
    uplifted = loan.penalty_method == "rate_uplift"
    for name in DERIVED:
        # What is claimed under a raised rate grows daily and is kept up to the last event.
        if not (name == "penalty_claimed_amount" and uplifted):
            yield name, getattr(loan, name), getattr(wanted, name)
    if uplifted and loan.figures_date == case.last.on:
        yield "penalty_claimed_amount", loan.penalty_claimed_amount, case.last.penalty_claim
    over = case.last.is_paid_off and not case.history.tally.returned
    yield "settled", loan.settled_date, case.last.on if over else None
    facts = sorted(loan.delinquency_facts.all(), key=lambda fact: fact.business_date)
    yield "bucket", loan.recorded_bucket, facts[-1].bucket if facts else "0"


def marks(case: Case) -> Differences:
    """The dates up to which figures hold and on which the past was rewritten are dates on which that could be."""
    loan = case.loan
    entered = {event.business_date for event in case.events}
    rewriting = [event.business_date for event in case.events if _rewrites(event)]
    yield "rewritten on", loan.replayed_date in ({None, *entered} if not rewriting else entered), True
    if loan.folded_date is not None:
        ended = loan.state != LoanState.ACTIVE and case.events[-1].business_date <= loan.folded_date
        yield "folded after its end", ended, True
    for row in case.unfoldings:
        told = (row.product_id, row.loans_count, row.business_date in entered)
        yield f"unfolded on {row.business_date}", told, (loan.product_id, -1, True)
    taken_out = max((row.business_date for row in case.unfoldings), default=None)
    yield "unfolded on", loan.unfolded_date, taken_out
    if loan.start_date is not None and not case.is_rearranged:
        day = timedelta(days=1)
        turns = {date_ for row in case.last.instalments for date_ in (row.start_date, row.due_date + day)}
        yield "figures of", loan.figures_date in turns | entered | {case.last.on}, True


def _rewrites(event: Any) -> bool:
    return event.kind in ("reversal", "write_off", "payout_return") or event.effective_date != event.business_date


def instalments(case: Case) -> Differences:
    loan = case.loan
    if loan.start_date is None or case.is_rearranged:
        return
    stored = {row.number: row for row in loan.instalments.all()}
    schedule = {row.number: row for row in case.history.terms.schedule}
    yield "instalments", sorted(stored), sorted(schedule)
    days = {None, *(event.effective_date for event in case.events)}
    for now in case.last.instalments:
        row, agreed = stored[now.number], schedule[now.number]
        told = (row.start_date, row.due_date, row.principal_amount, row.interest_amount, row.fee_amount)
        due = (agreed.start_date, agreed.due_date, agreed.principal, agreed.interest, agreed.fee)
        yield f"instalment {now.number}", told, due
        yield f"instalment {now.number} stands", (row.version, row.moved_amount, row.claimable_amount), (0, ZERO, None)
        paid = (row.principal_paid_amount, row.interest_paid_amount, row.fee_paid_amount)
        yield f"instalment {now.number} paid", paid, (now.principal_paid, now.interest_paid, now.fee_paid)
        yield f"instalment {now.number} open", row.settled_date is None, is_open(now, case.last)
        yield f"instalment {now.number} settled on a day of payment", row.settled_date in days, True


def events(case: Case) -> Differences:
    by_key = {event.pk: event for event in case.events}
    yield "events", [event.sequence for event in case.events], list(range(1, len(case.events) + 1))
    for event in case.events:
        name, entry, other = f"event {event.sequence}", event.entry, by_key.get(event.reverses_id)
        if entry is not None:
            told = (entry.loan_id, entry.effective_date, entry.posted_at, entry.kind in ENTRY_KINDS[event.kind])
            yield f"{name} and its entry", told, (event.loan_id, event.business_date, event.posted_at, True)
        if event.kind in ("drawdown", "write_off"):
            yield f"{name} funding", event.funding, "bank"
        yield f"{name} agrees on something", event.agreed is not None, event.kind == "rearrangement"
        yield f"{name} in time", event.effective_date <= event.business_date, True
        taking_back = event.kind in ("reversal", "payout_return")
        yield f"{name} takes one back", other is not None, taking_back
        yield f"{name} names an event", event.reverses_id is not None, taking_back
        if other is not None:
            yield f"{name} and what it reverses", event.effective_date, other.effective_date
        if other is not None and event.kind == "reversal":
            same = tuple(-getattr(other, column) for column in AMOUNTS)
            yield f"{name} amounts", tuple(getattr(event, column) for column in AMOUNTS), same
            yield f"{name} funding", event.funding, other.funding
        if event.kind == "write_off" and entry is not None:
            lost = sum(
                (row.amount for row in entry.postings.all() if row.ledger_account_id == ledger.LOAN_LOSSES), ZERO
            )
            yield f"{name} loss", event_total(event), lost
        if event.kind == "payout_return":
            yield f"{name} amounts", event_total(event), case.loan.principal_amount
    yield from _outstanding(case)


def _outstanding(case: Case) -> Differences:
    """What each event says was left after it; for a long history only the newest is asked."""
    if case.is_rearranged:
        return
    asked = case.events if len(case.events) <= PREFIXES_MAX else case.events[-1:]
    for event in asked:
        left = _replayed(case, event.sequence)
        then = position_of(left.book(left.tally.last_date)).outstanding_principal
        yield f"left after event {event.sequence}", event.outstanding_principal_amount, then


def repayments(case: Case) -> Differences:
    """A repayment is its event's, and shows what it pays in the history as it stands."""
    if case.loan.start_date is None:
        yield "repayments", len(case.repayments), 0
        return
    applied = {item.event.key: item for item in case.history.applied}
    # What belongs to no instalment has number 0, an instalment of another loan none.
    numbers = {None: 0} | {row.pk: row.number for row in case.loan.instalments.all()}
    paying = {event.entry_id: event for event in case.events if event.kind in PAYING}
    taken_back = {event.reverses_id: event for event in case.events if event.kind == "reversal"}
    audits = {(audit.action, audit.at) for audit in case.audits}
    yield "repayments", len(case.repayments), len(paying)
    for row in case.repayments:
        name, event = f"repayment {row.pk}", paying.get(row.entry_id)
        yield f"{name} has an event", event is not None, True
        if event is None:
            continue
        back = taken_back.get(event.pk)
        told = (row.customer_id, row.effective_date, row.received_at, row.funding, row.amount, row.reversed_date)
        known = (case.loan.customer_id, event.effective_date, event.posted_at, event.funding, event_total(event),
                 back.business_date if back else None)  # fmt: skip
        yield name, told, known
        yield f"{name} kind", (f"loan.{row.kind}", row.received_at) in audits, True
        item = applied.get(str(event.pk)) or _as_taken_back(case, event, back)
        if item is not None:
            yield f"{name} parts", _parts(row), figures_of(item)
            lines = [
                (numbers.get(line.instalment_id, -1), line.component, line.amount) for line in row.allocations.all()
            ]
            yield f"{name} allocations", sorted(lines), sorted(lines_of(item))


def _as_taken_back(case: Case, event: Any, back: Any) -> Any:
    """What a reversed repayment paid until it was reversed: its rows stay as they were then."""
    if back is None or case.is_rearranged:
        return None
    key = str(event.pk)
    return next((item for item in _replayed(case, back.sequence - 1).applied if item.event.key == key), None)


def _replayed(case: Case, sequence: int) -> LoanHistory:
    """The history up to an event."""
    known = copy(case.loan)
    known._prefetched_objects_cache = {"events": [row for row in case.events if row.sequence <= sequence]}
    agreed, seen = case.history.terms, loan_events(known)
    return replay(agreed, seen, last_event_date(seen, agreed.start))


def _parts(row: Any) -> tuple[Decimal, ...]:
    return (row.penalty_amount, row.fee_amount, row.interest_amount, row.principal_amount, row.unapplied_amount)


def journal(case: Case) -> Differences:
    """The journal's entries of the loan add up to what its history means for each account."""
    if case.loan.start_date is None:
        yield "journal", dict(case.postings), {}
        return
    wanted = defaultdict(lambda: ZERO, standing(case.history))
    for code, side, amount in ledger.disbursement(case.loan.principal_amount):
        wanted[code] += amount if side == ledger.DEBIT else -amount
    # Interest that was earned and not paid stands in entries of the product.
    yield "journal", _not_nothing(case.postings), _not_nothing(wanted)


def _not_nothing(sums: dict[str, Decimal]) -> dict[str, Decimal]:
    return {code: amount for code, amount in sums.items() if amount}
