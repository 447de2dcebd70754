"""The lending day: opened once, set by hand only before anything was closed, moved by the end of day."""

from datetime import UTC, date, datetime
from threading import Thread

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from tests.lib.conftest import AT
from weilidai.lib.business_date import (
    BusinessDateFixed,
    business_date_hold,
    business_date_rehearse,
    business_date_set,
    business_day_close_begin,
    business_day_close_finish,
    clock_date,
    current_business_date,
)
from weilidai.lib.errors import TryAgain
from weilidai.lib.models import BusinessDay, JobRun

pytestmark = pytest.mark.django_db
DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)


def states() -> dict[date, str]:
    return dict(BusinessDay.objects.values_list("date", "state"))


def close(day: date) -> None:
    business_day_close_begin(day, at=AT)
    business_day_close_finish(day, at=AT)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 11, 19, 15, 59, 59, tzinfo=UTC), date(2026, 11, 19)),
        (datetime(2026, 11, 19, 16, 0, tzinfo=UTC), date(2026, 11, 20)),
    ],
)
def test_the_clocks_day_begins_at_midnight_in_shanghai(at: datetime, day: date) -> None:
    assert clock_date(at) == day


def test_a_new_installation_opens_today_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 19, 16, 0, tzinfo=UTC))
    assert [current_business_date() for _ in range(2)] == [DAY, DAY]
    assert BusinessDay.objects.get().follows_clock


def test_a_day_set_by_hand_does_not_follow_the_clock() -> None:
    business_date_set(NEXT, at=AT)
    assert business_date_set(DAY, at=AT) == current_business_date() == DAY
    assert not BusinessDay.objects.get().follows_clock


def test_closing_opens_the_next_day_first() -> None:
    business_date_set(DAY, at=AT)
    business_day_close_begin(DAY, at=AT)
    assert states() == {DAY: "closing", NEXT: "open"}
    assert current_business_date() == NEXT
    business_day_close_finish(DAY, at=AT)
    assert states() == {DAY: "closed", NEXT: "open"}
    assert BusinessDay.objects.get(date=DAY).closed_at == AT


def test_closing_twice_changes_nothing() -> None:
    business_date_set(DAY, at=AT)
    for _ in range(2):
        close(DAY)
    assert states() == {DAY: "closed", NEXT: "open"}


def test_an_open_day_is_not_finished() -> None:
    business_date_set(DAY, at=AT)
    assert business_day_close_finish(DAY, at=AT).state == "open"


def test_the_next_day_waits_until_this_one_is_closed() -> None:
    business_date_set(DAY, at=AT)
    business_day_close_begin(DAY, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        business_day_close_begin(NEXT, at=AT)
    assert states() == {DAY: "closing", NEXT: "open"}


def test_a_day_nobody_opened_is_not_closed() -> None:
    with pytest.raises(BusinessDay.DoesNotExist):
        business_day_close_begin(DAY, at=AT)


@pytest.mark.parametrize("begin_only", [True, False])
def test_once_a_day_is_closing_or_closed_no_hand_sets_the_date(begin_only: bool) -> None:
    business_date_set(DAY, at=AT)
    {True: lambda: business_day_close_begin(DAY, at=AT), False: lambda: close(DAY)}[begin_only]()
    with pytest.raises(BusinessDateFixed):
        business_date_set(date(2026, 11, 1), at=AT)
    with pytest.raises(BusinessDateFixed):
        business_date_rehearse(date(2026, 11, 1), at=AT)
    assert current_business_date() == NEXT


def test_days_set_by_hand_stay_off_the_clock_when_closed() -> None:
    business_date_set(DAY, at=AT)
    close(DAY)
    assert not BusinessDay.objects.get(date=NEXT).follows_clock


# --- The demo's past ----------------------------------------------------------------------------------------------


def rehearsed() -> None:
    """17 and 18 November closed in rehearsal, 19 open."""
    business_date_rehearse(date(2026, 11, 17), at=AT)
    close(date(2026, 11, 17))
    close(date(2026, 11, 18))


def test_rehearsed_days_end_where_today_begins() -> None:
    rehearsed()
    close(date(2026, 11, 19))
    flags = BusinessDay.objects.order_by("date").values_list("date__day", "is_rehearsal", "follows_clock")
    assert list(flags) == [(17, True, True), (18, True, True), (19, True, True), (20, False, True)]


def test_a_rehearsed_past_is_lived_anew_from_the_day_set() -> None:
    rehearsed()
    for number in (17, 18, 19):
        JobRun.objects.create(job="end_of_day.accrue", business_date=date(2026, 11, number))
    other = JobRun.objects.create(job="rate_review", business_date=date(2026, 11, 18))
    assert business_date_set(date(2026, 11, 18), at=AT) == date(2026, 11, 18)
    assert states() == {date(2026, 11, 17): "closed", date(2026, 11, 18): "open"}
    kept = JobRun.objects.filter(job="end_of_day.accrue").values_list("business_date__day", flat=True)
    assert list(kept) == [17]
    assert JobRun.objects.filter(pk=other.pk).exists()


def test_a_second_rehearsal_does_not_begin_over_a_first() -> None:
    rehearsed()
    with pytest.raises(BusinessDateFixed):
        business_date_rehearse(date(2026, 11, 1), at=AT)


def test_one_day_is_open() -> None:
    business_date_set(DAY, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        BusinessDay.objects.create(date=NEXT, opened_at=AT)


@pytest.mark.req("R14")
def test_work_on_a_date_that_has_passed_is_asked_for_again() -> None:
    business_date_set(DAY, at=AT)
    business_date_hold(DAY)
    business_day_close_begin(DAY, at=AT)
    business_date_hold(NEXT)
    with pytest.raises(TryAgain):
        business_date_hold(DAY)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_date_moves_once_whoever_writes_on_it_is_done() -> None:
    business_date_set(DAY, at=AT)
    moved: list[date] = []

    def move() -> None:
        business_day_close_begin(DAY, at=AT)
        moved.append(current_business_date())
        connections.close_all()

    mover = Thread(target=move)
    with transaction.atomic():
        assert current_business_date() == DAY
        mover.start()
        mover.join(0.5)
        assert moved == []
        assert BusinessDay.objects.get(state=BusinessDay.State.OPEN).date == DAY
    mover.join(20)
    assert moved == [NEXT]
