from django.db import models
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7


class VerificationPurpose(models.TextChoices):
    APPLICATION = "application", _("Credit application")
    DEVICE = "device", _("New device")


class VerificationAttempt(models.Model):
    """One try at liveness and voiceprint, with what each provider answered (R11, R51)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"),
        to="accounts.Customer",
        on_delete=models.PROTECT,
        related_name="verification_attempts",
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=VerificationPurpose.choices)
    subject_id = models.CharField(_("subject"), max_length=64, blank=True, default="")
    at = models.DateTimeField(_("time"))
    device_fingerprint = models.CharField(_("device"), max_length=200, blank=True, default="")
    ip = models.GenericIPAddressField(_("IP"), null=True, blank=True)
    liveness_passed = models.BooleanField(_("liveness passed"))
    liveness_error_rate = models.DecimalField(_("liveness error rate"), max_digits=7, decimal_places=6, null=True)
    liveness_reference = models.CharField(_("liveness reference"), max_length=100, blank=True, default="")
    voiceprint_passed = models.BooleanField(_("voiceprint passed"))
    voiceprint_error_rate = models.DecimalField(_("voiceprint error rate"), max_digits=7, decimal_places=6, null=True)
    voiceprint_reference = models.CharField(_("voiceprint reference"), max_length=100, blank=True, default="")
    passed = models.BooleanField(_("passed"))

    class Meta:
        verbose_name = _("verification attempt")
        verbose_name_plural = _("verification attempts")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.purpose} {localtime(self.at):%Y-%m-%d %H:%M}"
