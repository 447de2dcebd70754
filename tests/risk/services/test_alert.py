"""R34: alerts are raised once, worked on by people, snoozed until a day."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections

from accounts.models import Customer, StaffUser
from accounts.roles import roles_sync
from risk.errors import AssigneeInvalid, ReasonRequired
from risk.models import Alert, AlertOutcome, AlertSeverity, AlertSnooze, AlertState, MonitoringPolicy, PolicyState
from risk.services.alert import alert_assign, alert_close, alert_note, alert_raise, alert_reopen
from tests.risk.builders import AS_OF, AT, customer_create, staff_create
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.ids import uuid7
from weilidai.lib.models import AuditEvent, StateChange

LAYER = Actor.system("screening")
EDGE = {"as_of": AS_OF, "at": AT}


def raised(customer: Customer | None, key: str = "k1", **more: Any) -> Alert | None:
    values = {
        "rule": "single_amount", "layer": "single_amount", "evidence": {"amount": "5000.01"},
        "severity": AlertSeverity.HIGH, "actor": LAYER, **EDGE, **more,
    }  # fmt: skip
    return alert_raise(customer=customer, dedupe_key=key, **values)


@pytest.fixture
def alice(db: None) -> Customer:
    return customer_create("alice")


def analyst(name: str = "dave", role: str = "risk_analyst") -> StaffUser:
    roles_sync()
    user = staff_create(name)
    user.groups.add(Group.objects.get(name=role))
    return user


def acts(alert: Alert) -> list[str]:
    return list(AuditEvent.objects.filter(subject_id=str(alert.pk)).order_by("id").values_list("action", flat=True))


@pytest.mark.req("R34")
def test_an_alert_waits_open_with_a_deadline_by_its_severity(alice: Customer) -> None:
    alert = raised(alice)
    assert (alert.state, alert.owner, alert.outcome, alert.business_date) == ("open", None, "", date(2026, 11, 20))
    assert alert.due_at == AT + timedelta(hours=24)
    assert raised(alice, "k2", severity=AlertSeverity.CRITICAL).due_at == AT + timedelta(hours=4)
    assert acts(alert) == ["alert.raise"]
    assert StateChange.objects.filter(subject_id=str(alert.pk)).count() == 1


@pytest.mark.req("R34")
def test_the_deadline_is_policy(alice: Customer) -> None:
    MonitoringPolicy.objects.create(
        version=1, state=PolicyState.ACTIVE, valid_from=date(2026, 1, 1), alert_hours_high=2
    )
    assert raised(alice).due_at == AT + timedelta(hours=2)


@pytest.mark.req("R34")
def test_the_same_key_is_the_same_alert(alice: Customer) -> None:
    first = raised(alice)
    again = raised(alice, at=AT + timedelta(minutes=5))
    assert (again.pk, again.repeats, again.last_seen_at) == (first.pk, 1, AT + timedelta(minutes=5))
    assert (Alert.objects.count(), acts(first)) == (1, ["alert.raise"])


@pytest.mark.req("R34")
def test_an_alert_may_be_about_no_customer(db: None) -> None:
    assert raised(None, "band:weilidai").customer is None


@pytest.mark.req("R34")
@pytest.mark.parametrize(("as_of", "held"), [(date(2026, 11, 22), True), (date(2026, 11, 23), False)])
def test_a_snooze_holds_back_until_the_end_of_its_day(alice: Customer, as_of: date, held: bool) -> None:
    AlertSnooze.objects.create(
        customer=alice, rule="single_amount", until_date=date(2026, 11, 22), reason="known", set_by=analyst(), set_at=AT
    )
    assert (raised(alice, as_of=as_of) is None) is held
    assert AlertSnooze.objects.get().held_back == int(held)
    assert raised(alice, "other-rule", rule="velocity", as_of=as_of) is not None
    assert raised(customer_create("bob"), "other-person", as_of=as_of) is not None


@pytest.mark.req("R34")
def test_the_way_of_a_case(alice: Customer) -> None:
    dave, erin = analyst("dave"), analyst("erin", "supervisor")
    alert = raised(alice)
    alert_assign(alert_id=alert.pk, owner=erin, user=dave, **EDGE)
    alert_assign(alert_id=alert.pk, owner=erin, user=dave, **EDGE)
    alert_note(alert_id=alert.pk, text="called her", user=erin, **EDGE)
    alert_close(alert_id=alert.pk, outcome=AlertOutcome.FALSE_ALARM, reason="a gift", user=erin, **EDGE)
    alert = Alert.objects.get()
    assert (alert.state, alert.owner, alert.outcome, alert.closed_at) == ("closed", erin, "false_alarm", AT)
    later = AT + timedelta(days=1)
    reopened = alert_reopen(alert_id=alert.pk, reason="not a gift", user=dave, as_of=AS_OF, at=later)
    assert (reopened.state, reopened.owner, reopened.outcome) == ("open", None, "")
    assert reopened.due_at == later + timedelta(hours=24)
    assert acts(alert) == ["alert.raise", "alert.assign", "alert.note", "alert.close", "alert.reopen"]
    changes = StateChange.objects.filter(subject_id=str(alert.pk)).order_by("id")
    assert [change.new for change in changes] == ["open", "in_progress", "closed", "open"]


@pytest.mark.req("R34")
def test_what_is_refused(alice: Customer) -> None:
    dave, ann = analyst("dave"), analyst("ann", "auditor")
    alert = raised(alice)
    with pytest.raises(AssigneeInvalid):
        alert_assign(alert_id=alert.pk, owner=ann, user=dave, **EDGE)
    with pytest.raises(ReasonRequired):
        alert_close(alert_id=alert.pk, outcome="no_action", reason="  ", user=dave, **EDGE)
    with pytest.raises(TransitionRefused):
        alert_reopen(alert_id=alert.pk, reason="why", user=dave, **EDGE)
    with pytest.raises(ObjectNotFound):
        alert_note(alert_id=uuid7(), text="x", user=dave, **EDGE)
    alert_close(alert_id=alert.pk, outcome="no_action", reason="fine", user=dave, **EDGE)
    for act in (
        lambda: alert_close(alert_id=alert.pk, outcome="suspicious", reason="why", user=dave, **EDGE),
        lambda: alert_assign(alert_id=alert.pk, owner=dave, user=dave, **EDGE),
    ):
        with pytest.raises(TransitionRefused):
            act()
    assert Alert.objects.get().outcome == AlertOutcome.NO_ACTION


def together(act: Callable[[int], Any], count: int) -> list[Any]:
    def run(number: int) -> Any:
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.req("R34")
@pytest.mark.django_db(transaction=True)
def test_parallel_raises_of_one_key_are_one_alert() -> None:
    alice = customer_create("alice")
    ids = together(lambda number: raised(alice, f"k{number % 2}").pk, 24)
    assert len(set(ids)) == Alert.objects.count() == 2
    assert sorted(Alert.objects.values_list("repeats", flat=True)) == [11, 11]
    assert AuditEvent.objects.filter(action="alert.raise").count() == 2


@pytest.mark.req("R34")
@pytest.mark.django_db(transaction=True)
def test_two_people_closing_at_once_leave_one_outcome() -> None:
    alert, dave = raised(customer_create("alice")), analyst("dave")

    def close(number: int) -> str:
        outcome = ["suspicious", "false_alarm"][number % 2]
        try:
            alert_close(alert_id=alert.pk, outcome=outcome, reason="why", user=dave, **EDGE)
        except TransitionRefused:
            return "refused"
        return outcome

    answers = together(close, 8)
    assert answers.count("refused") == 7
    assert Alert.objects.get().outcome in answers
    assert acts(alert).count("alert.close") == 1
    assert Alert.objects.get().state == AlertState.CLOSED
