"""The scorecard workbench: labelled people, fits of scorecards on them, and challengers run beside the live one."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from risk.models.decision import Decision, Outcome, Scorecard
from weilidai.lib.ids import uuid7
from weilidai.lib.models import AppendOnlyModel
from weilidai.lib.money import MoneyField
from weilidai.lib.owner import OwnerField


class LabelledSet(models.Model):
    """People whose end is known, as the CSV they came in: the ground a scorecard is proved on. Never changed."""

    class Kind(models.TextChoices):
        CLIENTS = "clients", _("Card clients from a file")
        LOANS = "loans", _("Our own loans")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.CLIENTS)
    name = models.CharField(_("name"), max_length=100)
    packed = models.BinaryField(_("file, gzip"))
    columns = models.JSONField(_("columns"))
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64, unique=True)
    row_count = models.PositiveIntegerField(_("clients"))
    bad_count = models.PositiveIntegerField(_("of them defaulted"))
    rejected_count = models.PositiveIntegerField(_("rows left out"))
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(
        verbose_name=_("by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        verbose_name = _("labelled set")
        verbose_name_plural = _("labelled sets")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class WorkbenchRun(models.Model):
    """A heavy computation asked for by an analyst; the row is the queue, a worker claims it."""

    class Kind(models.TextChoices):
        MEASURE = "measure", _("Measure the shipped scorecard")
        FIT = "fit", _("Fit a challenger")
        CAPACITY = "capacity", _("Fit the capacity dimension")

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    labelled_set = models.ForeignKey(
        verbose_name=_("labelled set"), to=LabelledSet, on_delete=models.PROTECT, related_name="runs"
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    card = models.JSONField(_("scorecard"), null=True, blank=True)
    report = models.JSONField(_("measures"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True, default="")
    requested_at = models.DateTimeField(_("asked for at"))
    requested_by = models.ForeignKey(
        verbose_name=_("by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("workbench run")
        verbose_name_plural = _("workbench runs")
        ordering = ["-id"]
        constraints = [
            # Asking twice while one waits asks for the same thing.
            models.UniqueConstraint(
                fields=["kind", "labelled_set"],
                condition=models.Q(state__in=["pending", "running"]),
                name="workbench_run_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} – {self.labelled_set}"


class ShadowDecision(AppendOnlyModel):
    """What a challenger would have said to a live application, or why it could not. It decides nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    scorecard = models.ForeignKey(
        verbose_name=_("challenger"), to=Scorecard, on_delete=models.PROTECT, related_name="+"
    )
    decision = models.ForeignKey(verbose_name=_("decision"), to=Decision, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField(_("business date"))
    at = models.DateTimeField(_("time"))
    live_outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    live_score = models.DecimalField(_("score"), max_digits=7, decimal_places=2)
    outcome = models.CharField(
        _("the challenger's outcome"), max_length=10, choices=Outcome.choices, blank=True, default=""
    )
    score = models.DecimalField(_("the challenger's score"), max_digits=7, decimal_places=2, null=True, blank=True)
    limit_amount = MoneyField(_("the challenger's limit"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True, default="")
    customer_id = OwnerField(of="decision")

    class Meta:
        verbose_name = _("shadow decision")
        verbose_name_plural = _("shadow decisions")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["scorecard", "decision"], name="shadow_once_per_decision")]

    def __str__(self) -> str:
        return f"{self.get_outcome_display() or self.error} {self.business_date}"
