from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7


class ConsentCode(models.TextChoices):
    """What a customer can agree to and take back, one by one (R55)."""

    CREDIT_REPORT = "credit_report", _("Query of the credit report")
    THIRD_PARTY_DATA = "third_party_data", _("Data from third parties")
    PERSONAL_INFORMATION = "personal_information", _("Processing of personal information")
    ECNY_WALLET = "ecny_wallet", _("Digital-RMB wallet in the assessment")
    MARKETING = "marketing", _("Marketing messages")


class Consent(models.Model):
    """One grant of a consent; withdrawing closes the row, granting again opens a new one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="consents"
    )
    code = models.CharField(_("consent"), max_length=40, choices=ConsentCode.choices)
    source = models.CharField(_("source"), max_length=100, blank=True, default="")
    granted_at = models.DateTimeField(_("granted at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-granted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "code"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="one_live_consent_per_code",
            )
        ]

    def __str__(self) -> str:
        return str(self.get_code_display())
