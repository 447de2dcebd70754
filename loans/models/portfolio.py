"""What the night writes: accruals per product and the overdue facts of loans that crossed a bucket."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7
from weilidai.lib.models import AppendOnlyModel
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


class FoldedEarnings(AppendOnlyModel):
    """What loans that ended have earned, added up so that no later night asks them again.

    A night writes a row per product and range. A row with a `loan_id` takes that one out again, on the business date on
    which something was entered for it. The rows of a `folded_date` add up to what the loans folded on it have earned.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    business_date = models.DateField(_("business date"))
    folded_date = models.DateField(_("earnings folded on"))
    # No foreign key: these are sums of products, which lie whole where loans are spread by customer.
    loan_id = models.UUIDField(_("loan"), null=True, db_index=True)
    loans_count = models.IntegerField(_("number of loans"))
    interest_amount = MoneyField(_("interest"))
    fee_amount = MoneyField(_("fee"))
    penalty_amount = MoneyField(_("penalty"))

    class Meta:
        verbose_name = _("folded earnings of ended loans")
        verbose_name_plural = _("folded earnings of ended loans")
        ordering = ["-business_date", "product_id"]

    def __str__(self) -> str:
        return f"{self.product_id} {self.business_date} {self.loans_count}"


class DelinquencyFact(models.Model):
    """Days past due and bucket of a loan, written on the dates on which its bucket changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="delinquency_facts",
        db_index=False,
    )  # fmt: skip
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


class PortfolioFigure(models.Model):
    """The open book at the end of a business date by product, month of payout, bucket and class (R53, R54).

    Loans written off stand in a bucket of that name. The rows are the tape added up, as it was known that evening.
    """

    id = models.BigAutoField(primary_key=True)
    business_date = models.DateField(_("business date"))
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    vintage_month = models.DateField(_("month of payout"))
    bucket = models.CharField(_("bucket"), max_length=20)
    risk_class = models.CharField(_("class"), max_length=20)
    loans_count = models.PositiveIntegerField(_("number of loans"))
    outstanding_principal_amount = MoneyField(_("outstanding principal"))

    class Meta:
        verbose_name = _("figure of the portfolio")
        verbose_name_plural = _("figures of the portfolio")
        ordering = ["-business_date", "product_id", "vintage_month", "bucket"]
        constraints = [
            # Serves every question about a day, and the trend over a span of days.
            models.UniqueConstraint(
                fields=["business_date", "product", "vintage_month", "bucket", "risk_class"], name="portfolio_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.product_id} {self.bucket}"


class VintageFlow(models.Model):
    """What happened to the loans of a month of payout on one business date, each loan and kind once (R53)."""

    class Kind(models.TextChoices):
        PAID_OUT = "paid_out", _("Paid out")
        RETURNED = "returned", _("Payout returned")
        PAST_30 = "past_30", _("More than 30 days past due")
        PAST_60 = "past_60", _("More than 60 days past due")
        PAST_90 = "past_90", _("More than 90 days past due")
        WRITTEN_OFF = "written_off", _("Written off")

    id = models.BigAutoField(primary_key=True)
    business_date = models.DateField(_("business date"))
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    vintage_month = models.DateField(_("month of payout"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    loans_count = models.PositiveIntegerField(_("number of loans"))
    amount = MoneyField(_("principal"))

    class Meta:
        verbose_name = _("flow of a vintage")
        verbose_name_plural = _("flows of vintages")
        ordering = ["-business_date", "product_id", "vintage_month", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["business_date", "product", "vintage_month", "kind"], name="vintage_flow_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.vintage_month} {self.kind}"


class RollFigure(models.Model):
    """How many loans went from one bucket to another between the ends of two months (R53)."""

    id = models.BigAutoField(primary_key=True)
    business_date = models.DateField(_("end of the month"))
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    source_bucket = models.CharField(_("bucket before"), max_length=20)
    target_bucket = models.CharField(_("bucket after"), max_length=20)
    loans_count = models.PositiveIntegerField(_("number of loans"))
    amount = MoneyField(_("principal before"))

    class Meta:
        verbose_name = _("roll between buckets")
        verbose_name_plural = _("rolls between buckets")
        ordering = ["-business_date", "product_id", "source_bucket", "target_bucket"]
        constraints = [
            models.UniqueConstraint(
                fields=["business_date", "product", "source_bucket", "target_bucket"], name="roll_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.source_bucket} → {self.target_bucket}"


class SegmentFigure(models.Model):
    """Decisions and payouts of one business date by product, occupation and tier, as those stood that evening.

    Sums, so that any span and any grouping add up: the mean rate of approvals is `rate_sum` over `approved_count`,
    that of loans weighted by principal is `priced_amount` over `principal_amount`.
    """

    id = models.BigAutoField(primary_key=True)
    business_date = models.DateField(_("business date"))
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    occupation = models.CharField(_("occupation"), max_length=20, blank=True)
    tier = models.CharField(_("tier"), max_length=20, blank=True)
    decided_count = models.PositiveIntegerField(_("decided"), default=0)
    approved_count = models.PositiveIntegerField(_("approved"), default=0)
    limit_amount = MoneyField(_("limits approved"), default=0)
    rate_sum = models.DecimalField(_("sum of approved rates"), max_digits=18, decimal_places=6, default=0)
    loans_count = models.PositiveIntegerField(_("loans paid out"), default=0)
    principal_amount = MoneyField(_("principal paid out"), default=0)
    priced_amount = models.DecimalField(_("principal times rate"), max_digits=24, decimal_places=8, default=0)

    class Meta:
        verbose_name = _("figure of a segment")
        verbose_name_plural = _("figures of segments")
        ordering = ["-business_date", "product_id", "occupation", "tier"]
        constraints = [
            models.UniqueConstraint(fields=["business_date", "product", "occupation", "tier"], name="segment_once")
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.product_id} {self.occupation} {self.tier}"
