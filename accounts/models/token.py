from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken


class CustomerToken(AbstractAuthToken):
    """A customer's access token: only its hash is stored, deleting the row revokes it at once."""

    user = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.CASCADE, related_name="auth_token_set"
    )

    class Meta:
        verbose_name = _("customer token")
        verbose_name_plural = _("customer tokens")
