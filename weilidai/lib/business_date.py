"""The business date: the lending day in Asia/Shanghai that all work is keyed by. Read at the edge only."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from weilidai.lib.errors import DomainError
from weilidai.lib.models import BusinessDay, JobRun
from weilidai.lib.prepared import prepared

SHANGHAI = ZoneInfo("Asia/Shanghai")


class BusinessDateFixed(DomainError):
    code = "business_date_fixed"
    title = _("A day has been closed: the business date now moves by the end of day only")
    http_state = 409


def clock_date(at: datetime) -> date:
    """The calendar day in Shanghai at an instant."""
    return at.astimezone(SHANGHAI).date()


def current_business_date() -> date:
    """The open day; a new installation opens today's."""
    rows = open_day()
    return rows[0] if rows else _first_day_open()


@prepared
def open_day() -> Any:
    return BusinessDay.objects.filter(state=BusinessDay.State.OPEN).order_by("-date").values_list("date", flat=True)[:1]


def _first_day_open() -> date:
    now = timezone.now()
    try:
        with transaction.atomic():
            return BusinessDay.objects.create(date=clock_date(now), opened_at=now).date
    except IntegrityError:
        return BusinessDay.objects.get(state=BusinessDay.State.OPEN).date


@transaction.atomic
def business_date_set(day: date, *, at: datetime) -> date:
    """Sets the date by hand where no day was closed yet; from then on it does not follow the clock.

    The rehearsed days of the demo do not count as closed: those from `day` on are lived anew.
    """
    if BusinessDay.objects.filter(is_rehearsal=False).exclude(state=BusinessDay.State.OPEN).exists():
        raise BusinessDateFixed
    BusinessDay.objects.filter(state=BusinessDay.State.OPEN).delete()
    BusinessDay.objects.filter(date__gte=day).delete()
    JobRun.objects.filter(business_date__gte=day, job__startswith="end_of_day.").delete()
    return BusinessDay.objects.create(date=day, opened_at=at, follows_clock=False).date


@transaction.atomic
def business_date_rehearse(day: date, *, at: datetime) -> date:
    """Begins the demo's past at `day`; its days follow the clock once today is reached."""
    if BusinessDay.objects.exclude(state=BusinessDay.State.OPEN).exists():
        raise BusinessDateFixed
    BusinessDay.objects.all().delete()
    return BusinessDay.objects.create(date=day, opened_at=at, is_rehearsal=True).date


@transaction.atomic
def business_day_close_begin(day: date, *, at: datetime) -> BusinessDay:
    """Opens the next day and marks this one closing, so that customers are never made to wait.

    Safe to repeat; a day that is already closing or closed is returned as it is.
    """
    row = BusinessDay.objects.select_for_update(no_key=True).get(date=day)
    if row.state == BusinessDay.State.OPEN:
        row.state = BusinessDay.State.CLOSING
        row.save(update_fields=["state"])
        following = day + timedelta(days=1)
        BusinessDay.objects.create(
            date=following,
            opened_at=at,
            follows_clock=row.follows_clock,
            is_rehearsal=row.is_rehearsal and following < clock_date(at),
        )
    return row


@transaction.atomic
def business_day_close_finish(day: date, *, at: datetime) -> BusinessDay:
    """All steps are done: the day is closed for good."""
    row = BusinessDay.objects.select_for_update(no_key=True).get(date=day)
    if row.state == BusinessDay.State.CLOSING:
        row.state = BusinessDay.State.CLOSED
        row.closed_at = at
        row.save(update_fields=["state", "closed_at"])
    return row
