from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField


class GiftState(models.TextChoices):
    OFFERED = "offered", _("Offered")
    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Refused")
    REVOKED = "revoked", _("Revoked")
    EXPIRED = "expired", _("Expired")


class CreditGift(models.Model):
    """Limit lent to a friend (R44). Of an expired gift what is still in use comes back as it is repaid."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("giver"), to="accounts.Customer", on_delete=models.PROTECT, related_name="gifts_given"
    )
    credit_line = models.ForeignKey(
        verbose_name=_("giver's credit line"),
        to="risk.CreditLine",
        on_delete=models.PROTECT,
        related_name="gifts_given",
    )
    recipient = models.ForeignKey(
        verbose_name=_("recipient"), to="accounts.Customer", on_delete=models.PROTECT, related_name="gifts_received"
    )
    recipient_line = models.ForeignKey(
        verbose_name=_("recipient's credit line"),
        to="risk.CreditLine",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="gifts_received",
    )
    state = StateField(_("state"), max_length=10, choices=GiftState.choices, default=GiftState.OFFERED, protected=True)
    amount = MoneyField(_("amount"))
    returned_amount = MoneyField(_("returned"), default=Decimal("0.00"))
    offered_date = models.DateField(_("offered on"))
    accept_until_date = models.DateField(_("to be accepted until"))
    use_until_date = models.DateField(_("to be used until"), null=True, blank=True)
    offered_at = models.DateTimeField(_("offered at"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("credit gift")
        verbose_name_plural = _("credit gifts")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="gift_positive"),
            models.CheckConstraint(condition=models.Q(returned_amount__gte=0), name="gift_return_not_negative"),
        ]
        indexes = [
            # Serve the lists of giver and recipient, and the nightly expiry.
            models.Index(fields=["customer", "-id"], name="gift_by_giver"),
            models.Index(fields=["recipient", "-id"], name="gift_by_recipient"),
            models.Index(fields=["state", "accept_until_date"], name="gift_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.get_state_display()}"

    @property
    def standing_amount(self) -> Decimal:
        """What has not come back to the giver yet, in yuan."""
        standing: Decimal = self.amount - self.returned_amount
        return standing

    @transition(field=state, source=GiftState.OFFERED, target=GiftState.ACCEPTED)
    def accept(self) -> None:
        """The recipient agrees and may draw."""

    @transition(field=state, source=GiftState.OFFERED, target=GiftState.REFUSED)
    def refuse(self) -> None:
        """The recipient does not want it."""

    @transition(field=state, source=[GiftState.OFFERED, GiftState.ACCEPTED], target=GiftState.REVOKED)
    def revoke(self) -> None:
        """The giver takes it back, unused."""

    @transition(field=state, source=[GiftState.OFFERED, GiftState.ACCEPTED], target=GiftState.EXPIRED)
    def expire(self) -> None:
        """Its time is over; nothing more may be drawn on it."""
