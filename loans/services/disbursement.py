"""The bank has spoken: a loan starts, or its limit comes back; a refund went out or is held again.

Each happens once, however often it is said.

Lock order: line, loan, payout, journal.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from accounts.services.notification import notification_send
from loans import ledger
from loans.models import (
    UNDECIDED,
    EntryKind,
    Instalment,
    JournalEntry,
    Loan,
    LoanEvent,
    Payout,
    PayoutState,
    Refund,
)
from loans.selectors.position import loan_position, loan_terms
from loans.services.journal import entry_post
from loans.services.refund import refund_paid, refund_refused
from loans.services.unapplied import balance_lock
from loans.services.voucher import demand_open
from risk.services.credit_line import credit_line_lock, line_release
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.business_date import business_date_hold
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step
from weilidai.lib.money import ZERO

DECISION_FIELDS = ("bank_reference", "refusal_code", "decided_at", "next_attempt_at", "claimed_until")


class Effect(StrEnum):
    """What the bank's word did here."""

    APPLIED = "applied"
    REPEATED = "repeated"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True)
class Word:
    """When the bank's word reached us, on which business date it counts, and through whom."""

    at: datetime
    as_of: date
    actor: Actor


def payout_lock(reference: str) -> Payout:
    """The order with its line and loan locked before it; ObjectNotFound for an unknown reference."""
    found = Payout.objects.filter(reference=reference).values_list("loan__credit_line_id", "loan_id").first()
    if found is None:
        raise ObjectNotFound
    if found[1] is None:
        return _refund_payout_lock(reference)
    credit_line_lock(found[0])
    Loan.objects.select_for_update(no_key=True).get(pk=found[1])
    # The row of the loan above is only the lock: every reader below goes through this one object.
    return (
        Payout.objects.select_for_update(no_key=True, of=("self",))
        .select_related("loan__customer")
        .get(reference=reference)
    )


def _refund_payout_lock(reference: str) -> Payout:
    """The order of a refund: the customer's balance and the refund are locked before it."""
    refund = Refund.objects.select_related("customer").get(payout__reference=reference)
    balance_lock(refund.customer)
    Refund.objects.select_for_update(no_key=True).get(pk=refund.pk)
    return (
        Payout.objects.select_for_update(no_key=True, of=("self",))
        .select_related("refund__customer")
        .get(reference=reference)
    )


@transaction.atomic
def payout_confirm(*, reference: str, bank_reference: str, at: datetime, as_of: date, actor: Actor) -> Effect:
    """The bank paid. The loan starts on `as_of`, the business date the money went out."""
    business_date_hold(as_of)
    payout, word = payout_lock(reference), Word(at, as_of, actor)
    if payout.state in (PayoutState.PAID, PayoutState.RETURNED):
        return Effect.REPEATED
    if not _can_decide(payout):
        return _contradiction(payout, "paid", bank_reference, word)
    _decide(payout, "confirm", word, bank_reference=bank_reference)
    if payout.loan is None:
        refund_paid(payout.refund, as_of=as_of, at=at, actor=actor)
    else:
        _loan_start(payout.loan, word, bank_reference)
    return Effect.APPLIED


@transaction.atomic
def payout_refuse(*, reference: str, code: str, at: datetime, as_of: date, actor: Actor) -> Effect:
    """The bank did not pay and will not: the loan failed and its limit is free again."""
    business_date_hold(as_of)
    payout, word = payout_lock(reference), Word(at, as_of, actor)
    if payout.state == PayoutState.REFUSED:
        return Effect.REPEATED
    if not _can_decide(payout):
        return _contradiction(payout, "refused", code, word)
    _decide(payout, "refuse", word, refusal_code=code)
    if payout.loan is None:
        refund_refused(payout.refund, as_of=as_of, at=at, actor=actor)
    else:
        _loan_fail(payout.loan, word, code)
    return Effect.APPLIED


def _can_decide(payout: Payout) -> bool:
    """An order that was handed over at least once and has no result yet."""
    decided = payout.state not in UNDECIDED
    return not decided and payout.attempt_count > 0


