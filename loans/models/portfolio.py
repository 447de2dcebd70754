"""What the night writes: accruals per product and the overdue facts of loans that crossed a bucket."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField


class ProductAccrual(models.Model):
    """What all loans of a product have earned by the opening of the next day; its growth is one journal entry."""

    class Kind(models.TextChoices):
        INTEREST = "interest", _("Interest")
        FEE = "fee", _("Fees fallen due")
        PENALTY = "penalty", _("Penalties charged")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.INTEREST)
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    business_date = models.DateField(_("business date"))
    cumulative_amount = MoneyField(_("cumulative amount"))
    amount = MoneyField(_("amount of the day"))
    entry = models.OneToOneField(
        verbose_name=_("journal entry"), to="loans.JournalEntry", on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("accrual of a product")
        verbose_name_plural = _("accruals of products")
        ordering = ["-business_date", "product_id"]
        constraints = [
            models.UniqueConstraint(fields=["product", "kind", "business_date"], name="accrual_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.business_date}"


class DelinquencyFact(models.Model):
    """Days past due and bucket of a loan, written on the dates on which its bucket changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="delinquency_facts"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    business_date = models.DateField(_("business date"))
    days_past_due = models.PositiveIntegerField(_("days past due"))
    bucket = models.CharField(_("bucket"), max_length=20)
    outstanding_principal_amount = MoneyField(_("outstanding principal"))

    class Meta:
        verbose_name = _("overdue fact")
        verbose_name_plural = _("overdue facts")
        ordering = ["-business_date"]
        constraints = [models.UniqueConstraint(fields=["loan", "business_date"], name="overdue_fact_once_per_day")]

    def __str__(self) -> str:
        return f"{self.business_date} {self.bucket}"
