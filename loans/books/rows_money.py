"""Orders to the bank and money held for customers: each row says what its evidence says.

What is compared was written by the same act in another row: the entry, the audit trail, the change of state.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet

from loans import ledger
from loans.books.fault import Fault
from loans.models import (
    UNDECIDED,
    Approval,
    CreditGift,
    JournalEntry,
    Loan,
    MoneyReceipt,
    Payout,
    PayoutState,
    RearrangementOffer,
    Refund,
    RefundState,
    UnappliedBalance,
    UnappliedMovement,
)
from risk.models import CreditLine
from weilidai.lib.models import AuditEvent, StateChange
from weilidai.lib.money import ZERO

CHUNK = 1000
BY_PAYOUT = {PayoutState.PAID: RefundState.PAID, PayoutState.REFUSED: RefundState.REFUSED}
Differences = Iterator[tuple[str, Any, Any]]


def chunks(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """A query in key order, a thousand rows at a time."""
    found = rows.order_by("pk").iterator(chunk_size=CHUNK)
    while chunk := list(islice(found, CHUNK)):
        yield chunk


def differing(check: str, subject: object, pairs: Iterable[tuple[str, Any, Any]]) -> Iterator[Fault]:
    """One fault for a row of which anything differs."""
    found = [f"{what}: {one} beside {other}" for what, one, other in pairs if one != other]
    if found:
        yield Fault(check, str(subject), "; ".join(found))


def audits_of(label: str, keys: Iterable[Any]) -> dict[str, list[AuditEvent]]:
    """The audit rows of some objects, oldest first."""
    rows = AuditEvent.objects.filter(subject_type=label, subject_id__in=[str(key) for key in keys]).order_by("pk")
    found: dict[str, list[AuditEvent]] = defaultdict(list)
    for row in rows:
        found[row.subject_id].append(row)
    return found


def states_as_changed(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """I6: a loan and its order to the bank stand in the states their newest changes of state led to."""
    loans, orders = Loan.objects.all(), Payout.objects.filter(loan__isnull=False)
    if among is not None:
        loans, orders = among, orders.filter(loan__in=among)
    yield from _states("states_as_changed", loans)
    yield from _states("states_as_changed", orders)


def line_states_as_changed(among: QuerySet[CreditLine] | None = None) -> Iterator[Fault]:
    """I6: so does a line."""
    yield from _states("line_states_as_changed", CreditLine.objects.all() if among is None else among)


def refund_states_as_changed(among: QuerySet[Refund] | None = None) -> Iterator[Fault]:
    """I6: so do a refund and its order."""
    refunds, orders = Refund.objects.all(), Payout.objects.filter(loan__isnull=True)
    if among is not None:
        refunds, orders = among, orders.filter(refund__in=among)
    yield from _states("refund_states_as_changed", refunds)
    yield from _states("refund_states_as_changed", orders)


def gift_states_as_changed(among: QuerySet[CreditGift] | None = None) -> Iterator[Fault]:
    """I6: so does a gift."""
    yield from _states("gift_states_as_changed", CreditGift.objects.all() if among is None else among)


def act_states_as_changed(among: QuerySet[Approval] | None = None) -> Iterator[Fault]:
    """I6: so does an act of two persons."""
    yield from _states("act_states_as_changed", Approval.objects.all() if among is None else among)


def offer_states_as_changed(among: QuerySet[RearrangementOffer] | None = None) -> Iterator[Fault]:
    """I6: so does an offer of a new schedule."""
    yield from _states("offer_states_as_changed", RearrangementOffer.objects.all() if among is None else among)


def _states(check: str, rows: QuerySet[Any]) -> Iterator[Fault]:
    label, name = rows.model._meta.label_lower, rows.model._meta.model_name
    for chunk in chunks(rows.only("pk", "state")):
        keys = [str(row.pk) for row in chunk]
        changes = StateChange.objects.filter(subject_type=label, subject_id__in=keys, field="state").order_by("pk")
        newest = dict(changes.values_list("subject_id", "new"))
        for row in chunk:
            told = newest.get(str(row.pk), row.state)
            yield from differing(check, f"{name} {row.pk}", [("state", str(row.state), told)])


def orders_agree(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """I8: an order to the bank is its loan's, and is told as decided exactly when it is."""
    rows = Payout.objects.filter(loan__isnull=False).select_related("loan")
    for chunk in chunks(rows if among is None else rows.filter(loan__in=among)):
        audits = audits_of("loans.loan", [row.loan_id for row in chunk])
        for row in chunk:
            yield from differing("orders_agree", row.reference, _order(row, row.loan, audits[str(row.loan_id)]))


def refund_orders_agree(among: QuerySet[Refund] | None = None) -> Iterator[Fault]:
    """I8: or it is its refund's."""
    rows = Payout.objects.filter(loan__isnull=True).select_related("refund__bank_card")
    for chunk in chunks(rows if among is None else rows.filter(refund__in=among)):
        audits = audits_of("loans.refund", [row.refund.pk for row in chunk])
        for row in chunk:
            pairs = _order(row, row.refund, audits[str(row.refund.pk)])
            yield from differing("refund_orders_agree", row.reference, pairs)


