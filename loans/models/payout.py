from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField


class PayoutState(models.TextChoices):
    PENDING = "pending", _("Pending")
    SENDING = "sending", _("Sending")
    UNKNOWN = "unknown", _("Outcome unknown")
    ACCEPTED = "accepted", _("Accepted by the bank")
    PAID = "paid", _("Paid")
    REFUSED = "refused", _("Refused")
    RETURNED = "returned", _("Returned by the bank")


P = PayoutState
UNDECIDED = (P.PENDING, P.SENDING, P.UNKNOWN, P.ACCEPTED)


class Payout(models.Model):
    """The order to pay out a loan or a refund. `reference` is what the bank knows it by: it never pays one twice.

    PENDING is committed before the first call; SENDING before each call, so a crash leaves a question to ask,
    never a guess. Only the bank's word makes it PAID or REFUSED.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.OneToOneField(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="payout", null=True, blank=True
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    reference = models.CharField(_("reference"), max_length=64, unique=True)
    amount = MoneyField(_("amount"))
    state = StateField(_("state"), max_length=10, choices=P.choices, default=P.PENDING, protected=True)
    attempt_count = models.PositiveIntegerField(_("calls"), default=0)
    inquiry_count = models.PositiveIntegerField(_("inquiries"), default=0)
    next_attempt_at = models.DateTimeField(_("next step at"), null=True, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    bank_reference = models.CharField(_("bank reference"), max_length=100, blank=True, default="")
    refusal_code = models.CharField(_("refusal"), max_length=60, blank=True, default="")
    requested_at = models.DateTimeField(_("requested at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        ordering = ["-id"]
        # Serves the poller.
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(state__in=["pending", "sending", "unknown", "accepted"]),
                name="payout_due",
            )
        ]

    def __str__(self) -> str:
        return self.reference

    @transition(field=state, source=P.PENDING, target=P.SENDING)
    def send(self) -> None:
        """About to be handed to the bank."""

    @transition(field=state, source=[P.SENDING, P.UNKNOWN], target=P.ACCEPTED)
    def accept(self) -> None:
        """The bank has it and will report."""

    @transition(field=state, source=[P.SENDING, P.ACCEPTED], target=P.UNKNOWN)
    def lose_sight(self) -> None:
        """No answer: ask by reference."""

    @transition(field=state, source=[P.SENDING, P.UNKNOWN], target=P.PENDING)
    def return_to_queue(self) -> None:
        """The bank says it never saw this reference: it may be sent again under the same one."""

    @transition(field=state, source=[P.SENDING, P.UNKNOWN, P.ACCEPTED], target=P.PAID)
    def confirm(self) -> None:
        """The bank says it paid."""

    @transition(field=state, source=[P.SENDING, P.UNKNOWN, P.ACCEPTED], target=P.REFUSED)
    def refuse(self) -> None:
        """The bank says it did not and will not pay."""

    @transition(field=state, source=P.PAID, target=P.RETURNED)
    def return_money(self) -> None:
        """The bank sent the money back after it had paid."""


class PayoutCallback(models.Model):
    """A result the bank sent, kept as it came; handled once per message id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message_id = models.CharField(_("message"), max_length=100, unique=True)
    reference = models.CharField(_("reference"), max_length=64, db_index=True)
    result = models.CharField(_("result"), max_length=20)
    content = models.JSONField(_("content"))
    received_at = models.DateTimeField(_("received at"))
    effect = models.CharField(_("effect"), max_length=40, blank=True, default="")

    class Meta:
        verbose_name = _("payout call-back")
        verbose_name_plural = _("payout call-backs")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.message_id


class SandboxPayment(models.Model):
    """The sandbox bank's own memory, so that it survives restarts and can be asked by reference."""

    reference = models.CharField(primary_key=True, max_length=64)
    amount = MoneyField()
    card_last_two = models.CharField(max_length=2)
    result = models.CharField(max_length=20)
    decided_at = models.DateTimeField()
    callback_due_at = models.DateTimeField(null=True)
    callbacks_left = models.PositiveSmallIntegerField(default=0)
    times_seen = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("sandbox bank payment")
        verbose_name_plural = _("sandbox bank payments")

    def __str__(self) -> str:
        return self.reference
