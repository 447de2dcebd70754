"""A run over all open lines for a period, or a dry run of one that only counts; shared by reviews and raises."""

from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7


class RunState(models.TextChoices):
    WAITING = "waiting", _("Waiting for release")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    DISCARDED = "discarded", _("Discarded")


class LineRun(models.Model):
    """Its ranges of keys are `JobRun` rows (`weilidai/lib/partitions.py`); `summary` adds up what they counted."""

    # What the audit trail and the ranges call it, and the column that says for which period it is.
    NAME: ClassVar[str]
    PERIOD: ClassVar[str]

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    is_dry_run = models.BooleanField(_("dry run"), default=False)
    state = StateField(_("state"), max_length=10, choices=RunState.choices, default=RunState.RUNNING, protected=True)
    business_date = models.DateField(_("business date"))
    created_at = models.DateTimeField(_("created at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    started_by = models.ForeignKey(
        verbose_name=_("started by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True,
        related_name="+",
    )  # fmt: skip
    released_by = models.ForeignKey(
        verbose_name=_("released by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True,
        related_name="+",
    )  # fmt: skip
    summary = models.JSONField(_("summary"), default=dict, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.period:%Y-%m}"

    @property
    def period(self) -> date:
        """First day of the quarter or month."""
        first: date = getattr(self, self.PERIOD)
        return first

    @property
    def job(self) -> str:
        """The name of its ranges: those of a dry run are its own."""
        return f"risk.{self.NAME}:{self.pk}"

    @transition(field="state", source=RunState.WAITING, target=RunState.RUNNING)
    def release(self) -> None:
        """A second person has seen the dry run."""

    @transition(field="state", source=RunState.RUNNING, target=RunState.DONE)
    def finish(self) -> None:
        """Every range is done."""

    @transition(field="state", source=RunState.WAITING, target=RunState.DISCARDED)
    def discard(self) -> None:
        """The period is passed over."""
