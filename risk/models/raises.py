from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition
from simple_history.models import HistoricalRecords

from risk.models.line_run import LineRun
from risk.models.product import VersionedPolicy
from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField, RateField

# Points of one act of each kind where a policy names none.
GREEN_POINTS = {"transit": 2, "cycling": 3, "walking": 1, "recycling": 5, "e_bill": 1, "reforestation": 10}


class LimitRaisePolicy(VersionedPolicy):
    """What raises a limit inside its tier, and by how much (R27, R38, R56). Shares are of the tier's span.

    Green points: `green_points` says what one act of each kind is worth (empty: `GREEN_POINTS`); every full
    `green_step_points` are worth `green_step_share`, up to `green_max_share`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40, default="main")
    proof_property_share = RateField(_("property proof: share of the tier's span"), default=Decimal("0.300000"))
    proof_vehicle_share = RateField(_("vehicle proof: share of the tier's span"), default=Decimal("0.150000"))
    proof_both_share = RateField(_("both proofs: further share of the tier's span"), default=Decimal("0.150000"))
    proof_valid_days = models.PositiveSmallIntegerField(_("days an accepted proof counts"), default=365)
    fund_mean_min_amount = MoneyField(_("current-money fund: monthly mean from"), default=Decimal("10000.00"))
    fund_share = RateField(_("current-money fund with a wealth product: share of the tier's span"),
                           default=Decimal("0.200000"))  # fmt: skip
    green_points = models.JSONField(_("green points per act"), default=dict, blank=True)
    green_step_points = models.PositiveIntegerField(_("green points of a step"), default=100)
    green_step_share = RateField(_("a step of green points: share of the tier's span"), default=Decimal("0.020000"))
    green_max_share = RateField(_("green points at most: share of the tier's span"), default=Decimal("0.100000"))
    needs_release = models.BooleanField(_("a second person releases each month"), default=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("limit raise policy")
        verbose_name_plural = _("limit raise policies")
        ordering = ["code", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="raise_policy_version_once")]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class ProofKind(models.TextChoices):
    PROPERTY = "property", _("Property certificate")
    VEHICLE = "vehicle", _("Vehicle licence")


class ProofState(models.TextChoices):
    SUBMITTED = "submitted", _("Submitted")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


class AssetProof(models.Model):
    """A picture of a property certificate or a vehicle licence; accepted, it raises the limit (R38).

    `raised_amount` is what the line's limit rose by; `valid_until` the last day on which the proof counts.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="asset_proofs"
    )
    credit_line = models.ForeignKey(
        verbose_name=_("credit line"), to="risk.CreditLine", on_delete=models.PROTECT, related_name="asset_proofs"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=ProofKind.choices)
    state = StateField(
        _("state"), max_length=10, choices=ProofState.choices, default=ProofState.SUBMITTED, protected=True
    )
    image = models.OneToOneField(
        verbose_name=_("stored image"), to="accounts.StoredImage", on_delete=models.PROTECT, related_name="+"
    )
    received_at = models.DateTimeField(_("received at"))
    received_date = models.DateField(_("received on"))
    valid_until = models.DateField(_("counts until"), null=True, blank=True)
    raised_amount = MoneyField(_("limit raised by"), default=Decimal("0.00"))
    answer = models.CharField(_("answer"), max_length=500, blank=True, default="")
    reviewed_by = models.ForeignKey(
        verbose_name=_("reviewed by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("asset proof")
        verbose_name_plural = _("asset proofs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["credit_line", "kind"], condition=models.Q(state="submitted"), name="one_open_proof"
            ),
            models.CheckConstraint(condition=models.Q(raised_amount__gte=0), name="proof_never_lowers"),
        ]
        indexes = [
            # Serves the review queue, oldest first.
            models.Index(fields=["received_at"], condition=models.Q(state="submitted"), name="proof_open_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.received_date}"

    @transition(field=state, source=ProofState.SUBMITTED, target=ProofState.ACCEPTED)
    def accept(self) -> None:
        """The customer owns it; it counts from now on."""

    @transition(field=state, source=ProofState.SUBMITTED, target=ProofState.REJECTED)
    def reject(self) -> None:
        """It proves nothing; another one may be sent."""


class RaiseSource(models.TextChoices):
    TIER = "tier", _("Better tier")
    FUND = "fund", _("Current-money fund and a wealth product")
    GREEN = "green", _("Green points")


class LimitRaiseRun(LineRun):
    """The round of a month over all lines, or a dry run of it. Without a policy row the shipped figures hold."""

    NAME, PERIOD = "limit_raises", "month"

    month = models.DateField(_("month"), help_text=_("first day"))
    policy = models.ForeignKey(
        verbose_name=_("policy"), to=LimitRaisePolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("run of raises")
        verbose_name_plural = _("runs of raises")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["month"], condition=models.Q(is_dry_run=False), name="one_real_run_per_month"
            )
        ]


class LimitRaise(models.Model):
    """A raise that the monthly round gave a line, with what it was given for; never changed (R23, R24, R27, R56)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    credit_line = models.ForeignKey(
        verbose_name=_("credit line"), to="risk.CreditLine", on_delete=models.PROTECT, related_name="raises"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    policy = models.ForeignKey(
        verbose_name=_("policy"), to=LimitRaisePolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    month = models.DateField(_("month"))
    source = models.CharField(_("raised for"), max_length=10, choices=RaiseSource.choices)
    business_date = models.DateField(_("business date"))
    amount = MoneyField(_("limit raised by"))
    new_limit_amount = MoneyField(_("new limit"))
    evidence = models.JSONField(_("evidence"))

    class Meta:
        verbose_name = _("limit raise")
        verbose_name_plural = _("limit raises")
        ordering = ["-month", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["credit_line", "source", "month"], name="limit_raise_once_a_month")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.amount}"
