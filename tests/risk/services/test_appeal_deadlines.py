"""Pictures checked, staff reminded, the third working day: whoever comes, however late, how often."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.errors import ProviderUnavailable
from accounts.models import Notification
from accounts.providers.sandbox.document import Provider
from risk.models import Appeal, BureauReport, CreditLine, FreezeReason
from risk.services import appeal_deadlines
from risk.services.appeal_deadlines import (
    appeals_advance,
    appeals_check,
    appeals_close_day,
    appeals_remind,
    appeals_settle,
)
from tests.risk.builders import AS_OF, AT, SHANGHAI, appeal_create, appeal_files, frozen_line
from tests.support.pictures import photo
from weilidai.lib.models import AuditEvent, StateChange

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R39")]

LAST_DAY = date(2026, 11, 25)
DUE_AT = datetime(2026, 11, 25, 18, 0, tzinfo=SHANGHAI)
MOMENT = timedelta(seconds=1)


def state(appeal: Appeal) -> str:
    return str(Appeal.objects.get(pk=appeal.pk).state)


def line_state(appeal: Appeal) -> str:
    return str(CreditLine.objects.get(pk=appeal.credit_line_id).state)


def close_days(first: date, last: date, at: datetime = AT) -> None:
    day = first
    while day <= last:
        appeals_close_day(day=day, at=at)
        day += timedelta(days=1)


# --- The pictures ------------------------------------------------------------------------------------------------


def test_readable_papers_pass_and_the_customer_is_told() -> None:
    appeal = appeal_create(frozen_line())
    assert appeals_check(at=AT, as_of=AS_OF) == 1
    row = Appeal.objects.get(pk=appeal.pk)
    assert (row.state, row.checked_at) == ("passed", AT)
    assert set(row.images.values_list("passed", "reference")) == {
        (True, "sandbox-id_front"), (True, "sandbox-id_back"), (True, "sandbox-holding_id"),
    }  # fmt: skip
    assert Notification.objects.filter(kind="appeal_passed").count() == 1
    assert appeals_check(at=AT + timedelta(hours=1), as_of=AS_OF) == 0


@pytest.mark.parametrize(("width", "fault"), [(333, "unreadable"), (334, "other_person"), (335, "expired")])
def test_what_the_institution_cannot_read_is_left_to_a_person(width: int, fault: str) -> None:
    appeal = appeal_create(frozen_line(), id_back=photo(9, (width, 600)))
    appeals_check(at=AT, as_of=AS_OF)
    assert state(appeal) == "doubtful"
    assert dict(appeal.images.values_list("kind", "faults")) == {"id_front": [], "id_back": [fault], "holding_id": []}
    assert Notification.objects.filter(kind="appeal_doubtful").count() == 1


def test_a_picture_at_fault_by_itself_does_not_pass_though_it_can_be_read() -> None:
    appeal = appeal_create(frozen_line(), holding_id=photo(9, (200, 200)))
    appeals_check(at=AT, as_of=AS_OF)
    assert state(appeal) == "doubtful"
    assert list(appeal.images.values_list("passed", flat=True)) == [True, True, False]


def away(*_args: Any) -> None:
    raise ProviderUnavailable


def test_an_institution_that_is_away_is_asked_once_a_round_and_again_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = appeal_create(frozen_line("alice"))
    second = appeal_create(frozen_line("bob"), **appeal_files(21, 22, 23))
    with monkeypatch.context() as patched:
        patched.setattr(Provider, "check", away)
        assert appeals_check(at=AT, as_of=AS_OF) == 0
    assert {state(first), state(second)} == {"submitted"}
    assert appeals_check(at=AT, as_of=AS_OF) == 2
    assert {state(first), state(second)} == {"passed"}


def test_a_check_that_died_is_taken_up_after_its_claim_and_until_then_nothing_is_escalated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    appeal = appeal_create(frozen_line())

    def die(*_args: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Provider, "check", die)
        with pytest.raises(MemoryError):
            appeals_check(at=DUE_AT, as_of=LAST_DAY)
    still_claimed = DUE_AT + appeal_deadlines.CLAIM
    assert appeals_advance(as_of=LAST_DAY, at=still_claimed) == {"checked": 0, "reminded": 1, "settled": 0}
    assert appeals_advance(as_of=LAST_DAY, at=still_claimed + MOMENT) == {"checked": 1, "reminded": 0, "settled": 1}
    assert state(appeal) == "granted"


# --- The first working day ---------------------------------------------------------------------------------------


def test_staff_are_reminded_once_after_one_working_day() -> None:
    appeal = appeal_create(frozen_line())
    remind_at = datetime(2026, 11, 23, 18, 0, tzinfo=SHANGHAI)
    monday = date(2026, 11, 23)
    assert appeals_remind(as_of=date(2026, 11, 22), at=remind_at) == 0
    assert appeals_remind(as_of=monday, at=remind_at - MOMENT) == 0
    assert appeals_remind(as_of=monday, at=remind_at) == 1
    assert appeals_remind(as_of=monday, at=remind_at + MOMENT) == 0
    assert Appeal.objects.get(pk=appeal.pk).reminded_at == remind_at
    event = AuditEvent.objects.get(action="appeal.remind")
    assert (event.business_date, event.actor_kind) == (monday, "system")


def test_the_night_of_the_first_working_day_reminds_whatever_the_clock_says() -> None:
    appeal_create(frozen_line())
    assert appeals_close_day(day=date(2026, 11, 22), at=AT)["reminded"] == 0
    assert appeals_close_day(day=date(2026, 11, 23), at=AT)["reminded"] == 1


# --- The third working day ---------------------------------------------------------------------------------------


def test_good_papers_are_granted_at_the_hour_of_the_last_day_and_not_before() -> None:
    appeal = appeal_create(frozen_line())
    appeals_check(at=AT, as_of=AS_OF)
    assert appeals_settle(as_of=LAST_DAY, at=DUE_AT - MOMENT) == 0
    assert appeals_settle(as_of=LAST_DAY - timedelta(days=1), at=DUE_AT) == 0
    assert appeals_settle(as_of=LAST_DAY, at=DUE_AT) == 1
    assert (state(appeal), line_state(appeal)) == ("granted", "active")
    row = Appeal.objects.get(pk=appeal.pk)
    assert (row.is_late, row.answered_by, row.answer, row.answered_at) == (False, None, "", DUE_AT)
    assert Notification.objects.filter(kind="appeal_granted").count() == 1


def test_doubtful_papers_go_to_a_supervisor_and_count_as_late() -> None:
    appeal = appeal_create(frozen_line(), id_back=photo(9, (333, 600)))
    appeals_check(at=AT, as_of=AS_OF)
    appeals_settle(as_of=LAST_DAY, at=DUE_AT)
    assert (state(appeal), line_state(appeal)) == ("escalated", "frozen")
    assert Appeal.objects.get(pk=appeal.pk).is_late
    assert Notification.objects.filter(kind="appeal_escalated").count() == 1


def test_papers_nobody_could_check_in_time_go_to_a_supervisor() -> None:
    appeal = appeal_create(frozen_line())
    appeals_settle(as_of=LAST_DAY, at=DUE_AT)
    assert state(appeal) == "escalated"


def test_a_debt_is_not_answered_by_papers() -> None:
    appeal = appeal_create(frozen_line(reason=FreezeReason.OVERDUE))
    appeals_check(at=AT, as_of=AS_OF)
    appeals_settle(as_of=LAST_DAY, at=DUE_AT)
    assert (state(appeal), line_state(appeal)) == ("escalated", "frozen")


def test_a_name_on_the_deny_list_is_not_cleared_by_papers() -> None:
    line = frozen_line()
    appeal = appeal_create(line)
    BureauReport.objects.create(
        customer=line.customer, row_id="deny", as_of=AS_OF, open_accounts=1, debts_amount="0.00",
        monthly_due_amount="0.00", worst_dpd_24m=0, inquiries_6m=0, on_deny_list=True,
    )  # fmt: skip
    appeals_check(at=AT, as_of=AS_OF)
    appeals_settle(as_of=LAST_DAY, at=DUE_AT)
    assert state(appeal) == "escalated"


@pytest.mark.parametrize(
    ("received", "last_night_without", "due"),
    [
        (date(2025, 9, 30), date(2025, 10, 10), date(2025, 10, 11)),  # National Day, a Saturday that is worked
        (date(2025, 9, 26), date(2025, 9, 29), date(2025, 9, 30)),  # a Sunday that is worked
        (date(2025, 10, 4), date(2025, 10, 10), date(2025, 10, 11)),  # received on the holiday
        (date(2026, 2, 14), date(2026, 2, 25), date(2026, 2, 26)),  # Spring Festival
        (date(2031, 9, 30), date(2031, 10, 7), date(2031, 10, 8)),  # a year nobody has announced
    ],
)
def test_nights_over_a_holiday_grant_on_the_third_working_day(
    received: date, last_night_without: date, due: date
) -> None:
    appeal = appeal_create(frozen_line(), as_of=received)
    close_days(received, last_night_without)
    assert state(appeal) == "passed"
    close_days(due, due)
    assert (state(appeal), line_state(appeal)) == ("granted", "active")
    granted = StateChange.objects.get(subject_id=str(appeal.pk), new="granted")
    assert granted.business_date == due


def story(appeal: Appeal) -> dict[str, Any]:
    """Everything but the hours at which somebody got round to it."""
    row = Appeal.objects.get(pk=appeal.pk)
    kinds = ["risk.appeal", "risk.creditline"]
    changes = StateChange.objects.filter(customer_id=row.customer_id, subject_type__in=kinds)
    events = AuditEvent.objects.filter(customer_id=row.customer_id, actor_kind="system")
    notes = Notification.objects.filter(customer_id=row.customer_id)
    return {
        "row": (row.state, row.is_late, row.answer, line_state(appeal), row.reminded_at is not None),
        "changes": sorted(changes.values_list("subject_type", "old", "new", "business_date")),
        "events": sorted(events.values_list("action", "business_date")),
        "notices": sorted(notes.values_list("kind", "business_date")),
    }


def test_ten_days_without_workers_end_in_the_same_truth() -> None:
    served = appeal_create(frozen_line("alice"))
    for number in range(10):
        at = AT + timedelta(days=number, hours=9)
        appeals_advance(as_of=AS_OF + timedelta(days=number), at=at)
        appeals_close_day(day=AS_OF + timedelta(days=number), at=at)
    missed = appeal_create(frozen_line("bob"), **appeal_files(21, 22, 23))
    late = AT + timedelta(days=10)
    close_days(AS_OF, AS_OF + timedelta(days=9), at=late)
    assert story(missed) == story(served)
    by_poller = appeal_create(frozen_line("charlie"), **appeal_files(31, 32, 33))
    appeals_advance(as_of=AS_OF + timedelta(days=10), at=late)
    assert story(by_poller) == story(served)


def test_running_everything_twice_changes_nothing() -> None:
    appeal = appeal_create(frozen_line())
    close_days(AS_OF, LAST_DAY)
    once = story(appeal)
    close_days(AS_OF, LAST_DAY)
    assert appeals_advance(as_of=LAST_DAY, at=DUE_AT) == {"checked": 0, "reminded": 0, "settled": 0}
    assert story(appeal) == once


def test_pages_reach_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appeal_deadlines, "PAGE", 2)
    for number, openid in enumerate(("alice", "bob", "charlie", "dora", "emil")):
        seeds = [40 + 3 * number + place for place in range(3)]
        appeal_create(
            frozen_line(openid), id_front=photo(seeds[0]), id_back=photo(seeds[1]), holding_id=photo(seeds[2])
        )
    assert appeals_advance(as_of=LAST_DAY, at=DUE_AT) == {"checked": 5, "reminded": 5, "settled": 5}
