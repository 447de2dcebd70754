from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from risk.models.credit_line import FreezeReason
from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.owner import OwnerField


class AppealState(models.TextChoices):
    SUBMITTED = "submitted", _("Submitted")
    PASSED = "passed", _("Documents passed")
    DOUBTFUL = "doubtful", _("Documents doubtful")
    ESCALATED = "escalated", _("With a supervisor")
    GRANTED = "granted", _("Granted")
    REFUSED = "refused", _("Refused")
    LAPSED = "lapsed", _("No longer needed")


WAITING_APPEALS = (AppealState.SUBMITTED, AppealState.PASSED, AppealState.DOUBTFUL)
OPEN_APPEALS = (*WAITING_APPEALS, AppealState.ESCALATED)


class Appeal(models.Model):
    """A customer's word against a freeze, with three pictures (R39).

    `due_date` is the last working day for an answer, `due_at` the hour on it; both are fixed when it comes in.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="appeals"
    )
    credit_line = models.ForeignKey(
        verbose_name=_("credit line"), to="risk.CreditLine", on_delete=models.PROTECT, related_name="appeals"
    )
    state = StateField(
        _("state"), max_length=12, choices=AppealState.choices, default=AppealState.SUBMITTED, protected=True
    )
    statement = models.TextField(_("statement"), blank=True, default="")
    frozen_reason = models.CharField(_("frozen because"), max_length=30, choices=FreezeReason.choices)
    received_at = models.DateTimeField(_("received at"))
    received_date = models.DateField(_("received on"))
    remind_date = models.DateField(_("reminder on"))
    remind_at = models.DateTimeField(_("reminder at"))
    due_date = models.DateField(_("due on"))
    due_at = models.DateTimeField(_("due at"))
    reminded_at = models.DateTimeField(_("reminded at"), null=True, blank=True)
    checked_at = models.DateTimeField(_("documents checked at"), null=True, blank=True)
    # Whoever asks the institution about the pictures holds the row until then.
    check_claimed_until = models.DateTimeField(_("check claimed until"), null=True, blank=True)
    handler = models.ForeignKey(
        verbose_name=_("handled by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    is_late = models.BooleanField(_("late"), default=False)
    answer = models.CharField(_("answer"), max_length=500, blank=True, default="")
    answered_by = models.ForeignKey(
        verbose_name=_("answered by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        ordering = ["-id"]
        permissions = [("decide_escalated_appeal", _("Can decide an escalated appeal"))]
        constraints = [
            models.UniqueConstraint(
                fields=["credit_line"], condition=models.Q(state__in=OPEN_APPEALS), name="one_open_appeal"
            )
        ]
        indexes = [
            # Serves the queue, the poller and the night: what is open, by time left.
            models.Index(fields=["due_at"], condition=models.Q(state__in=OPEN_APPEALS), name="appeal_open_by_due"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.received_date}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_APPEALS

    @transition(field=state, source=AppealState.SUBMITTED, target=AppealState.PASSED)
    def documents_pass(self) -> None:
        """Every picture passed the automatic checks."""

    @transition(field=state, source=AppealState.SUBMITTED, target=AppealState.DOUBTFUL)
    def documents_fail(self) -> None:
        """At least one picture did not pass: only a person may grant it."""

    @transition(field=state, source=list(WAITING_APPEALS), target=AppealState.ESCALATED)
    def escalate(self) -> None:
        """The last working day is over and nothing allows an automatic answer."""

    @transition(field=state, source=list(OPEN_APPEALS), target=AppealState.GRANTED)
    def grant(self) -> None:
        """The freeze is taken back."""

    @transition(field=state, source=list(OPEN_APPEALS), target=AppealState.REFUSED)
    def refuse(self) -> None:
        """The freeze stands."""

    @transition(field=state, source=list(OPEN_APPEALS), target=AppealState.LAPSED)
    def lapse(self) -> None:
        """The line was unfrozen or closed on another way."""


class AppealImage(models.Model):
    """One of the three pictures and what the automatic checks said of it; `passed` is empty until they did."""

    class Kind(models.TextChoices):
        ID_FRONT = "id_front", _("Identity card, front")
        ID_BACK = "id_back", _("Identity card, back")
        HOLDING_ID = "holding_id", _("Person holding the card")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    appeal = models.ForeignKey(verbose_name=_("appeal"), to=Appeal, on_delete=models.PROTECT, related_name="images")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    image = models.OneToOneField(
        verbose_name=_("stored image"), to="accounts.StoredImage", on_delete=models.PROTECT, related_name="+"
    )
    faults: "models.JSONField[list[str], list[str]]" = models.JSONField(_("faults"), default=list)
    passed = models.BooleanField(_("passed"), null=True)
    reference = models.CharField(_("check reference"), max_length=100, blank=True, default="")
    customer_id = OwnerField(of="appeal")

    class Meta:
        verbose_name = _("picture of an appeal")
        verbose_name_plural = _("pictures of appeals")
        # Backwards by name is the order in which they are asked for: front, back, person.
        ordering = ["-kind"]
        constraints = [models.UniqueConstraint(fields=["appeal", "kind"], name="appeal_image_once")]

    def __str__(self) -> str:
        return str(self.get_kind_display())
