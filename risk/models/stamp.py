"""Tells processes that a policy changed."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PolicyStamp(models.Model):
    """One row with a random word. Triggers of the database renew it with every change of a row of policy, however it
    was written (`risk/selectors/remembered.py`)."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    value = models.CharField(max_length=36)

    class Meta:
        verbose_name = _("policy stamp")
        verbose_name_plural = _("policy stamps")

    def __str__(self) -> str:
        return self.value
