"""Alerts as a case queue (R34): raised by layers and nightly watches, worked on by people."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from risk.rules.alerts import rule_word
from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.owner import OwnerField


class AlertState(models.TextChoices):
    OPEN = "open", _("Open")
    IN_PROGRESS = "in_progress", _("In progress")
    CLOSED = "closed", _("Closed")


class AlertSeverity(models.IntegerChoices):
    LOW = 1, _("Low")
    MEDIUM = 2, _("Medium")
    HIGH = 3, _("High")
    CRITICAL = 4, _("Critical")


class AlertOutcome(models.TextChoices):
    CONFIRMED_FRAUD = "confirmed_fraud", _("Confirmed fraud")
    SUSPICIOUS = "suspicious", _("Suspicious")
    FALSE_ALARM = "false_alarm", _("False alarm")
    NO_ACTION = "no_action", _("No action needed")


WAITING_STATES = (AlertState.OPEN, AlertState.IN_PROGRESS)


class Alert(models.Model):
    """Something a person should look at. `customer` is empty for an alert about the business as a whole.

    `dedupe_key` makes raising idempotent: the same thing seen again is counted in `repeats`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"),
        to="accounts.Customer",
        on_delete=models.PROTECT,
        related_name="alerts",
        null=True,
        blank=True,
        db_index=False,
    )
    rule = models.CharField(_("rule"), max_length=60)
    layer = models.CharField(_("layer"), max_length=40)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=AlertSeverity.choices)
    state = StateField(_("state"), max_length=12, choices=AlertState.choices, default=AlertState.OPEN, protected=True)
    owner = models.ForeignKey(
        verbose_name=_("owner"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    outcome = models.CharField(_("outcome"), max_length=20, choices=AlertOutcome.choices, blank=True, default="")
    evidence = models.JSONField(_("evidence"), default=dict)
    business_date = models.DateField(_("business date"))
    raised_at = models.DateTimeField(_("raised at"))
    due_at = models.DateTimeField(_("due at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    repeats = models.PositiveIntegerField(_("seen again"), default=0)
    dedupe_key = models.CharField(_("key against repeats"), max_length=200, unique=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        # The keys sort by time: within a severity the oldest comes first.
        ordering = ["-severity", "id"]
        indexes = [
            # Serve the queue, somebody's own cases, and the filters by rule and layer, in the order they are shown.
            models.Index(fields=["state", "-severity", "id"], name="alert_queue"),
            models.Index(fields=["owner", "state", "-severity", "id"], name="alert_by_owner"),
            models.Index(fields=["rule", "state", "-severity", "id"], name="alert_by_rule"),
            models.Index(fields=["layer", "state", "-severity", "id"], name="alert_by_layer"),
            # Serves what waits, whichever state it waits in.
            models.Index(
                fields=["-severity", "id"], condition=models.Q(state__in=["open", "in_progress"]), name="alert_waiting"
            ),
            # Serves the count of overdue alerts.
            models.Index(
                fields=["due_at"], condition=models.Q(state__in=["open", "in_progress"]), name="alert_overdue"
            ),
            # Serves one customer's alerts, newest first.
            models.Index(fields=["customer", "-id"], name="alert_by_customer"),
            # Serves the counts by rule over a period.
            models.Index(fields=["business_date", "rule"], name="alert_by_day"),
        ]

    def __str__(self) -> str:
        return f"{rule_word(self.rule)} {self.business_date}"

    @transition(field=state, source=[AlertState.OPEN, AlertState.IN_PROGRESS], target=AlertState.IN_PROGRESS)
    def take(self) -> None:
        """Somebody works on it."""

    @transition(field=state, source=[AlertState.OPEN, AlertState.IN_PROGRESS], target=AlertState.CLOSED)
    def close(self) -> None:
        """Done, with an outcome."""

    @transition(field=state, source=AlertState.CLOSED, target=AlertState.OPEN)
    def reopen(self) -> None:
        """The outcome did not hold."""


class AlertNote(models.Model):
    """What somebody found out; never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    alert = models.ForeignKey(verbose_name=_("alert"), to=Alert, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(
        verbose_name=_("author"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    text = models.TextField(_("text"))
    at = models.DateTimeField(_("time"))
    customer_id = OwnerField(of="alert")

    class Meta:
        verbose_name = _("note on an alert")
        verbose_name_plural = _("notes on alerts")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text[:60]


class AlertSnooze(models.Model):
    """For one customer and rule no alerts until the end of `until_date`; it ends by itself."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"),
        to="accounts.Customer",
        on_delete=models.PROTECT,
        related_name="alert_snoozes",
        db_index=False,
    )
    rule = models.CharField(_("rule"), max_length=60)
    until_date = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=300)
    set_by = models.ForeignKey(
        verbose_name=_("set by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    set_at = models.DateTimeField(_("set at"))
    ended_at = models.DateTimeField(_("ended early at"), null=True, blank=True)
    held_back = models.PositiveIntegerField(_("alerts held back"), default=0)

    class Meta:
        verbose_name = _("snooze of alerts")
        verbose_name_plural = _("snoozes of alerts")
        ordering = ["-id"]
        indexes = [
            # Serves the question of every raise: is this customer and rule snoozed?
            models.Index(fields=["customer", "rule", "until_date"], name="snooze_by_customer_rule"),
        ]

    def __str__(self) -> str:
        return f"{rule_word(self.rule)} {self.until_date}"
