from datetime import date

from django.db import models
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7


class InvitationState(models.TextChoices):
    ISSUED = "issued", _("Issued")
    ACCEPTED = "accepted", _("Accepted")
    EXPIRED = "expired", _("Expired")
    REVOKED = "revoked", _("Revoked")


class InvitationBatch(models.Model):
    """Invitations issued together: by staff, by file or by a pre-screening round (R1)."""

    class Source(models.TextChoices):
        STAFF = "staff", _("Staff")
        FILE = "file", _("File")
        PRESCREENING = "prescreening", _("Pre-screening")
        COMMAND = "command", _("Command")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.CharField(_("source"), max_length=20, choices=Source.choices)
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=200)
    file_name = models.CharField(_("file"), max_length=200, blank=True, default="")
    issued_count = models.PositiveIntegerField(_("issued"), default=0)
    created_by = models.CharField(_("by"), max_length=150)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("invitation batch")
        verbose_name_plural = _("invitation batches")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_source_display()} {localtime(self.created_at):%Y-%m-%d %H:%M}"


class Invitation(models.Model):
    """Leave to apply for one product until a date. Names an openid: the person may not have come yet."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    batch = models.ForeignKey(
        verbose_name=_("invitation batch"), to=InvitationBatch, on_delete=models.PROTECT, related_name="invitations"
    )
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    openid = models.CharField(_("openid"), max_length=128, db_index=True)
    state = StateField(
        _("state"),
        max_length=20,
        choices=InvitationState.choices,
        default=InvitationState.ISSUED,
        protected=True,
    )
    reason = models.CharField(_("reason"), max_length=200)
    issued_date = models.DateField(_("issued on"))
    expires_date = models.DateField(_("last day"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["openid", "product"],
                condition=models.Q(state="issued"),
                name="one_open_invitation",
            )
        ]
        # Serves the nightly expiry.
        indexes = [
            models.Index(fields=["expires_date"], condition=models.Q(state="issued"), name="invitation_to_expire")
        ]

    def __str__(self) -> str:
        return f"{self.openid} {self.product_id}"

    def is_live_on(self, day: date) -> bool:
        """Usable on that business date: the last day counts."""
        return self.state == InvitationState.ISSUED and self.expires_date >= day

    @transition(field=state, source=InvitationState.ISSUED, target=InvitationState.ACCEPTED)
    def accept(self) -> None:
        """The customer started an application with it."""

    @transition(field=state, source=InvitationState.ISSUED, target=InvitationState.EXPIRED)
    def expire(self) -> None:
        """Its last day passed."""

    @transition(field=state, source=InvitationState.ISSUED, target=InvitationState.REVOKED)
    def revoke(self) -> None:
        """Staff took it back."""
