"""A bank for the demo and the tests: the last two digits of the card decide how an order ends.

41 refused · 42 time-out though paid · 43 time-out and not paid · 44 call-back twice · 45 call-back lost ·
46 paid and called back after a minute · any other paid and called back within a second.

What it knows stands in its own table, committed before it answers, so it survives restarts like a bank does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from loans.gateway.interface import (
    Accepted,
    GatewayTimeout,
    InquiryAnswer,
    NotFound,
    Paid,
    PayoutOrder,
    Pending,
    Refused,
    SendAnswer,
)
from loans.models import SandboxPayment

if settings.PROVIDERS["payout"]["kind"] != "sandbox":
    raise ImproperlyConfigured("the sandbox bank exists only where PROVIDER_PAYOUT is sandbox")

PAID, REFUSED = "paid", "refused"
PROMPT = timedelta(milliseconds=300)
MINUTE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order ends: result, time until it is decided, call-backs sent, whether the answer gets lost."""

    result: str = PAID
    delay: timedelta = PROMPT
    callbacks: int = 1
    answer_lost: bool = False


ENDINGS = {
    "41": Ending(result=REFUSED, delay=timedelta(0), callbacks=0),
    "42": Ending(delay=timedelta(0), callbacks=0, answer_lost=True),
    "43": Ending(result=REFUSED, delay=timedelta(0), callbacks=0, answer_lost=True),
    "44": Ending(callbacks=2),
    "45": Ending(callbacks=0),
    "46": Ending(delay=MINUTE),
}
REFUSAL_CODES = {"41": "card_refused", "43": "not_processed"}


def bank_reference_of(reference: str) -> str:
    return f"SBX-{reference[-12:]}"


def decided_answer(payment: SandboxPayment) -> Paid | Refused:
    """What the bank says of an order once it is decided."""
    if payment.result == PAID:
        return Paid(bank_reference_of(payment.reference))
    return Refused(REFUSAL_CODES.get(payment.card_last_two, "refused"))


class SandboxBank:
    def send(self, order: PayoutOrder, *, at: datetime) -> SendAnswer:
        """Takes an order. The same reference is taken once: later sendings get what became of the first."""
        payment, ending = self._remember(order, at)
        if ending.answer_lost:
            raise GatewayTimeout(order.reference)
        if payment.decided_at <= at:
            return decided_answer(payment)
        return Accepted()

    def inquire(self, reference: str, *, at: datetime) -> InquiryAnswer:
        payment = SandboxPayment.objects.filter(pk=reference).first()
        if payment is None:
            return NotFound()
        return decided_answer(payment) if payment.decided_at <= at else Pending()

    @transaction.atomic
    def _remember(self, order: PayoutOrder, at: datetime) -> tuple[SandboxPayment, Ending]:
        last_two = order.card_number[-2:]
        ending = ENDINGS.get(last_two, Ending())
        payment, is_new = SandboxPayment.objects.select_for_update(no_key=True).get_or_create(
            reference=order.reference,
            defaults={
                "amount": order.amount,
                "card_last_two": last_two,
                "result": ending.result,
                "decided_at": at + ending.delay,
                "callback_due_at": at + ending.delay if ending.callbacks else None,
                "callbacks_left": ending.callbacks,
            },
        )
        if not is_new:
            payment.times_seen += 1
            payment.save(update_fields=["times_seen"])
        return payment, ending
