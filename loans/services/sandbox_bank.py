"""The sandbox bank's post: its call-backs that are due, delivered like a bank's."""

from datetime import date, datetime, timedelta

from django.db import transaction

from loans.gateway.interface import Paid
from loans.gateway.sandbox import decided_answer
from loans.models import SandboxPayment
from loans.services.payout_callback import payout_callback_receive
from weilidai.lib.audit import Actor
from weilidai.lib.errors import TryAgain

ACTOR = Actor.machine("sandbox_bank")
SECOND_COPY = timedelta(milliseconds=200)


def sandbox_callbacks_deliver(*, at: datetime, as_of: date, limit: int = 50) -> int:
    """Delivers up to `limit` due call-backs; the number delivered."""
    for done in range(limit):
        payment = _take(at)
        if payment is None:
            return done
        try:
            _deliver(payment, at, as_of)
        except TryAgain:
            # As a real bank's post that was not taken: our own inquiry finds the result.
            return done
    return limit


@transaction.atomic
def _take(at: datetime) -> SandboxPayment | None:
    """A due call-back, counted as sent before it goes out: one lost on the way is healed by our inquiry."""
    due = SandboxPayment.objects.filter(callbacks_left__gt=0, callback_due_at__lte=at)
    payment = due.order_by("callback_due_at").select_for_update(no_key=True, skip_locked=True).first()
    if payment is None:
        return None
    payment.callbacks_left -= 1
    payment.callback_due_at = at + SECOND_COPY if payment.callbacks_left else None
    payment.save(update_fields=["callbacks_left", "callback_due_at"])
    return payment


def _deliver(payment: SandboxPayment, at: datetime, as_of: date) -> None:
    answer = decided_answer(payment)
    payout_callback_receive(
        message_id=f"sandbox:{payment.reference}:{payment.callbacks_left}",
        reference=payment.reference,
        result="paid" if isinstance(answer, Paid) else "refused",
        bank_reference=answer.bank_reference if isinstance(answer, Paid) else "",
        code="" if isinstance(answer, Paid) else answer.code,
        at=at,
        as_of=as_of,
        actor=ACTOR,
    )
