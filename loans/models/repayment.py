from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from loans.models.loan import LoanEvent
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField
from weilidai.lib.owner import OwnerField

NOTHING = Decimal("0.00")


class Repayment(models.Model):
    """Money received for a loan and what it paid: penalty, fee, interest, principal and what stayed unapplied.

    The parts are those of the book as it stands: an earlier payment reversed or entered late moves them. What a
    reversed repayment had paid stays readable; it counts no more. The loan's events keep every earlier word.
    """

    # What Django keeps the related rows in that were read (or written) together with this one.
    _prefetched_objects_cache: dict[str, Any]

    class Kind(models.TextChoices):
        REPAYMENT = "repayment", _("Repayment")
        SETTLEMENT = "settlement", _("Early settlement")
        PREPAYMENT = "prepayment", _("Periods paid ahead")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="repayments"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.REPAYMENT)
    amount = MoneyField(_("amount"))
    penalty_amount = MoneyField(_("penalty"), default=NOTHING)
    fee_amount = MoneyField(_("fee"), default=NOTHING)
    interest_amount = MoneyField(_("interest"), default=NOTHING)
    principal_amount = MoneyField(_("principal"), default=NOTHING)
    unapplied_amount = MoneyField(_("not applied"), default=NOTHING)
    funding = models.CharField(_("paid from"), max_length=10, choices=LoanEvent.Funding.choices, default="bank")
    reversed_date = models.DateField(_("reversed on"), null=True, blank=True)
    effective_date = models.DateField(_("effective date"))
    received_at = models.DateTimeField(_("received at"))
    entry = models.OneToOneField(
        verbose_name=_("journal entry"), to="loans.JournalEntry", on_delete=models.PROTECT, related_name="repayment"
    )

    class Meta:
        verbose_name = _("repayment")
        verbose_name_plural = _("repayments")
        ordering = ["-id"]
        indexes = [models.Index(fields=["effective_date"], name="repayment_by_day")]

    def __str__(self) -> str:
        return f"{self.amount} {self.effective_date}"


class RepaymentAllocation(models.Model):
    """Which instalment and which component a part of a repayment went to."""

    class Component(models.TextChoices):
        PENALTY = "penalty", _("Penalty")
        FEE = "fee", _("Fee")
        INTEREST = "interest", _("Interest")
        PRINCIPAL = "principal", _("Principal")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    repayment = models.ForeignKey(
        verbose_name=_("repayment"), to=Repayment, on_delete=models.PROTECT, related_name="allocations"
    )
    instalment = models.ForeignKey(
        verbose_name=_("instalment"),
        to="loans.Instalment",
        on_delete=models.PROTECT,
        null=True,
        related_name="allocations",
    )
    component = models.CharField(_("component"), max_length=10, choices=Component.choices)
    amount = MoneyField(_("amount"))
    customer_id = OwnerField(of="repayment")

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="allocation_positive")]

    def __str__(self) -> str:
        return f"{self.component} {self.amount}"
