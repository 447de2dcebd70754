"""What the admin's autodiscovery finds in the roof; third parties' pages that nobody works with are taken out."""

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django_celery_beat import models as beat
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from weilidai.backoffice import customer_page, operations, simulation

__all__ = ["customer_page", "operations", "simulation"]

for _model in (
    AccessAttempt, AccessFailureLog, AccessLog, StaticDevice, TOTPDevice, beat.PeriodicTask, beat.ClockedSchedule,
    beat.CrontabSchedule, beat.IntervalSchedule, beat.SolarSchedule,
):  # fmt: skip
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
