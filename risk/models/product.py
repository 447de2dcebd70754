"""What is offered, as validity-dated data: product, its terms by version, tiers, dated regulation."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField, RateField


class PolicyState(models.TextChoices):
    """Life of any versioned policy: drafted by one person, activated by another, then replaced."""

    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")


class VersionedPolicy(models.Model):
    """A policy row: never edited once active; a change is a new version with its own validity."""

    # Whom the history names as the writer; unset, the staff user whose request it is.
    _history_user: Any

    version = models.PositiveIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=10, choices=PolicyState.choices, default=PolicyState.DRAFT)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True, help_text=_("last day, open if empty"))
    drafted_by = models.ForeignKey(
        verbose_name=_("drafted by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    approved_by = models.ForeignKey(
        verbose_name=_("approved by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    change_reason = models.CharField(_("reason of the change"), max_length=300, blank=True, default="")

    class Meta:
        abstract = True


class Product(models.Model):
    code = models.SlugField(_("code"), primary_key=True, max_length=40)
    name_zh = models.CharField(_("name (Chinese)"), max_length=80)
    name_en = models.CharField(_("name (English)"), max_length=80)
    is_open = models.BooleanField(_("open for business"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.name_zh if (get_language() or "zh").startswith("zh") else self.name_en


class PenaltyMethod(models.TextChoices):
    PRINCIPAL_SHARE = "principal_share", _("Share of the overdue principal")
    RATE_UPLIFT = "rate_uplift", _("Raised daily rate")


class FeeBase(models.TextChoices):
    PERIOD_PRINCIPAL = "period_principal", _("Principal of the period")
    LOAN_PRINCIPAL = "loan_principal", _("Principal of the loan")


class VoucherConsequence(models.TextChoices):
    NOTHING = "nothing", _("Nothing")
    ALERT = "alert", _("An alert")
    REFUSE = "refuse", _("An alert, and no further loan until the use is proved")


def _default_periods() -> list[int]:
    return [3, 6, 12]


def _default_voucher_purposes() -> list[str]:
    return ["education", "medical", "travel", "renovation", "appliances", "business"]


def _default_voucher_reminders() -> list[int]:
    return [15, 25]


class ProductTerms(VersionedPolicy):
    """Every figure of a product for a span of dates. Presets carry the figures of the specification."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    product = models.ForeignKey(verbose_name=_("product"), to=Product, on_delete=models.PROTECT, related_name="terms")
    # Admission (R2–R4)
    score_name = models.CharField(_("score"), max_length=20)
    score_minimum = models.IntegerField(_("score minimum"))
    age_minimum = models.PositiveSmallIntegerField(_("age minimum, years"), default=18)
    activity_months = models.PositiveSmallIntegerField(_("months of activity"), default=6)
    activity_opens_minimum = models.DecimalField(
        _("daily opens, monthly mean minimum"), max_digits=6, decimal_places=2, default=Decimal("3.00")
    )
    housing_fund_months = models.PositiveSmallIntegerField(_("months of housing fund for the bonus"), default=12)
    invitation_days = models.PositiveSmallIntegerField(_("days an invitation lives"), default=30)
    prescreening_invitations_max = models.PositiveIntegerField(
        _("invitations per pre-screening round"), default=0, help_text=_("0: no round for this product")
    )
    application_days = models.PositiveSmallIntegerField(_("days an application lives"), default=30)
    # Verification (R11, R12)
    face_error_rate_below = models.DecimalField(
        _("face error rate below"), max_digits=7, decimal_places=6, default=Decimal("0.003000")
    )
    verification_failures_allowed = models.PositiveSmallIntegerField(_("failures allowed"), default=3)
    verification_lock_hours = models.PositiveSmallIntegerField(_("lock, hours"), default=24)
    # Limits and prices
    limit_ceiling_amount = MoneyField(_("limit ceiling"))
    limit_step_amount = MoneyField(_("limit step"), default=Decimal("100.00"))
    student_limit_amount = MoneyField(_("student limit"), default=Decimal("1000.00"))
    daily_rate_min = RateField(_("daily rate from"))
    daily_rate_max = RateField(_("daily rate to"))
    # Use
    loan_amount_min = MoneyField(_("smallest loan"), default=Decimal("100.00"))
    single_days_min = models.PositiveSmallIntegerField(_("single payment: days from"), default=1)
    single_days_max = models.PositiveSmallIntegerField(_("single payment: days to"), default=365)
    single_days_default = models.PositiveSmallIntegerField(_("single payment: days preset"), default=30)
    instalment_amount_min = MoneyField(_("instalments from amount"), default=Decimal("1000.00"))
    instalment_periods = models.JSONField(_("instalment periods"), default=_default_periods)
    fee_rate = RateField(_("fee per period"), default=Decimal("0.025000"))
    fee_base = models.CharField(_("fee base"), max_length=20, choices=FeeBase.choices, default=FeeBase.PERIOD_PRINCIPAL)
    with_interest = models.BooleanField(_("interest beside the fee"), default=False)
    prepaid_fee_discount = RateField(_("fee discount for a period paid ahead"), default=Decimal("0.005000"))
    settlement_fee_rate = RateField(_("early settlement fee"), default=Decimal("0.010000"))
    penalty_method = models.CharField(
        _("penalty method"),
        max_length=20,
        choices=PenaltyMethod.choices,
        default=PenaltyMethod.PRINCIPAL_SHARE,
    )
    cost_cap_enforced = models.BooleanField(_("cost cap enforced"), default=True)
    early_fees_in_cap = models.BooleanField(_("early fees inside the cap"), default=False)
    disclosure_reading_seconds = models.PositiveSmallIntegerField(_("disclosure reading time, seconds"), default=0)
    # Appeals against a freeze (R39); the answer is due by the hour of its last working day
    appeal_reminder_working_days = models.PositiveSmallIntegerField(_("appeal: reminder after working days"), default=1)
    appeal_answer_working_days = models.PositiveSmallIntegerField(_("appeal: answer within working days"), default=3)
    appeal_answer_hour = models.PositiveSmallIntegerField(
        _("appeal: answer by the hour"), default=18, validators=[MaxValueValidator(23)]
    )
    # Credit gifts (R44)
    gift_amount_max = MoneyField(_("largest gift"), default=Decimal("5000.00"), db_default=Decimal("5000.00"))
    gift_friendship_months = models.PositiveSmallIntegerField(
        _("gift: friends for more than, months"), default=3, db_default=3
    )
    gift_offer_days = models.PositiveSmallIntegerField(_("gift: days to accept"), default=7, db_default=7)
    gift_use_days = models.PositiveSmallIntegerField(_("gift: days to use"), default=90, db_default=90)
    # Vouchers of how the money was spent (R52); days count from the day the money went out
    voucher_amount_min = MoneyField(
        _("vouchers: asked from loan amount"), default=Decimal("5000.00"), db_default=Decimal("5000.00")
    )
    voucher_purposes = models.JSONField(
        _("vouchers: asked for purposes"), default=_default_voucher_purposes, blank=True,
        help_text=_("codes of purposes as loans name them; an empty list asks for none"),
    )  # fmt: skip
    voucher_days = models.PositiveSmallIntegerField(_("vouchers: days to send them"), default=30, db_default=30)
    voucher_reminder_days = models.JSONField(
        _("vouchers: days of the reminders"), default=_default_voucher_reminders, blank=True
    )
    voucher_share_min = RateField(
        _("vouchers: share of the principal to prove"), default=Decimal("0.800000"), db_default=Decimal("0.800000")
    )
    voucher_waiting_max = models.PositiveSmallIntegerField(
        _("vouchers: of one loan waiting for review at most"), default=10, db_default=10
    )
    voucher_consequence = models.CharField(
        _("vouchers: what follows if none comes"),
        max_length=10,
        choices=VoucherConsequence.choices,
        default=VoucherConsequence.ALERT,
        db_default="alert",
    )
    payout_target_seconds = models.PositiveIntegerField(_("payout target, seconds"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("product terms")
        verbose_name_plural = _("product terms")
        ordering = ["product_id", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["product", "version"], name="terms_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} v{self.version}"


class TierCode(models.TextChoices):
    NEW = "new", _("New customer")
    QUALITY = "quality", _("Quality customer")
    VIP = "vip", _("VIP")


class Tier(models.Model):
    """A range of limits and rates inside one version of terms (R22–R24)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    terms = models.ForeignKey(
        verbose_name=_("product terms"), to=ProductTerms, on_delete=models.CASCADE, related_name="tiers"
    )
    code = models.CharField(_("tier"), max_length=20, choices=TierCode.choices)
    rank = models.PositiveSmallIntegerField(_("rank"), help_text=_("the highest tier whose conditions hold applies"))
    months_in_use_min = models.PositiveSmallIntegerField(_("months in use from"), default=0)
    assets_min_amount = MoneyField(_("assets from"), default=Decimal("0.00"))
    limit_min_amount = MoneyField(_("limit from"))
    limit_max_amount = MoneyField(_("limit to"))
    daily_rate_min = RateField(_("daily rate from"))
    daily_rate_max = RateField(_("daily rate to"))
    penalty_share = RateField(_("penalty share"))

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["terms_id", "rank"]
        constraints = [models.UniqueConstraint(fields=["terms", "code"], name="tier_once_per_terms")]

    def __str__(self) -> str:
        return str(self.get_code_display())


class RegulationParameter(models.Model):
    """One figure of the law with the day it starts to hold (R54)."""

    class Name(models.TextChoices):
        COST_CAP_RATE = "cost_cap_rate", _("Total cost cap, a year")
        HOUSEHOLD_CREDIT_AMOUNT = "household_credit_amount", _("Household consumer credit")
        SINGLE_PAYMENT_DAYS = "single_payment_days", _("Single-payment loans, days")
        NPL_RATIO_ALERT = "npl_ratio_alert", _("Bad-loan ratio alert")
        REARRANGED_WATCH_DAYS = "rearranged_watch_days", _("Rearranged loans: days under observation")
        REARRANGED_CLASS_DAYS = "rearranged_class_days", _("Rearranged loans: classed as at least so many days overdue")
        REARRANGED_AGAIN_DAYS = "rearranged_again_days", _("Rearranged again: classed as at least so many days overdue")
        SPECIAL_MENTION_DAYS = "special_mention_days", _("Special mention from, days past due")
        SUBSTANDARD_DAYS = "substandard_days", _("Substandard from, days past due")
        DOUBTFUL_DAYS = "doubtful_days", _("Doubtful from, days past due")
        LOSS_DAYS = "loss_days", _("Loss from, days past due")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("parameter"), max_length=40, choices=Name.choices)
    value = models.DecimalField(_("value"), max_digits=18, decimal_places=6)
    valid_from = models.DateField(_("valid from"))
    source = models.CharField(_("source"), max_length=300, blank=True, default="")
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("regulation parameter")
        verbose_name_plural = _("regulation parameters")
        ordering = ["name", "-valid_from"]
        constraints = [models.UniqueConstraint(fields=["name", "valid_from"], name="regulation_once_per_day")]

    def __str__(self) -> str:
        return f"{self.name} {self.valid_from}"
