from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.crypto import keyed_hash


def erased_hash(openid: str) -> str:
    """What is left of the openid of an erased person: it can be recognised, never read."""
    return keyed_hash(openid, "erased.openid")


class ErasedOpenid(models.Model):
    """Somebody asked to be forgotten (R55): feeds that bring the person again are not taken. Holds nothing else."""

    openid_hash = models.CharField(_("keyed hash of the openid"), max_length=64, primary_key=True)

    class Meta:
        verbose_name = _("erased person")
        verbose_name_plural = _("erased persons")

    def __str__(self) -> str:
        return self.openid_hash[:12]
