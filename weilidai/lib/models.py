"""What every app needs to be trusted: audit trail, state changes, idempotency, business days, job runs."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7


class AppendOnlyError(Exception):
    """Somebody tried to change or delete a row that is evidence."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Many rows at once are no way round."""

    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError(f"{self.model._meta.label} rows are never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError(f"{self.model._meta.label} rows are never deleted")


class AppendOnlyModel(models.Model):
    """Rows are written once."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{self._meta.label} rows are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError(f"{self._meta.label} rows are never deleted")


class AuditEvent(AppendOnlyModel):
    """Who did what to which object, exactly once per act (invariant I12)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("time"))
    business_date = models.DateField(_("business date"), null=True, blank=True)
    action = models.CharField(_("action"), max_length=80)
    actor_kind = models.CharField(_("kind of actor"), max_length=20)
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True, default="")
    actor_name = models.CharField(_("by"), max_length=150, blank=True, default="")
    subject_type = models.CharField(_("object"), max_length=60)
    subject_id = models.CharField(_("object id"), max_length=64)
    customer_id = models.UUIDField(_("customer id"), null=True, blank=True)
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    ip = models.GenericIPAddressField(_("IP"), null=True, blank=True)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-id"]
        indexes = [
            # Serve one object's history, one customer's timeline, one person's acts.
            models.Index(fields=["subject_type", "subject_id"], name="audit_by_subject"),
            models.Index(fields=["customer_id", "-id"], name="audit_by_customer"),
            models.Index(fields=["actor_kind", "actor_id", "-id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_type}"


class StateChange(AppendOnlyModel):
    """One step of one state machine."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("time"))
    business_date = models.DateField(_("business date"))
    subject_type = models.CharField(_("object"), max_length=60)
    subject_id = models.CharField(_("object id"), max_length=64)
    customer_id = models.UUIDField(_("customer id"), null=True, blank=True)
    field = models.CharField(_("field"), max_length=40, default="state")
    old = models.CharField(_("old state"), max_length=40)
    new = models.CharField(_("new state"), max_length=40)
    actor_kind = models.CharField(_("kind of actor"), max_length=20)
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True, default="")
    actor_name = models.CharField(_("by"), max_length=150, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("state change")
        verbose_name_plural = _("state changes")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="change_by_subject"),
            models.Index(fields=["customer_id", "-id"], name="change_by_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.old} → {self.new}"


class IdempotencyRecord(models.Model):
    """One key of one customer and the answer it got; kept for ever (invariant I4)."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer_id = models.UUIDField()
    key = models.CharField(max_length=200)
    request_path = models.CharField(max_length=300)
    body_sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    response_code = models.PositiveSmallIntegerField(null=True)
    response_body = models.JSONField(null=True)
    # Of the whole record once it is done, so that a record changed by hand shows.
    sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        constraints = [models.UniqueConstraint(fields=["customer_id", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key


class BusinessDay(models.Model):
    """A lending day. One is open; a day that is closing has already been followed by the next."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSING = "closing", _("Closing")
        CLOSED = "closed", _("Closed")

    date = models.DateField(_("business date"), primary_key=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    # A date set by hand (demo, tests) does not follow the clock: the automatic end of day waits.
    follows_clock = models.BooleanField(_("follows the clock"), default=True)
    # A day of the demo's own past: it may be set back over, nobody ever did business on it.
    is_rehearsal = models.BooleanField(_("rehearsal"), default=False)
    opened_at = models.DateTimeField(_("opened at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("business day")
        verbose_name_plural = _("business days")
        ordering = ["-date"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="open"), name="one_open_day"),
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="closing"), name="one_closing_day"),
        ]

    def __str__(self) -> str:
        return str(self.date)


class JobRun(models.Model):
    """One piece of scheduled work: unique by job, business date and partition, claimed by a lease."""

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.CharField(_("job"), max_length=80)
    business_date = models.DateField(_("business date"))
    partition = models.CharField(_("partition"), max_length=40, blank=True, default="")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    progress_done = models.PositiveBigIntegerField(_("done"), default=0)
    progress_total = models.PositiveBigIntegerField(_("of"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    claimed_by = models.CharField(_("claimed by"), max_length=120, blank=True, default="")
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True, default="")
    result = models.JSONField(_("result"), default=dict, blank=True)
    # Of a range of keys: where it begins and ends, both counted in (`weilidai/lib/partitions.py`).
    first_key = models.UUIDField(_("first key"), null=True, blank=True)
    last_key = models.UUIDField(_("last key"), null=True, blank=True)

    class Meta:
        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
        ordering = ["-business_date", "-id"]
        constraints = [models.UniqueConstraint(fields=["job", "business_date", "partition"], name="job_run_once")]
        # Serves the next range to take: looking through those done would cost more the longer a run is.
        indexes = [
            models.Index(fields=["job", "business_date", "attempts", "partition"], name="job_range_left",
                         condition=models.Q(last_key__isnull=False) & ~models.Q(state="done")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.job} {self.business_date}"


class MachineMessage(models.Model):
    """Ids of signed machine requests already taken: a recorded request cannot be sent again."""

    id = models.BigAutoField(primary_key=True)
    credential = models.CharField(max_length=60)
    message_id = models.CharField(max_length=100)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("machine message")
        verbose_name_plural = _("machine messages")
        constraints = [models.UniqueConstraint(fields=["credential", "message_id"], name="machine_message_once")]

    def __str__(self) -> str:
        return self.message_id


class SimulationRun(models.Model):
    """A life of a made-up population through the real code, in a database of its own (`manage.py simulate`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(_("created at"))
    people_count = models.PositiveIntegerField(_("people"))
    seed = models.BigIntegerField(_("seed"))
    first_date = models.DateField(_("first day lived"))
    last_date = models.DateField(_("last day lived"))
    # Of the file of assumptions: equal fingerprint, size and seed, equal table.
    assumptions_sha256 = models.CharField(_("SHA-256 of the assumptions"), max_length=64)
    duration_seconds = models.PositiveIntegerField(_("seconds"))

    class Meta:
        verbose_name = _("simulation run")
        verbose_name_plural = _("simulation runs")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.people_count} × {self.first_date}–{self.last_date}, {self.seed}"


class SimulationFigure(models.Model):
    """A figure of the specification's source, what came out of a run, and whether that is within the tolerance.

    Open ends of the range are empty; `is_within` is empty where there is nothing to judge or too little to judge by.
    """

    class Unit(models.TextChoices):
        SHARE = "share", _("Share")
        RATIO = "ratio", _("Ratio")
        POINTS = "points", _("Percentage points")
        DAILY_RATE = "daily_rate", _("Daily rate")

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(
        verbose_name=_("simulation run"), to=SimulationRun, on_delete=models.PROTECT, related_name="figures"
    )
    position = models.PositiveSmallIntegerField(_("position"))
    code = models.SlugField(_("code"), max_length=40)
    requirement = models.CharField(_("requirement"), max_length=10)
    unit = models.CharField(_("unit"), max_length=12, choices=Unit.choices)
    low = models.DecimalField(_("from"), max_digits=12, decimal_places=6, null=True, blank=True)
    high = models.DecimalField(_("to"), max_digits=12, decimal_places=6, null=True, blank=True)
    tolerance = models.DecimalField(_("tolerance"), max_digits=12, decimal_places=6)
    measured = models.DecimalField(_("came out"), max_digits=12, decimal_places=6, null=True, blank=True)
    observations_count = models.PositiveIntegerField(_("observations"))
    least_count = models.PositiveIntegerField(_("judged from, observations"))
    is_within = models.BooleanField(_("within the tolerance"), null=True, blank=True)

    class Meta:
        verbose_name = _("figure of a simulation")
        verbose_name_plural = _("figures of simulations")
        ordering = ["-run", "position"]
        constraints = [models.UniqueConstraint(fields=["run", "code"], name="simulation_figure_once")]

    def __str__(self) -> str:
        return f"{self.requirement} {self.code}"
