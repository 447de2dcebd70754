from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7


class Device(models.Model):
    """A device a customer came from. Money moves only from verified ones (R35)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="devices"
    )
    fingerprint = models.CharField(_("fingerprint"), max_length=200)
    user_agent = models.CharField(_("user agent"), max_length=300, blank=True, default="")
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    last_ip = models.GenericIPAddressField(_("last IP"), null=True, blank=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ["-last_seen_at"]
        constraints = [models.UniqueConstraint(fields=["customer", "fingerprint"], name="one_row_per_customer_device")]
        # Serves "who else uses this device" of the relationship checks.
        indexes = [models.Index(fields=["fingerprint"], name="device_by_fingerprint")]

    def __str__(self) -> str:
        return self.fingerprint

    @property
    def is_verified(self) -> bool:
        return self.verified_at is not None
