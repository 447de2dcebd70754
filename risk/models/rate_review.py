"""The quarterly review of rates (R28, R29): its policy, its runs, one row per line and quarter."""

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from risk.models.credit_line import CreditLine
from risk.models.decision import Scorecard
from risk.models.line_run import LineRun
from risk.models.product import TierCode, VersionedPolicy
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField, RateField


class RateReviewPolicy(VersionedPolicy):
    """How far a review may move a rate. Steps are fractions a day; 0 up: a review never makes a line dearer."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40, default="main")
    step_down_rate = RateField(_("at most down by, a day"), default=Decimal("0.000020"))
    step_up_rate = RateField(_("at most up by, a day"), default=Decimal("0"))
    on_time_months = models.PositiveSmallIntegerField(_("months in a row on time"), default=6)
    on_time_rate = RateField(_("down for paying on time by, a day"), default=Decimal("0.000020"))
    score_days_max = models.PositiveSmallIntegerField(_("oldest score, days"), default=45)
    needs_release = models.BooleanField(_("a second person releases each quarter"), default=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("rate review policy")
        verbose_name_plural = _("rate review policies")
        ordering = ["code", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="rate_review_policy_version_once")]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class CustomerScore(models.Model):
    """The newest score of a customer under a scorecard; a review need not compute one that is young enough."""

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    scorecard = models.ForeignKey(verbose_name=_("scorecard"), to=Scorecard, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateField(_("as of"))
    score = models.DecimalField(_("score"), max_digits=7, decimal_places=2)

    class Meta:
        verbose_name = _("customer's score")
        verbose_name_plural = _("customers' scores")
        constraints = [models.UniqueConstraint(fields=["customer", "scorecard"], name="score_once_per_card")]

    def __str__(self) -> str:
        return f"{self.score} {self.as_of}"


class RateReviewRun(LineRun):
    """All lines of a quarter, or a dry run over them that changes nothing."""

    NAME, PERIOD = "rate_review", "quarter"

    quarter = models.DateField(_("quarter"), help_text=_("first day"))
    policy = models.ForeignKey(
        verbose_name=_("policy"), to=RateReviewPolicy, on_delete=models.PROTECT, related_name="+"
    )
    scorecard = models.ForeignKey(verbose_name=_("scorecard"), to=Scorecard, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("rate review run")
        verbose_name_plural = _("rate review runs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["quarter"], condition=models.Q(is_dry_run=False), name="one_real_run_per_quarter"
            )
        ]


class RateReview(models.Model):
    """What a quarter's review made of one line: old and new rate, and why. Written once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    quarter = models.DateField(_("quarter"))
    run = models.ForeignKey(verbose_name=_("run"), to=RateReviewRun, on_delete=models.PROTECT, related_name="reviews")
    # Found by the constraint and the index below, which begin with them: an index of their own is only written.
    credit_line = models.ForeignKey(
        verbose_name=_("credit line"),
        to=CreditLine,
        on_delete=models.PROTECT,
        related_name="rate_reviews",
        db_index=False,
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    business_date = models.DateField(_("business date"))
    score = models.DecimalField(_("score"), max_digits=7, decimal_places=2, null=True, blank=True)
    months_on_time = models.PositiveSmallIntegerField(_("months in a row on time"))
    old_daily_rate = RateField(_("old daily rate"))
    new_daily_rate = RateField(_("new daily rate"))
    old_tier = models.CharField(_("old tier"), max_length=20, choices=TierCode.choices)
    new_tier = models.CharField(_("new tier"), max_length=20, choices=TierCode.choices)
    old_limit_amount = MoneyField(_("old limit"))
    new_limit_amount = MoneyField(_("new limit"))
    reasons = models.JSONField(_("reasons"))

    class Meta:
        verbose_name = _("rate review")
        verbose_name_plural = _("rate reviews")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["credit_line", "quarter"], name="one_review_per_quarter")]
        # Serves a customer's history.
        indexes = [models.Index(fields=["customer", "-id"], name="rate_review_by_customer")]

    def __str__(self) -> str:
        return f"{self.quarter:%Y-%m} {self.new_daily_rate}"
