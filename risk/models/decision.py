from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from risk.models.product import TierCode, VersionedPolicy
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField, RateField


class Scorecard(VersionedPolicy):
    """Points per binned variable in five weighted dimensions (R15); `risk/rules/scorecard.py` reads `definition`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40)
    definition = models.JSONField(_("definition"))
    # A challenger in shadow is computed beside the live decision on these days and influences nothing.
    is_shadow = models.BooleanField(_("runs in shadow"), default=False)
    shadow_from = models.DateField(_("in shadow from"), null=True, blank=True)
    shadow_to = models.DateField(_("in shadow to"), null=True, blank=True, help_text=_("last day, open if empty"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("scorecard")
        verbose_name_plural = _("scorecards")
        ordering = ["code", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="scorecard_version_once")]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class Outcome(models.TextChoices):
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    REFERRED = "referred", _("Referred")


class Decision(models.Model):
    """A decision kept whole (R21): what went in, which versions judged it, what came out and why. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="decisions"
    )
    application = models.ForeignKey(
        verbose_name=_("credit application"),
        to="risk.CreditApplication",
        on_delete=models.PROTECT,
        related_name="decisions",
    )
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    scorecard = models.ForeignKey(verbose_name=_("scorecard"), to=Scorecard, on_delete=models.PROTECT, related_name="+")
    terms = models.ForeignKey(
        verbose_name=_("product terms"), to="risk.ProductTerms", on_delete=models.PROTECT, related_name="+"
    )
    business_date = models.DateField(_("business date"))
    decided_at = models.DateTimeField(_("decided at"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    score = models.DecimalField(_("score"), max_digits=7, decimal_places=2)
    dimensions = models.JSONField(_("points per dimension"))
    reasons = models.JSONField(_("reasons"))
    # Everything the pure rules need to come to the same answer, versions of policy included.
    inputs = models.JSONField(_("inputs"))
    result_sha256 = models.CharField(_("SHA-256 of the result"), max_length=64)
    tier = models.CharField(_("tier"), max_length=20, blank=True, default="", choices=TierCode.choices)
    limit_amount = MoneyField(_("limit"), null=True, blank=True)
    daily_rate = RateField(_("daily rate"), null=True, blank=True)
    # Which visible rules the customer met (R7, R8), for one aggregate query; null: decided before this was kept.
    meets_score = models.BooleanField(_("meets the score"), null=True, blank=True)
    meets_real_name = models.BooleanField(_("meets the real name"), null=True, blank=True)
    meets_age = models.BooleanField(_("meets the age"), null=True, blank=True)
    meets_activity = models.BooleanField(_("meets the activity"), null=True, blank=True)
    duration_ms = models.PositiveIntegerField(_("duration, ms"), default=0)
    # A decision by a person names the person and the decision it answers.
    decided_by = models.ForeignKey(
        verbose_name=_("decided by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    answers = models.ForeignKey(
        verbose_name=_("answers the decision"),
        to="self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="answered_by",
    )
    note = models.CharField(_("note"), max_length=1000, blank=True, default="")

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-id"]
        indexes = [
            # Serves the approval rate and the funnel per product and day from the index alone.
            models.Index(
                fields=[
                    "business_date",
                    "product",
                    "answers",
                    "outcome",
                    "meets_score",
                    "meets_real_name",
                    "meets_age",
                    "meets_activity",
                ],
                name="decision_funnel",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} {self.business_date}"


class DecisionContest(models.Model):
    """A customer asks that a person looks at a decision (R55); somebody else than the decider answers."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        UPHELD = "upheld", _("Decision stands")
        REVISED = "revised", _("Decision revised")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    decision = models.ForeignKey(
        verbose_name=_("decision"), to=Decision, on_delete=models.PROTECT, related_name="contests"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    text = models.TextField(_("text"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    answered_by = models.ForeignKey(
        verbose_name=_("answered by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    answer = models.TextField(_("answer"), blank=True, default="")

    class Meta:
        verbose_name = _("contested decision")
        verbose_name_plural = _("contested decisions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["decision"], condition=models.Q(state="open"), name="one_open_contest")
        ]

    def __str__(self) -> str:
        return str(self.get_state_display())
