from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from risk.models.application import CreditApplication
from weilidai.lib.owner import OwnerField


class ReviewClaim(models.Model):
    """Who looks at an application now, so that two people do not do the same work. It lapses by itself."""

    application = models.OneToOneField(
        verbose_name=_("credit application"),
        to=CreditApplication,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="review_claim",
    )
    claimed_by = models.ForeignKey(
        verbose_name=_("claimed by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    until = models.DateTimeField(_("claimed until"))
    customer_id = OwnerField(of="application")

    class Meta:
        verbose_name = _("claim of a review")
        verbose_name_plural = _("claims of reviews")

    def __str__(self) -> str:
        return f"{self.claimed_by} {self.until}"
