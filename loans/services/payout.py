"""Handing payouts to the bank: intent committed, bank called outside any transaction, outcome committed.

A time-out or a crash leaves UNKNOWN, and only asking the bank by reference ends it (I8). Nothing here is ever
sent under a second reference.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q

from loans.gateway import payout_gateway
from loans.gateway.interface import (
    Accepted,
    GatewayTimeout,
    NotFound,
    Paid,
    PayoutGateway,
    PayoutOrder,
    Pending,
    Refused,
)
from loans.models import UNDECIDED, Payout, PayoutState
from loans.services.disbursement import payout_confirm, payout_lock, payout_refuse
from weilidai.lib.audit import Actor
from weilidai.lib.errors import TryAgain
from weilidai.lib.fsm import take_step

log = structlog.get_logger(__name__)

ACTOR = Actor.system("payouts")
# Longer than any call to the bank may take; a claim older than this was left by a crash.
LEASE = timedelta(seconds=60)
# After an accepted order: time for the call-back before we ask.
REPORT_AWAITED = timedelta(seconds=3)
BACKOFF_FIRST_SECONDS = 2
BACKOFF_MAX_SECONDS = 60
# "Never seen" must be said this many inquiries after the sending, i.e. seconds apart, before it is sent again.
INQUIRIES_BEFORE_RESENDING = 2

Answer = Accepted | Paid | Refused | Pending | NotFound


@dataclass(frozen=True)
class Step:
    """A claimed order and which call comes next."""

    reference: str
    is_sending: bool


def backoff(inquiry_count: int) -> timedelta:
    """2 s, 4 s, 8 s … at most 60 s until the next inquiry."""
    return timedelta(seconds=min(BACKOFF_FIRST_SECONDS * 2 ** min(inquiry_count, 10), BACKOFF_MAX_SECONDS))


def payouts_advance(*, at: datetime, as_of: date, limit: int = 50, gateway: PayoutGateway | None = None) -> int:
    """Takes up to `limit` due orders one step further; the number of steps taken.

    A defect at one order does not hold the others up: they are done first, then it is raised.
    """
    bank, done, defects = gateway or payout_gateway(), 0, []
    while done < limit:
        step = _claim(at, as_of)
        if step is None:
            break
        done += 1
        try:
            _advance(step, bank, at, as_of)
        except TryAgain:
            # The date has moved; the next ring asks the bank about this order and writes on the new one.
            break
        except Exception as defect:
            log.exception("payout_step_failed", reference=step.reference)
            defects.append(defect)
    if defects:
        raise ExceptionGroup("payout steps failed", defects)
    return done


@transaction.atomic
def _claim(at: datetime, as_of: date) -> Step | None:
    """The next due order, leased to this process; its intent is committed before the bank hears of it."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=at)
    due = Payout.objects.filter(free, state__in=UNDECIDED, next_attempt_at__lte=at)
    payout = due.order_by("next_attempt_at").select_for_update(no_key=True, skip_locked=True).first()
    if payout is None:
        return None
    is_sending = payout.state == PayoutState.PENDING
    payout.claimed_until = at + LEASE
    payout.save(update_fields=["claimed_until"])
    if is_sending:
        payout.attempt_count += 1
        payout.inquiry_count = 0
        _step(payout, "send", at, as_of, "attempt_count", "inquiry_count")
    elif payout.state == PayoutState.SENDING:
        _step(payout, "lose_sight", at, as_of, reason="interrupted while sending")
    return Step(payout.reference, is_sending)


def _step(payout: Payout, name: str, at: datetime, as_of: date, *update_fields: str, reason: str = "") -> None:
    take_step(payout, name, actor=ACTOR, as_of=as_of, at=at, reason=reason, update_fields=update_fields)


def _advance(step: Step, bank: PayoutGateway, at: datetime, as_of: date) -> None:
    try:
        answer = _send(bank, step.reference, at) if step.is_sending else _inquire(bank, step.reference, at)
    except GatewayTimeout as error:
        log.warning("payout_unanswered", reference=step.reference, error=str(error))
        _outcome(step.reference, _on_timeout, at, as_of)
        return
    match answer:
        case Paid(bank_reference):
            payout_confirm(reference=step.reference, bank_reference=bank_reference, at=at, as_of=as_of, actor=ACTOR)
        case Refused(code):
            payout_refuse(reference=step.reference, code=code, at=at, as_of=as_of, actor=ACTOR)
        case Accepted():
            _outcome(step.reference, _on_accepted, at, as_of)
        case Pending():
            _outcome(step.reference, _on_pending, at, as_of)
        case NotFound():
            _outcome(step.reference, _on_not_found, at, as_of)


def _send(bank: PayoutGateway, reference: str, at: datetime) -> Answer:
    payout = Payout.objects.select_related("loan__bank_card", "refund__bank_card").get(reference=reference)
    card = (payout.refund if payout.loan is None else payout.loan).bank_card
    return bank.send(PayoutOrder(reference, payout.amount, card.number, card.holder), at=at)


def _inquire(bank: PayoutGateway, reference: str, at: datetime) -> Answer:
    Payout.objects.filter(reference=reference).update(inquiry_count=F("inquiry_count") + 1)
    return bank.inquire(reference, at=at)


@transaction.atomic
def _outcome(reference: str, handle: Callable[[Payout, datetime, date], timedelta], at: datetime, as_of: date) -> None:
    """Writes an answer that decides nothing; a result that came meanwhile stands."""
    payout = payout_lock(reference)
    if payout.state not in UNDECIDED:
        return
    payout.next_attempt_at = at + handle(payout, at, as_of)
    payout.claimed_until = None
    payout.save(update_fields=["next_attempt_at", "claimed_until"])


def _on_timeout(payout: Payout, at: datetime, as_of: date) -> timedelta:
    if payout.state == PayoutState.SENDING:
        _step(payout, "lose_sight", at, as_of, reason="no answer")
    return backoff(payout.inquiry_count)


def _on_accepted(payout: Payout, at: datetime, as_of: date) -> timedelta:
    if payout.state in (PayoutState.SENDING, PayoutState.UNKNOWN):
        _step(payout, "accept", at, as_of)
    return REPORT_AWAITED


def _on_pending(payout: Payout, at: datetime, as_of: date) -> timedelta:
    if payout.state == PayoutState.UNKNOWN:
        _step(payout, "accept", at, as_of, reason="known to the bank")
    return backoff(payout.inquiry_count)


def _on_not_found(payout: Payout, at: datetime, as_of: date) -> timedelta:
    """Sent again only when the bank keeps saying so: our order may have been on its way at the first inquiry."""
    if payout.state == PayoutState.ACCEPTED:
        _step(payout, "lose_sight", at, as_of, reason="accepted, then not known")
    elif payout.state == PayoutState.UNKNOWN and payout.inquiry_count >= INQUIRIES_BEFORE_RESENDING:
        _step(payout, "return_to_queue", at, as_of, reason="never reached the bank")
        return timedelta(0)
    return backoff(payout.inquiry_count)
