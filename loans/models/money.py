"""Money that belongs to a customer and to no loan: what arrived unasked, what waits, what goes back."""

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField

NOTHING = Decimal("0.00")


class UnappliedBalance(models.Model):
    """What we hold for a customer. Below zero only where money that had been given back was never received."""

    customer = models.OneToOneField(
        verbose_name=_("customer"),
        to="accounts.Customer",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="unapplied_balance",
    )
    amount = MoneyField(_("amount"), default=NOTHING)

    class Meta:
        verbose_name = _("unapplied money")
        verbose_name_plural = _("unapplied money")
        ordering = ["-amount"]

    def __str__(self) -> str:
        return f"{self.amount}"


class MoneyReceipt(models.Model):
    """A transfer nobody asked for, as the bank's statement has it. One reference counts once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    amount = MoneyField(_("amount"))
    bank_reference = models.CharField(_("bank reference"), max_length=100, unique=True)
    payer_name = models.CharField(_("payer"), max_length=80, blank=True, default="")
    received_date = models.DateField(_("received on"))
    business_date = models.DateField(_("entered on"))
    entry = models.OneToOneField(
        verbose_name=_("journal entry"), to="loans.JournalEntry", on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("money received unasked")
        verbose_name_plural = _("money received unasked")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="receipt_positive")]

    def __str__(self) -> str:
        return self.bank_reference


class RefundState(models.TextChoices):
    PENDING = "pending", _("Pending")
    PAID = "paid", _("Paid")
    REFUSED = "refused", _("Refused")


class Refund(models.Model):
    """Unapplied money on its way back to the customer's card; its payout is sent and asked about like a loan's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="refunds"
    )
    bank_card = models.ForeignKey(
        verbose_name=_("bank card"), to="accounts.BankCard", on_delete=models.PROTECT, related_name="+"
    )
    payout = models.OneToOneField(
        verbose_name=_("payout"), to="loans.Payout", on_delete=models.PROTECT, related_name="refund"
    )
    amount = MoneyField(_("amount"))
    state = StateField(
        _("state"), max_length=10, choices=RefundState.choices, default=RefundState.PENDING, protected=True
    )
    business_date = models.DateField(_("business date"))
    decided_date = models.DateField(_("decided on"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_positive")]

    def __str__(self) -> str:
        return f"{self.amount} {self.business_date}"

    @transition(field=state, source=RefundState.PENDING, target=RefundState.PAID)
    def confirm(self) -> None:
        """The bank says it paid."""

    @transition(field=state, source=RefundState.PENDING, target=RefundState.REFUSED)
    def refuse(self) -> None:
        """The bank did not and will not pay: the money is held again."""


class UnappliedMovement(models.Model):
    """Every change of what is held for a customer; the sum of these is the balance."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("Received")
        LOAN = "loan", _("Loan")
        REFUND = "refund", _("Refunded")
        REFUND_REFUSED = "refund_refused", _("Refund came back")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="unapplied_movements"
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    amount = MoneyField(_("amount"))
    balance_amount = MoneyField(_("balance after"))
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entry = models.ForeignKey(
        verbose_name=_("journal entry"), to="loans.JournalEntry", on_delete=models.PROTECT, related_name="+"
    )
    business_date = models.DateField(_("business date"))
    at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("movement of unapplied money")
        verbose_name_plural = _("movements of unapplied money")
        ordering = ["-id"]
        indexes = [models.Index(fields=["customer", "business_date"], name="unapplied_by_customer")]

    def __str__(self) -> str:
        return f"{self.amount} {self.business_date}"
