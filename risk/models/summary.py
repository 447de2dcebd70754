from django.db import models
from django.utils.translation import gettext_lazy as _


class BehaviourMonth(models.Model):
    """What a customer did in a calendar month, day by day and packed: the feeds mark it stale, the next reader or
    the end of the delivery builds it anew from the stored rows.

    `packed` holds little-endian records of day (0-30), measure and value; see `risk/variables/packing.py`.
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    month = models.DateField(_("month"))
    layout_version = models.PositiveSmallIntegerField(_("layout"), default=0)
    is_stale = models.BooleanField(_("stale"), default=True)
    packed = models.BinaryField(default=b"")

    class Meta:
        verbose_name = _("month of behaviour")
        verbose_name_plural = _("months of behaviour")
        constraints = [models.UniqueConstraint(fields=["customer", "month"], name="behaviour_month_once")]
        indexes = [
            # Serves the builder: what the feeds marked and nobody built yet.
            models.Index(fields=["customer"], condition=models.Q(is_stale=True), name="behaviour_month_stale")
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
