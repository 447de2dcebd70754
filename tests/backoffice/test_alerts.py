"""R34: the alert desk in the back office."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Customer, StaffUser
from risk.models import Alert, AlertSeverity, AlertSnooze
from risk.services.alert import alert_assign, alert_close, alert_raise
from tests.backoffice.test_pages import staff
from tests.risk.builders import AS_OF, AT, customer_create
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.models import AuditEvent

LIST = "/admin/risk/alert/"
EDGE = {"as_of": AS_OF, "at": AT}
SENT = {"_form_submitted": "on"}


def raised(customer: Customer | None, key: str, **more: Any) -> Alert:
    values = {
        "rule": "single_amount", "layer": "single_amount", "severity": AlertSeverity.HIGH,
        "evidence": {"amount": "5000.01", "where": {"city": "深圳"}, "seen": ["a", "b"], "odd": None},
        "actor": Actor.system("screening"), **EDGE, **more,
    }  # fmt: skip
    alert = alert_raise(customer=customer, dedupe_key=key, **values)
    assert alert is not None
    return alert


@pytest.fixture
def alerts(db: None) -> list[Alert]:
    alice = customer_create("alice")
    return [
        raised(alice, "k1"),
        raised(alice, "k2", severity=AlertSeverity.CRITICAL, rule="velocity", layer="velocity"),
        raised(customer_create("bob"), "k3", severity=AlertSeverity.LOW),
        raised(None, "k4", rule="approval_rate_band", layer="monitoring"),
    ]


def keys(client: Client, query: str = "") -> list[str]:
    answer = client.get(LIST + query)
    assert answer.status_code == 200
    return [alert.dedupe_key for alert in answer.context["cl"].result_list]


def act(client: Client, alert: Alert, name: str, **form: str) -> int:
    return client.post(f"{LIST}{alert.pk}/{name}/", {**SENT, **form}).status_code


@pytest.mark.req("R34")
def test_the_queue_shows_what_waits_the_worst_and_oldest_first(alerts: list[Alert]) -> None:
    client = staff("risk_analyst")
    dave = StaffUser.objects.get()
    alert_assign(alert_id=alerts[2].pk, owner=dave, user=dave, **EDGE)
    assert keys(client) == ["k2", "k1", "k4", "k3"]
    alert_close(alert_id=alerts[0].pk, outcome="no_action", reason="fine", user=dave, **EDGE)
    assert keys(client) == ["k2", "k4", "k3"]
    assert keys(client, "?state=closed") == ["k1"]
    assert keys(client, "?state=all") == ["k4", "k3", "k2", "k1"]
    assert keys(client, "?whose=mine") == ["k3"]
    assert keys(client, "?whose=nobody") == ["k2", "k4"]
    assert keys(client, "?rule=velocity") == ["k2"]
    assert keys(client, "?layer=monitoring") == ["k4"]
    assert keys(client, "?severity__exact=1") == ["k3"]
    assert keys(client, "?q=alice") == ["k2"]
    assert keys(client, f"?q={alerts[3].pk}") == ["k4"]
    assert keys(client, "?q=nobody") == []


@pytest.mark.req("R34")
def test_overdue_alerts_are_found_and_counted_on_the_home_page(alerts: list[Alert]) -> None:
    client = staff("risk_analyst")
    Alert.objects.filter(dedupe_key="k1").update(due_at=AT - timedelta(days=900))
    Alert.objects.exclude(dedupe_key="k1").update(due_at=AT + timedelta(days=9000))
    assert keys(client, "?whose=overdue") == ["k1"]
    waiting = {row["url"]: row["count"] for row in client.get(reverse("admin:index")).context["waiting"]}
    assert waiting[LIST] == 4
    assert waiting[f"{LIST}?whose=mine"] == 0
    assert waiting[f"{LIST}?whose=overdue"] == 1


@pytest.mark.req("R34")
def test_a_case_is_worked_on_its_page(alerts: list[Alert]) -> None:
    client, case = staff("risk_analyst"), alerts[0]
    dave = StaffUser.objects.get()
    assert act(client, case, "note", text="asked the bank") == 302
    assert act(client, case, "take") == 302
    assert Alert.objects.get(pk=case.pk).owner == dave
    assert act(client, case, "close", outcome="suspicious", reason="no answer") == 302
    assert (Alert.objects.get(pk=case.pk).state, Alert.objects.get(pk=case.pk).outcome) == ("closed", "suspicious")
    assert act(client, case, "reopen", reason="he answered") == 302
    page = client.get(f"{LIST}{case.pk}/change/")
    text = page.content.decode()
    assert [step["action"] for step in page.context["steps"]] == ["raise", "note", "assign", "close", "reopen"]
    assert "asked the bank" in text
    assert "5,000.01" in text
    assert "深圳" in text
    assert [row.dedupe_key for row, *_ in page.context["related"]] == ["k2"]


@pytest.mark.req("R34")
def test_closing_without_a_reason_changes_nothing(alerts: list[Alert]) -> None:
    client = staff("risk_analyst")
    act(client, alerts[0], "close", outcome="suspicious", reason="")
    act(client, alerts[0], "close", outcome="nonsense", reason="good enough")
    act(client, alerts[0], "close", outcome="", reason="good enough")
    assert Alert.objects.get(pk=alerts[0].pk).state == "open"


@pytest.mark.req("R34")
def test_the_auditor_sees_and_does_not_act(alerts: list[Alert]) -> None:
    client = staff("auditor")
    assert client.get(f"{LIST}{alerts[0].pk}/change/").status_code == 200
    assert act(client, alerts[0], "close", outcome="no_action", reason="no right to") == 403
    assert act(client, alerts[0], "take") == 403
    client.post(LIST, {"action": "bulk_close", "_selected_action": [str(alerts[0].pk)], "confirmed": "1",
                       "outcome": "no_action", "reason": "no right to"})  # fmt: skip
    assert set(Alert.objects.values_list("state", flat=True)) == {"open"}
    assert staff("collector").get(LIST).status_code == 403


@pytest.mark.req("R34")
def test_many_are_closed_with_one_reason_each_on_the_record(alerts: list[Alert]) -> None:
    client = staff("supervisor")
    form = {**SENT, "action": "bulk_close", "_selected_action": [str(alerts[0].pk), str(alerts[1].pk)]}
    preview = client.post(LIST, form)
    assert preview.status_code == 200
    assert Alert.objects.filter(state="closed").count() == 0
    client.post(LIST, {**form, "confirmed": "1", "outcome": "false_alarm", "reason": "a test account"})
    closed = Alert.objects.filter(state="closed")
    assert {alert.dedupe_key for alert in closed} == {"k1", "k2"}
    events = AuditEvent.objects.filter(action="alert.close")
    assert {(event.reason, event.actor_name) for event in events} == {("a test account", "supervisor")}
    assert events.count() == 2


@pytest.mark.req("R34")
def test_many_are_given_to_one_person(alerts: list[Alert]) -> None:
    client = staff("supervisor")
    me = StaffUser.objects.get(username="supervisor")
    form = {**SENT, "action": "bulk_assign", "_selected_action": [str(alert.pk) for alert in alerts], "confirmed": "1"}
    client.post(LIST, {**form, "owner": str(me.pk), "reason": "my customers"})
    assert Alert.objects.filter(owner=me, state="in_progress").count() == 4


@pytest.mark.req("R34")
def test_a_snooze_is_set_on_the_case_and_ended_on_its_own_page(alerts: list[Alert]) -> None:
    client, today = staff("risk_analyst"), current_business_date()
    until = (today + timedelta(days=7)).isoformat()
    assert act(client, alerts[3], "snooze", until_date=until, reason="nobody to snooze") == 302
    assert act(client, alerts[0], "snooze", until_date="2999-01-01", reason="for ever") == 302
    assert AlertSnooze.objects.count() == 0
    assert act(client, alerts[0], "snooze", until_date=until, reason="known traveller") == 302
    snooze = AlertSnooze.objects.get()
    assert (snooze.customer.openid, snooze.rule) == ("alice", "single_amount")
    assert "known traveller" in client.get(f"{LIST}{alerts[0].pk}/change/").content.decode()
    assert client.get("/admin/risk/alertsnooze/").status_code == 200
    assert client.post(f"/admin/risk/alertsnooze/{snooze.pk}/end/", {**SENT, "reason": "back home"}).status_code == 302
    assert AlertSnooze.objects.get().ended_at is not None


@pytest.mark.req("R34")
def test_the_list_costs_the_same_however_long_it_is(alerts: list[Alert]) -> None:
    client = staff("risk_analyst")
    client.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST)
    assert len(queries) < 20
    assert not [q for q in queries.captured_queries if "COUNT(*)" in q["sql"] and "LIMIT" not in q["sql"]]


@pytest.mark.req("R34")
def test_the_customers_page_shows_the_alerts_to_those_who_may_see_them(alerts: list[Alert]) -> None:
    url = f"/admin/accounts/customer/{alerts[0].customer_id}/change/"
    shown = staff("risk_analyst").get(url).context["alerts"]
    assert [alert.dedupe_key for alert, _rule in shown] == ["k2", "k1"]
    assert staff("collector").get(url).context["alerts"] is None