def _contradiction(payout: Payout, said: str, detail: str, word: Word) -> Effect:
    """The bank says the opposite of what it said, or speaks of what it never got: people look, nothing moves."""
    audit_record(
        action="payout.contradiction",
        actor=word.actor,
        subject=payout,
        at=word.at,
        as_of=word.as_of,
        before={"state": payout.state},
        after={"said": said, "detail": detail},
        reason="the bank's word contradicts what is decided",
    )
    return Effect.CONTRADICTION


def _decide(payout: Payout, step: str, word: Word, **values: Any) -> None:
    if payout.state == PayoutState.PENDING:
        # Sent before, put back because the bank did not know it, and now it does.
        take_step(payout, "send", actor=word.actor, as_of=word.as_of, at=word.at, reason="late result")
    for name, value in values.items():
        setattr(payout, name, value)
    payout.decided_at = word.at
    payout.next_attempt_at = payout.claimed_until = None
    take_step(payout, step, actor=word.actor, as_of=word.as_of, at=word.at, update_fields=DECISION_FIELDS)


def _loan_start(loan: Loan, word: Word, bank_reference: str) -> None:
    loan.disbursed_at, loan.start_date, loan.segment_start_date = word.at, word.as_of, word.as_of
    loan.figures_date, loan.exposure_amount = word.as_of, ZERO
    loan.outstanding_principal_amount = loan.principal_amount
    rows = _instalments_create(loan)
    loan.next_due_date, loan.due_date = rows[0].due_date, rows[-1].due_date
    loan.fee_charged_amount = loan_position(loan, word.as_of).fees_charged
    _drawdown_write(loan, _entry_post(loan, word), word)
    take_step(
        loan,
        "disburse",
        actor=word.actor,
        as_of=word.as_of,
        at=word.at,
        update_fields=(
            "disbursed_at",
            "start_date",
            "segment_start_date",
            "figures_date",
            "exposure_amount",
            "outstanding_principal_amount",
            "fee_charged_amount",
            "next_due_date",
            "due_date",
        ),
    )
    _tell(loan, "loan_disbursed", word, {"bank_reference": bank_reference}, due_date=rows[0].due_date.isoformat())
    demand_open(loan, actor=word.actor, as_of=word.as_of, at=word.at)


def _instalments_create(loan: Loan) -> list[Instalment]:
    return Instalment.objects.bulk_create(
        Instalment(
            loan=loan,
            number=row.number,
            start_date=row.start_date,
            due_date=row.due_date,
            principal_amount=row.principal,
            interest_amount=row.interest,
            fee_amount=row.fee,
            customer_id=loan.customer_id,
        )
        for row in loan_terms(loan).schedule
    )


def _entry_post(loan: Loan, word: Word) -> JournalEntry:
    return entry_post(
        kind=EntryKind.DISBURSEMENT,
        reference=f"disbursement:{loan.pk}",
        effective_date=word.as_of,
        at=word.at,
        lines=ledger.disbursement(loan.principal_amount),
        product=loan.product,
        customer=loan.customer,
        loan=loan,
    )


def _drawdown_write(loan: Loan, entry: JournalEntry, word: Word) -> None:
    LoanEvent.objects.create(
        loan=loan,
        sequence=1,
        kind=LoanEvent.Kind.DRAWDOWN,
        effective_date=word.as_of,
        business_date=word.as_of,
        posted_at=word.at,
        principal_amount=loan.principal_amount,
        outstanding_principal_amount=loan.principal_amount,
        entry=entry,
        customer_id=loan.customer_id,
    )


def _loan_fail(loan: Loan, word: Word, code: str) -> None:
    line_release(loan.credit_line_id, loan.principal_amount)
    take_step(loan, "fail", actor=word.actor, as_of=word.as_of, at=word.at)
    _tell(loan, "loan_failed", word, {"refusal_code": code})


def _tell(loan: Loan, kind: str, word: Word, evidence: dict[str, str], **params: str) -> None:
    """The audit row and the notice to the customer, both of the same figures."""
    audit_record(
        action=kind.replace("_", "."),
        actor=word.actor,
        subject=loan,
        at=word.at,
        as_of=word.as_of,
        after={"amount": str(loan.principal_amount), "state": loan.state, **evidence},
    )
    notification_send(
        customer=loan.customer,
        kind=kind,
        params={"amount": str(loan.principal_amount), **params},
        dedupe_key=f"{kind}:{loan.pk}",
        business_date=word.as_of,
    )
