from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from risk.models.product import VersionedPolicy
from weilidai.lib.ids import uuid7
from weilidai.lib.money import RateField


class MonitoringPolicy(VersionedPolicy):
    """How the desk watches itself: the approval band of R7, and how soon alerts and referrals are looked at."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40, default="desk")
    approval_rate_min = RateField(_("approval rate from"), default=Decimal("0.620000"))
    approval_rate_max = RateField(_("approval rate to"), default=Decimal("0.750000"))
    approval_window_days = models.PositiveSmallIntegerField(_("days the approval rate looks back"), default=30)
    approval_decisions_min = models.PositiveIntegerField(_("decisions needed to judge the rate"), default=50)
    alert_hours_low = models.PositiveSmallIntegerField(_("hours for an alert, low"), default=120)
    alert_hours_medium = models.PositiveSmallIntegerField(_("hours for an alert, medium"), default=72)
    alert_hours_high = models.PositiveSmallIntegerField(_("hours for an alert, high"), default=24)
    alert_hours_critical = models.PositiveSmallIntegerField(_("hours for an alert, critical"), default=4)
    snooze_days_max = models.PositiveSmallIntegerField(_("longest snooze of alerts, days"), default=90)
    review_claim_minutes = models.PositiveSmallIntegerField(_("minutes a review stays claimed"), default=20)
    referral_hours = models.PositiveSmallIntegerField(_("hours for a referred application"), default=24)
    # What "bad" means where loans of our own teach a scorecard.
    label_days_past_due = models.PositiveSmallIntegerField(_("bad: ever more days past due than"), default=90)
    label_months = models.PositiveSmallIntegerField(_("bad: within months on book"), default=12)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("monitoring policy")
        verbose_name_plural = _("monitoring policies")
        ordering = ["code", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="monitoring_version_once")]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"
