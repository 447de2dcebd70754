"""Unapplied money going back to the customer's card: an order like a loan's payout, sent and asked about by the same
machinery, so it goes out exactly once.

Lock order: unapplied balance, refund, payout, journal.
"""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import BankCard, Customer
from accounts.services.notification import notification_send
from loans import ledger
from loans.models import EntryKind, JournalEntry, Payout, Refund
from loans.services.history import Act
from loans.services.journal import entry_post
from loans.services.late_payment import amount_check
from loans.services.unapplied import balance_check, unapplied_move
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step
from weilidai.lib.ids import uuid7


@transaction.atomic
def refund_request(*, customer: Customer, bank_card_id: UUID, amount: Decimal, act: Act) -> Refund:
    """Takes the money out of what is held and queues its payout.

    Raises UnappliedMoneyShort, ObjectNotFound for a card that is not the customer's own.
    """
    amount_check(amount)
    card = BankCard.objects.filter(pk=bank_card_id, customer=customer, removed_at__isnull=True).first()
    if card is None:
        raise ObjectNotFound
    balance_check(customer, amount)
    payout = _payout_create(customer, amount, act)
    refund = Refund.objects.create(
        customer=customer, bank_card=card, payout=payout, amount=amount, business_date=act.as_of
    )
    state_change_record(subject=refund, old="", new=refund.state, actor=act.actor, as_of=act.as_of, at=act.at)
    lines = ledger.transfer(ledger.UNAPPLIED_MONEY, ledger.REFUNDS_PAYABLE, amount)
    entry = _entry(refund, "asked", lines, act.as_of, act.at)
    unapplied_move(customer=customer, kind="refund", amount=-amount, entry=entry, as_of=act.as_of, at=act.at)
    audit_record(
        action="refund.request", actor=act.actor, subject=refund, at=act.at, as_of=act.as_of,
        after={"amount": str(amount), "payout": payout.reference, "card": str(card.pk)}, reason=act.reason,
    )  # fmt: skip
    return refund


def _payout_create(customer: Customer, amount: Decimal, act: Act) -> Payout:
    payout = Payout.objects.create(
        customer=customer,
        reference=f"WLD-{uuid7().hex}",
        amount=amount,
        requested_at=act.at,
        next_attempt_at=act.at,
    )
    state_change_record(subject=payout, old="", new=payout.state, actor=act.actor, as_of=act.as_of, at=act.at)
    return payout


def refund_paid(refund: Refund, *, as_of: date, at: datetime, actor: Actor) -> None:
    """The bank paid it. The caller holds the payout's lock."""
    _entry(refund, "paid", ledger.transfer(ledger.REFUNDS_PAYABLE, ledger.BANK, refund.amount), as_of, at)
    _decide(refund, "confirm", as_of, at, actor)


def refund_refused(refund: Refund, *, as_of: date, at: datetime, actor: Actor) -> None:
    """The bank will not pay it: the money is held again."""
    lines = ledger.transfer(ledger.REFUNDS_PAYABLE, ledger.UNAPPLIED_MONEY, refund.amount)
    entry = _entry(refund, "refused", lines, as_of, at)
    unapplied_move(
        customer=refund.customer, kind="refund_refused", amount=refund.amount, entry=entry, as_of=as_of, at=at
    )
    _decide(refund, "refuse", as_of, at, actor)


def _decide(refund: Refund, step: str, as_of: date, at: datetime, actor: Actor) -> None:
    refund.decided_date = as_of
    answer = {name: value for name in ("bank_reference", "refusal_code") if (value := getattr(refund.payout, name))}
    take_step(refund, step, actor=actor, as_of=as_of, at=at, update_fields=("decided_date",))
    kind = f"refund_{refund.state}"
    audit_record(
        action=f"refund.{step}", actor=actor, subject=refund, at=at, as_of=as_of,
        after={"amount": str(refund.amount), **answer},
    )  # fmt: skip
    notification_send(
        customer=refund.customer,
        kind=kind,
        params={"amount": str(refund.amount)},
        dedupe_key=f"{kind}:{refund.pk}",
        business_date=as_of,
    )


def _entry(refund: Refund, step: str, lines: list[ledger.Line], as_of: date, at: datetime) -> JournalEntry:
    return entry_post(
        kind=EntryKind.REFUND,
        reference=f"refund:{refund.pk}:{step}",
        effective_date=as_of,
        at=at,
        lines=lines,
        customer=refund.customer,
    )
