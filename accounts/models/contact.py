from datetime import time

from django.db import models
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.models.customer import Customer
from accounts.models.notification import Notification
from weilidai.lib.ids import uuid7


class ContactRule(models.Model):
    """When and how often a person may be contacted about a debt (R60); the newest row not after a day holds."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    valid_from = models.DateField(_("valid from"), unique=True)
    quiet_from = models.TimeField(_("quiet from"), default=time(22))
    quiet_to = models.TimeField(_("quiet until"), default=time(8))
    attempts_per_day_max = models.PositiveSmallIntegerField(_("attempts a day and number"), default=6)
    source = models.CharField(_("source"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("contact rule")
        verbose_name_plural = _("contact rules")
        ordering = ["-valid_from"]

    def __str__(self) -> str:
        return str(self.valid_from)


class ContactChannel(models.TextChoices):
    SMS = "sms", _("SMS")
    CALL = "call", _("Telephone call")


class ContactAttempt(models.Model):
    """One attempt to reach a person. The row stands before the attempt is made, so that none goes uncounted."""

    class State(models.TextChoices):
        INTENDED = "intended", _("Outcome not known yet")
        DONE = "done", _("Made")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to=Customer, on_delete=models.PROTECT, related_name="contact_attempts"
    )
    channel = models.CharField(_("channel"), max_length=10, choices=ContactChannel.choices)
    is_about_debt = models.BooleanField(_("about a debt"))
    # The number itself is not kept a second time: its hash counts attempts, the last digits are for people.
    phone_hash = models.CharField(max_length=64, editable=False)
    phone_tail = models.CharField(_("last four digits"), max_length=4)
    notification = models.OneToOneField(
        verbose_name=_("notification"),
        to=Notification,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contact_attempt",
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.INTENDED)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    at = models.DateTimeField(_("time"))
    local_date = models.DateField(_("day"))
    actor_name = models.CharField(_("by"), max_length=150, blank=True, default="")
    result = models.CharField(_("result"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("contact attempt")
        verbose_name_plural = _("contact attempts")
        ordering = ["-id"]
        # Serves a customer's history of contacts.
        indexes = [models.Index(fields=["customer", "-id"], name="contact_by_customer")]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {localtime(self.at):%Y-%m-%d %H:%M}"


class ContactDay(models.Model):
    """How often a number was contacted about a debt on a day; its lock keeps parallel attempts under the bound."""

    id = models.BigAutoField(primary_key=True)
    phone_hash = models.CharField(max_length=64)
    local_date = models.DateField(_("day"))
    attempts_count = models.PositiveSmallIntegerField(_("attempts"), default=0)

    class Meta:
        verbose_name = _("contacts of a day")
        verbose_name_plural = _("contacts of a day")
        constraints = [models.UniqueConstraint(fields=["phone_hash", "local_date"], name="contact_day_once")]

    def __str__(self) -> str:
        return f"{self.local_date} {self.attempts_count}"