def _order(row: Any, owner: Any, audits: list[AuditEvent]) -> Differences:
    decided = row.state not in UNDECIDED
    yield "customer", row.customer_id, owner.customer_id
    yield "decided", (row.decided_at is not None, row.next_attempt_at is None), (decided, decided)
    yield "claimed", decided and row.claimed_until is not None, False
    yield "refusal", bool(row.refusal_code) and row.state != PayoutState.REFUSED, False
    yield "paid by", bool(row.bank_reference) and row.state not in (PayoutState.PAID, PayoutState.RETURNED), False
    yield "handed over", row.attempt_count > 0, row.state != PayoutState.PENDING or row.attempt_count > 0
    for audit in audits:
        said = audit.after or {}
        if "payout" in said:
            yield "reference", row.reference, said["payout"]
        if "refusal_code" in said:
            yield "refused", (row.refusal_code, row.decided_at), (said["refusal_code"], audit.at)
        if audit.action in ("refund.confirm", "refund.refuse"):
            yield "decided at", row.decided_at, audit.at
        if "card" in said:
            yield "card", str(owner.bank_card_id), said["card"]
        if "bank_reference" in said:
            yield "bank reference", (row.bank_reference, row.decided_at), (said["bank_reference"], audit.at)


def refunds_agree(among: QuerySet[Refund] | None = None) -> Iterator[Fault]:
    """A refund is its order's and its entries'."""
    rows = Refund.objects.all() if among is None else among
    for chunk in chunks(rows.select_related("payout", "bank_card")):
        names = [f"refund:{row.pk}:{step}" for row in chunk for step in ("asked", "paid", "refused")]
        entries = {entry.reference: entry for entry in _entries(reference__in=names)}
        for row in chunk:
            yield from differing("refunds_agree", row.pk, _refund(row, entries))


def _refund(row: Any, entries: dict[str, JournalEntry]) -> Differences:
    asked, paid, refused = (entries.get(f"refund:{row.pk}:{step}") for step in ("asked", "paid", "refused"))
    decided = paid or refused
    yield "customer", {row.payout.customer_id, row.bank_card.customer_id}, {row.customer_id}
    yield "amount", (row.amount, row.amount), (row.payout.amount, _moved(asked, ledger.REFUNDS_PAYABLE))
    yield "state", row.state, BY_PAYOUT.get(row.payout.state, RefundState.PENDING)
    yield "asked on", row.business_date, asked.effective_date if asked else None
    yield "decided on", row.decided_date, decided.effective_date if decided else None
    yield "requested", row.payout.requested_at, asked.posted_at if asked else None


def _entries(**found: Any) -> QuerySet[JournalEntry]:
    return JournalEntry.objects.filter(**found).prefetch_related("postings")


def _moved(entry: Any, account: str) -> Any:
    """Credits less debits of an entry on an account: what we owe more after it."""
    if entry is None:
        return None
    postings = [row for row in entry.postings.all() if row.ledger_account_id == account]
    return sum((row.amount if row.side == "credit" else -row.amount for row in postings), ZERO)


def money_held_agrees(among: QuerySet[UnappliedBalance] | None = None) -> Iterator[Fault]:
    """What came unasked and every movement of what is held are those of their entries, one after the other; of some
    customers, all of each.
    """
    theirs = Q() if among is None else Q(customer__in=among.values("customer"))
    receipts = MoneyReceipt.objects.filter(theirs).select_related("entry").prefetch_related("entry__postings")
    movements = UnappliedMovement.objects.filter(theirs).select_related("entry").prefetch_related("entry__postings")
    for chunk in chunks(receipts):
        audits = audits_of("loans.moneyreceipt", [row.pk for row in chunk])
        asked = Approval.objects.filter(applied_to__in=[f"loans.moneyreceipt:{row.pk}" for row in chunk])
        payloads = {row.applied_to.partition(":")[2]: row.payload for row in asked}
        for row in chunk:
            pairs = _receipt(row, audits[str(row.pk)], payloads.get(str(row.pk)))
            yield from differing("money_held_agrees", row.pk, pairs)
    balances: dict[Any, Any] = defaultdict(lambda: ZERO)
    for chunk in chunks(movements):
        for row in chunk:
            balances[row.customer_id] += row.amount
            yield from differing("money_held_agrees", row.pk, _movement(row, balances[row.customer_id]))


def _receipt(row: Any, audits: list[AuditEvent], payload: Any) -> Differences:
    entry = row.entry
    yield "entry", entry.reference, f"receipt:{row.bank_reference}"
    yield "customer", row.customer_id, entry.customer_id
    yield "amount", row.amount, _moved(entry, ledger.UNAPPLIED_MONEY)
    yield "entered on", row.business_date, entry.effective_date
    yield "audit", [(audit.after or {}).get("amount") for audit in audits], [str(row.amount)] * len(audits)
    if payload is not None:
        known = (payload["received_date"], payload.get("payer_name", ""))
        yield "as asked for", (row.received_date.isoformat(), row.payer_name), known


def _movement(row: Any, balance: Any) -> Differences:
    entry = row.entry
    kind = {"receipt": "receipt", "refund": "refund" if row.amount < 0 else "refund_refused"}.get(entry.kind, "loan")
    yield "balance", row.balance_amount, balance
    yield "entry", (row.customer_id, row.business_date, row.at), (entry.customer_id, entry.effective_date,
                                                                   entry.posted_at)  # fmt: skip
    yield "kind", row.kind, kind
    yield "amount", row.amount, _moved(entry, ledger.UNAPPLIED_MONEY)
    yield "loan", row.loan_id, entry.loan_id
