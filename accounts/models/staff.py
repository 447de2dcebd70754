from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class StaffUser(AbstractUser):
    """Somebody who works in the back office. What they see and do follows from their roles (groups)."""

    display_name = models.CharField(_("display name"), max_length=80, blank=True)

    # A temporary password opens nothing but the page on which its owner chooses another; it ends by itself.
    must_change_password = models.BooleanField(_("must choose a password"), default=False)
    temporary_until = models.DateTimeField(_("temporary password until"), null=True, blank=True)

    class Meta:
        verbose_name = _("staff user")
        verbose_name_plural = _("staff users")

    def __str__(self) -> str:
        return self.display_name or self.username
