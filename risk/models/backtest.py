"""Back-tests: a draft judged over past decisions before anybody activates it (R15, R25, R33)."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from risk.models.decision import Decision
from risk.models.pipeline import Screening
from risk.models.product import TierCode
from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField, RateField


class BacktestRun(models.Model):
    """One draft over one span of business dates. The row is the queue; `draft` is what was judged, word for word.

    The draft is named by id, not by key: it may be edited or deleted afterwards, what it did stays readable.
    """

    class Kind(models.TextChoices):
        SCREENING = "screening", _("Layers of risk control")
        SCORECARD = "scorecard", _("Scorecard")
        TERMS = "terms", _("Product terms")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind of policy"), max_length=10, choices=Kind.choices)
    policy_id = models.UUIDField(_("draft"))
    policy_name = models.CharField(_("draft"), max_length=80)
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+", null=True, blank=True,
    )  # fmt: skip
    draft = models.JSONField(_("draft"))
    draft_sha256 = models.CharField(_("SHA-256 of the draft"), max_length=64)
    period_from = models.DateField(_("from"))
    period_to = models.DateField(_("to"))
    sample_every = models.PositiveIntegerField(
        _("one in"), default=1, validators=[MinValueValidator(1)], help_text=_("1: every decision")
    )
    # Loans are looked at as the tape told of them at the end of this date.
    business_date = models.DateField(_("business date"))
    state = StateField(_("state"), max_length=10, choices=State.choices, default=State.WAITING, protected=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True, editable=False)
    total_count = models.PositiveIntegerField(_("decisions"), default=0)
    judged_count = models.PositiveIntegerField(_("looked at"), default=0)
    figures = models.JSONField(_("figures"), default=dict, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True, default="")
    requested_by = models.ForeignKey(
        verbose_name=_("started by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("back-test")
        verbose_name_plural = _("back-tests")
        ordering = ["-id"]
        indexes = [
            # Serve the newest run of a draft, and the workers.
            models.Index(fields=["policy_id", "-id"], name="backtest_by_policy"),
            models.Index(
                fields=["id"], condition=models.Q(state__in=["waiting", "running"]), name="backtest_open"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.policy_name} {self.period_from} – {self.period_to}"

    @transition(field=state, source=State.WAITING, target=State.RUNNING)
    def begin(self) -> None:
        """Its partitions are cut."""

    @transition(field=state, source=State.RUNNING, target=State.DONE)
    def finish(self) -> None:
        """Every partition is judged."""

    @transition(field=state, source=[State.WAITING, State.RUNNING], target=State.FAILED)
    def fail(self) -> None:
        """A partition could not be judged, however often it was tried."""

    @transition(field=state, source=[State.WAITING, State.RUNNING], target=State.CANCELLED)
    def cancel(self) -> None:
        """Nobody waits for it any more."""


class BacktestPartition(models.Model):
    """A range of decisions by key, claimed by one worker for as long as its lease; judged whole or not at all."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(
        verbose_name=_("back-test"), to=BacktestRun, on_delete=models.CASCADE, related_name="partitions"
    )
    first_key = models.UUIDField()
    last_key = models.UUIDField()
    rows_count = models.PositiveIntegerField(_("decisions"))
    is_done = models.BooleanField(_("done"), default=False)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    figures = models.JSONField(_("figures"), default=dict)

    class Meta:
        verbose_name = _("partition of a back-test")
        verbose_name_plural = _("partitions of back-tests")
        constraints = [models.UniqueConstraint(fields=["run", "first_key"], name="backtest_partition_once")]
        # Serves the workers: what is left to do.
        indexes = [models.Index(fields=["run"], condition=models.Q(is_done=False), name="backtest_partition_open")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.rows_count}"


class BacktestChange(models.Model):
    """A past decision, or a run of the layers, that the draft would have made otherwise. Written once."""

    class Direction(models.TextChoices):
        BETTER = "better", _("Better for the customer")
        WORSE = "worse", _("Worse for the customer")
        OTHER = "other", _("Neither")

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(
        verbose_name=_("back-test"), to=BacktestRun, on_delete=models.CASCADE, related_name="changes"
    )
    decision = models.ForeignKey(
        verbose_name=_("decision"), to=Decision, on_delete=models.PROTECT, related_name="+", null=True, blank=True,
        db_index=False,
    )  # fmt: skip
    screening = models.ForeignKey(
        verbose_name=_("screening"), to=Screening, on_delete=models.PROTECT, related_name="+", null=True, blank=True,
        db_index=False,
    )  # fmt: skip
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    business_date = models.DateField(_("business date"))
    direction = models.CharField(_("for the customer"), max_length=6, choices=Direction.choices)
    old_outcome = models.CharField(_("outcome then"), max_length=10)
    new_outcome = models.CharField(_("outcome by the draft"), max_length=10)
    # The first layer that acted, or the first reason of a decision.
    old_acts = models.CharField(_("what decided then"), max_length=60, blank=True, default="")
    new_acts = models.CharField(_("what decides by the draft"), max_length=60, blank=True, default="")
    old_score = models.DecimalField(_("score then"), max_digits=7, decimal_places=2, null=True, blank=True)
    new_score = models.DecimalField(_("score by the draft"), max_digits=7, decimal_places=2, null=True, blank=True)
    old_tier = models.CharField(_("tier then"), max_length=20, blank=True, default="", choices=TierCode.choices)
    new_tier = models.CharField(_("tier by the draft"), max_length=20, blank=True, default="", choices=TierCode.choices)
    old_limit_amount = MoneyField(_("limit then"), null=True, blank=True)
    new_limit_amount = MoneyField(_("limit by the draft"), null=True, blank=True)
    old_daily_rate = RateField(_("daily rate then"), null=True, blank=True)
    new_daily_rate = RateField(_("daily rate by the draft"), null=True, blank=True)

    class Meta:
        verbose_name = _("changed decision of a back-test")
        verbose_name_plural = _("changed decisions of back-tests")
        ordering = ["-id"]
        # Serves the list of a run, by direction too.
        indexes = [models.Index(fields=["run", "direction", "-id"], name="backtest_change_by_run")]

    def __str__(self) -> str:
        return f"{self.get_direction_display()} {self.business_date}"
