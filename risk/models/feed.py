"""How the outside world's data came in: one delivery per file or request, its rejected rows kept."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7


class FeedKind(models.TextChoices):
    CUSTOMERS = "customers", _("Customers")
    SCORES = "scores", _("Scores")
    ACTIVITY = "activity", _("Activity")
    PAYMENTS = "payments", _("Payments")
    ASSETS = "assets", _("Assets")
    FRIENDS = "friends", _("Friends")
    LOGINS = "logins", _("Logins")
    BUREAU = "bureau", _("Credit bureau")
    AUXILIARY = "auxiliary", _("Auxiliary items")
    GREEN = "green", _("Green acts")


class FeedDelivery(models.Model):
    """One file or request of one kind. `lines_done` is where a broken import goes on."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=FeedKind.choices)
    source = models.CharField(_("source"), max_length=300)
    content_sha256 = models.CharField(_("SHA-256 of the file"), max_length=64, blank=True, default="")
    business_date = models.DateField(_("business date"))
    lines_done = models.PositiveBigIntegerField(_("lines read"), default=0)
    good_count = models.PositiveBigIntegerField(_("good rows"), default=0)
    bad_count = models.PositiveBigIntegerField(_("bad rows"), default=0)
    repeated_count = models.PositiveBigIntegerField(_("repeated rows"), default=0)
    started_at = models.DateTimeField(_("started at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("feed delivery")
        verbose_name_plural = _("feed deliveries")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"


class FeedRejection(models.Model):
    """A row that was not taken in: which line, which field, why."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(
        verbose_name=_("feed delivery"), to=FeedDelivery, on_delete=models.CASCADE, related_name="rejections"
    )
    line_number = models.PositiveBigIntegerField(_("line"))
    field = models.CharField(_("field"), max_length=60, blank=True, default="")
    code = models.CharField(_("code"), max_length=40)
    detail = models.CharField(_("reason"), max_length=300)
    row_excerpt = models.CharField(_("row"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.line_number}: {self.detail}"
