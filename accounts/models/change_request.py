from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7


class ChangeState(models.TextChoices):
    PENDING = "pending", _("Waits for a second person")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ChangeRequest(models.Model):
    """A change one person asks for and another makes true. `kind` names the function that applies it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind of change"), max_length=40)
    subject_type = models.CharField(_("object"), max_length=60)
    subject_id = models.CharField(_("object id"), max_length=64)
    subject_name = models.CharField(_("what is changed"), max_length=200)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    reason = models.CharField(_("reason"), max_length=300)
    state = StateField(
        _("state"), max_length=10, choices=ChangeState.choices, default=ChangeState.PENDING, protected=True
    )
    requested_by = models.ForeignKey(
        verbose_name=_("requested by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField(_("requested at"))
    decided_by = models.ForeignKey(
        verbose_name=_("decided by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision_reason = models.CharField(_("reason of the decision"), max_length=300, blank=True, default="")
    # What the approval tells who approved, this once; never stored.
    told = ""

    class Meta:
        verbose_name = _("request for a change")
        verbose_name_plural = _("requests for changes")
        ordering = ["-id"]
        permissions = [("approve_changerequest", _("May approve changes as the second person"))]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_type", "subject_id"],
                condition=models.Q(state="pending"),
                name="one_pending_change",
            )
        ]
        indexes = [models.Index(fields=["state", "-id"], name="change_request_by_state")]

    def __str__(self) -> str:
        return self.subject_name

    @transition(field=state, source=ChangeState.PENDING, target=ChangeState.APPROVED)
    def approve(self) -> None:
        """A second person makes it true."""

    @transition(field=state, source=ChangeState.PENDING, target=ChangeState.REFUSED)
    def refuse(self) -> None:
        """A second person says no."""

    @transition(field=state, source=ChangeState.PENDING, target=ChangeState.WITHDRAWN)
    def withdraw(self) -> None:
        """Who asked no longer wants it."""
