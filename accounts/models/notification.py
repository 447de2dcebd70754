from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7


class Notification(models.Model):
    """A notice to a customer. Kind and parameters are stored, the text is made in the reader's language.

    `dedupe_key` makes "one reminder per loan and day" hold however often the job runs.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="notifications"
    )
    kind = models.CharField(_("kind"), max_length=60)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    dedupe_key = models.CharField(_("key against repeats"), max_length=200, unique=True)
    business_date = models.DateField(_("business date"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    # SMS copy of the notice: due outside the quiet hours, sent by the poller.
    sms_due_at = models.DateTimeField(_("SMS due at"), null=True, blank=True)
    sms_sent_at = models.DateTimeField(_("SMS sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-id"]
        # Serves the customer's list, newest first, and the poller of unsent SMS.
        indexes = [
            models.Index(fields=["customer", "-id"], name="notification_by_customer"),
            models.Index(
                fields=["sms_due_at"],
                condition=models.Q(sms_sent_at__isnull=True, sms_due_at__isnull=False),
                name="notification_sms_due",
            ),
        ]

    def __str__(self) -> str:
        return self.kind
