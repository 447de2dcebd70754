"""The business date: the lending day in Asia/Shanghai that all work is keyed by. Read at the edge only."""

import time
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from weilidai.lib.errors import DomainError, TryAgain
from weilidai.lib.models import BusinessDay, JobRun
from weilidai.lib.prepared import Written, ask, prepared

SHANGHAI = ZoneInfo("Asia/Shanghai")
# The advisory lock of the date: shared by every transaction that writes on it, alone for the one that moves it.
DATE_LOCK = 0x77_65_69_6C_69
# How long writers may have to wait behind a date that is about to move, and how often it is tried.
MOVE_WAIT, MOVE_PAUSE_SECONDS, MOVE_TRIES = "1s", 0.2, 100
LOCK_NOT_AVAILABLE = "55P03"
HELD = Written(f"SELECT pg_advisory_xact_lock_shared({DATE_LOCK})")


class BusinessDateFixed(DomainError):
    code = "business_date_fixed"
    title = _("A day has been closed: the business date now moves by the end of day only")
    http_state = 409


def clock_date(at: datetime) -> date:
    """The calendar day in Shanghai at an instant."""
    return at.astimezone(SHANGHAI).date()


def _is_shared() -> bool:
    """Whether others may move the date beside this transaction; SQLite lets one writer in at a time."""
    return connection.vendor == "postgresql" and connection.in_atomic_block


def business_date_hold(as_of: date) -> None:
    """For work that was given its date before its transaction began: the date stays open until the transaction ends.

    Raises TryAgain where it has passed already: the night would not see what is written on it any more.
    """
    rows = _read_held()
    if rows and rows[0] > as_of:
        raise TryAgain


def current_business_date() -> date:
    """The open day; a new installation opens today's. Read inside a transaction, it stays open until that ends."""
    rows = _read_held()
    return rows[0] if rows else _first_day_open()


def _read_held() -> list[date]:
    """The lock is taken before the date is looked at, in one trip."""
    return ask(HELD.of(), open_day.of())[1] if _is_shared() else open_day()


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


def business_day_close_begin(day: date, *, at: datetime) -> BusinessDay:
    """Opens the next day and marks this one closing, once everybody is done who is still writing on it.

    Safe to repeat; a day that is already closing or closed is returned as it is. Raises TryAgain where somebody
    writes on the day without end.
    """
    for _try in range(MOVE_TRIES):
        row = BusinessDay.objects.get(date=day)
        if row.state != BusinessDay.State.OPEN:
            return row
        try:
            return _date_move(day, at)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
        time.sleep(MOVE_PAUSE_SECONDS)
    raise TryAgain


@transaction.atomic
def _date_move(day: date, at: datetime) -> BusinessDay:
    if _is_shared():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{MOVE_WAIT}'")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [DATE_LOCK])
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
