from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7


class ApplicationState(models.TextChoices):
    STARTED = "started", _("Started")
    DOCUMENTS_SIGNED = "documents_signed", _("Documents signed")
    IDENTITY_VERIFIED = "identity_verified", _("Identity verified")
    ASSESSING = "assessing", _("Assessing")
    REFERRED = "referred", _("Referred")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")


S = ApplicationState
OPEN_STATES = (S.STARTED, S.DOCUMENTS_SIGNED, S.IDENTITY_VERIFIED, S.ASSESSING, S.REFERRED)
# A referred application waits for us, not for the customer: it never expires under them.
EXPIRING_STATES = (S.STARTED, S.DOCUMENTS_SIGNED, S.IDENTITY_VERIFIED)


class CreditApplication(models.Model):
    """A customer's way from invitation to decision, for one product."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="applications"
    )
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    terms = models.ForeignKey(
        verbose_name=_("product terms"), to="risk.ProductTerms", on_delete=models.PROTECT, related_name="+"
    )
    invitation = models.OneToOneField(
        verbose_name=_("invitation"), to="risk.Invitation", on_delete=models.PROTECT, related_name="application"
    )
    state = StateField(_("state"), max_length=20, choices=S.choices, default=S.STARTED, protected=True)
    started_date = models.DateField(_("started on"))
    expires_date = models.DateField(_("last day"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("credit application")
        verbose_name_plural = _("credit applications")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "product"],
                condition=models.Q(
                    state__in=["started", "documents_signed", "identity_verified", "assessing", "referred"]
                ),
                name="one_open_application",
            )
        ]
        indexes = [
            # Serves the review queue and the list by state.
            models.Index(fields=["state", "-id"], name="application_by_state"),
            # Serves the nightly expiry.
            models.Index(fields=["expires_date"], name="application_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.started_date}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @transition(field=state, source=S.STARTED, target=S.DOCUMENTS_SIGNED)
    def sign_documents(self) -> None:
        """All six current texts are signed."""

    @transition(field=state, source=S.DOCUMENTS_SIGNED, target=S.IDENTITY_VERIFIED)
    def verify_identity(self) -> None:
        """Payment password, liveness and voiceprint passed."""

    @transition(field=state, source=S.IDENTITY_VERIFIED, target=S.ASSESSING)
    def begin_assessment(self) -> None:
        """The decision is being made."""

    @transition(field=state, source=[S.ASSESSING, S.REFERRED], target=S.APPROVED)
    def approve(self) -> None:
        """A line is opened in the same transaction."""

    @transition(field=state, source=[S.ASSESSING, S.REFERRED], target=S.REJECTED)
    def reject(self) -> None:
        """Refused, with reasons kept in the decision."""

    @transition(field=state, source=S.ASSESSING, target=S.REFERRED)
    def refer(self) -> None:
        """A person decides."""

    @transition(field=state, source=list(OPEN_STATES), target=S.CANCELLED)
    def cancel(self) -> None:
        """The customer no longer wants it."""

    @transition(field=state, source=list(EXPIRING_STATES), target=S.EXPIRED)
    def expire(self) -> None:
        """Its last day passed before the customer was done."""
