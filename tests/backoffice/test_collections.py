"""The collectors' desk: the queue, the page of a task, what can be done by whom, strategies by a form (R60)."""

from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import ContactAttempt, ContactDay, ContactRule, StaffUser
from accounts.roles import roles_sync
from loans.admin.collection_dashboard import dashboard_figures
from loans.models import CollectionAction, CollectionPolicy, CollectionTask, PaymentPromise
from loans.selectors.collection_policy import collection_policy_at
from loans.services.collection_contact import Told, call_begin, call_finish
from loans.services.collection_policy import collection_preset
from risk.models import Alert
from tests.loans.builders import Borrower
from tests.loans.collectors import MORNING, PHONE, TODAY_OF_CALLS, late_customer
from tests.loans.life import close_through, day, repay

pytestmark = [pytest.mark.django_db, pytest.mark.req("R60")]
DESK = "/admin/loans/collectiontask/"


def staff(name: str, role: str = "collector") -> Client:
    roles_sync()
    user, _ = StaffUser.objects.get_or_create(username=name, defaults={"is_staff": True})
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def task(alice: Borrower) -> CollectionTask:
    """Two days late on the open day; no hour of the real clock is quiet."""
    row = late_customer(alice)
    ContactRule.objects.update(quiet_from=time(0), quiet_to=time(0))
    return row


def act(client: Client, task: CollectionTask, name: str, **form: Any) -> Any:
    return client.post(f"{DESK}{task.pk}/{name}/", {"_form_submitted": "on", **form})


def page(client: Client, task: CollectionTask, language: str = "en") -> Any:
    url = reverse("admin:loans_collectiontask_change", args=[task.pk])
    return client.get(url, headers={"accept-language": language})


def card_key(alice: Borrower) -> str:
    return str(alice.card.pk)


def now() -> CollectionTask:
    return CollectionTask.objects.get()


# --- A collector's way --------------------------------------------------------------------------------------------


def test_the_next_one_is_taken_called_and_promised(alice: Borrower, task: CollectionTask) -> None:
    ann = staff("ann")
    waiting = {item["url"]: item["count"] for item in ann.get("/admin/").context["waiting"]}
    assert (waiting[f"{DESK}?desk=queue"], waiting[f"{DESK}?desk=mine"]) == (1, 0)
    answer = ann.post(f"{DESK}take-next/", {"_form_submitted": "on"})
    assert answer["Location"] == f"{DESK}{task.pk}/change/"
    shown = page(ann, task)
    assert shown.context["due_total"] == "1,003.28"
    assert [(row["masked"], row["allowed"], row["left"]) for row in shown.context["phones"]] == [
        ("138****0000", True, 6)
    ]
    assert PHONE not in shown.content.decode()
    told = act(ann, task, "call", phone=card_key(alice))
    assert PHONE in ann.get(told["Location"]).content.decode()
    assert ContactAttempt.objects.get(is_about_debt=True).phone_tail == "0000"
    act(ann, task, "promise", promise_amount="300.00", promise_date=TODAY_OF_CALLS.isoformat(), note="payday")
    promise = PaymentPromise.objects.get()
    assert (str(promise.amount), promise.due_date, promise.staff.username) == ("300.00", TODAY_OF_CALLS, "ann")
    after = page(ann, task)
    assert "300.00" in after.context["guard"]
    assert [row["ended"] for row in after.context["contacts"] if "action" in row] == ["Promised to pay"]
    assert act(ann, task, "call", phone=card_key(alice)).status_code == 302
    assert CollectionAction.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "form", "outcome"),
    [
        ("outcome", {"outcome": "no_answer", "note": ""}, "no_answer"),
        ("dispute", {"note": "never had a loan"}, "disputed"),
    ],
)
def test_a_call_ends_in_one_way(alice: Borrower, task: CollectionTask, name: str, form: Any, outcome: str) -> None:
    ann = staff("ann")
    act(ann, task, "take")
    act(ann, task, name, **form)
    assert now().last_outcome == ""
    act(ann, task, "call", phone=card_key(alice))
    act(ann, task, "outcome", outcome="promised")
    assert now().last_outcome == ""
    act(ann, task, name, **form)
    assert now().last_outcome == outcome
    assert now().is_disputed == (outcome == "disputed")


def test_a_wish_for_relief_is_told_to_those_who_decide(task: CollectionTask) -> None:
    ann = staff("ann")
    act(ann, task, "hardship", wish="three instalments")
    assert not Alert.objects.filter(rule="hardship_wish").exists()
    act(ann, task, "take")
    act(ann, task, "hardship", wish="")
    act(ann, task, "hardship", wish="three instalments")
    alert = Alert.objects.get(rule="hardship_wish")
    assert (alert.customer, alert.evidence["reason"]) == (task.customer, "three instalments")
    assert now().next_action_date == day(12)
    assert CollectionAction.objects.get().kind == "hardship"


def test_notes_stay_and_a_task_goes_back(task: CollectionTask) -> None:
    ann, bea = staff("ann"), staff("bea")
    act(ann, task, "take")
    act(bea, task, "note", note="mine too")
    act(ann, task, "note", note="speaks Sichuanese", next_action_date=day(7).isoformat())
    assert [row.note for row in CollectionAction.objects.all()] == ["speaks Sichuanese"]
    assert now().next_action_date == day(7)
    act(bea, task, "release")
    assert now().state == "assigned"
    act(ann, task, "release")
    assert (now().state, now().assigned_to) == ("open", None)


def test_the_guard_answers_with_reason_and_next_time(task: CollectionTask) -> None:
    ann = staff("ann")
    ContactRule.objects.update(quiet_from=time(0), quiet_to=time(23, 59, 59))
    (phone,) = page(ann, task).context["phones"]
    assert (phone["allowed"], phone["next_at"] != "", phone["reason"] != "") == (False, True, True)
    ContactRule.objects.update(quiet_to=time(0), attempts_per_day_max=0)
    (phone,) = page(ann, task).context["phones"]
    assert (phone["allowed"], phone["left"], phone["next_at"][-5:]) == (False, 0, "00:00")
    assert not ContactDay.objects.exists()


def test_a_debt_paid_meanwhile_is_not_called(alice: Borrower, task: CollectionTask) -> None:
    ann = staff("ann")
    act(ann, task, "take")
    loan = alice.customer.loans.get()
    repay(alice, loan, "1003.28", TODAY_OF_CALLS)
    assert page(ann, task).context["guard"] != ""
    act(ann, task, "call", phone=card_key(alice))
    assert (now().state, CollectionAction.objects.count()) == ("closed", 0)


# --- A supervisor's -----------------------------------------------------------------------------------------------


def test_a_supervisor_hands_over_and_sets_the_urgency(task: CollectionTask) -> None:
    ann, sue = staff("ann"), staff("sue", "supervisor")
    staff("bea")
    act(ann, task, "take")
    bea = StaffUser.objects.get(username="bea")
    form = {"to": bea.pk, "reason": "ann is on leave"}
    assert act(ann, task, "hand_over", **form).status_code == 403
    act(sue, task, "hand_over", to=bea.pk, reason="")
    assert now().assigned_to.username == "ann"
    act(sue, task, "hand_over", **form)
    assert now().assigned_to == bea
    act(sue, task, "urgency", priority=9, reason="large")
    assert now().priority == 9


def test_a_dispute_is_ended_by_a_supervisor_alone(alice: Borrower, task: CollectionTask) -> None:
    ann, sue = staff("ann"), staff("sue", "supervisor")
    act(ann, task, "take")
    act(ann, task, "call", phone=card_key(alice))
    act(ann, task, "dispute", note="not mine")
    assert act(ann, task, "dispute_over", reason="no").status_code == 403
    assert "dispute" in page(sue, task).context["guard"]
    act(sue, task, "dispute_over", reason="contract shown")
    assert now().is_disputed is False


def test_others_see_or_do_nothing(task: CollectionTask) -> None:
    auditor, officer = staff("auditor", "auditor"), staff("officer", "credit_officer")
    assert page(officer, task).status_code == 403
    assert officer.get(f"{DESK}dashboard/").status_code == 403
    assert page(auditor, task).status_code == 200
    for name in ("take", "call", "note", "hardship", "hand_over"):
        assert act(auditor, task, name).status_code == 403
    assert auditor.post(f"{DESK}take-next/", {"_form_submitted": "on"}).status_code == 403
    assert now().assigned_to is None


def test_the_dashboard_counts_tasks_promises_and_what_came_in(alice: Borrower, task: CollectionTask) -> None:
    client = staff("ann")
    act(client, task, "take")
    ann = StaffUser.objects.get(username="ann")
    edge: Any = {"as_of": TODAY_OF_CALLS, "at": MORNING}
    call_begin(task_id=task.pk, user=ann, phone=PHONE, **edge)
    told = Told("promised", promise_amount=Decimal("300.00"), promise_date=day(6))
    call_finish(task_id=task.pk, user=ann, told=told, **edge)
    repay(alice, alice.customer.loans.get(), "300.00", day(6))
    close_through(day(6))
    figures = dashboard_figures(day(0), day(7))
    assert [str(value) for _title, value, _note in figures["cards"]] == ["1", "100.0 %", "¥ 300.00"]
    assert figures["collectors"] == [{"who": "ann", "calls": 1, "promises": 1, "kept": 1}]
    before = dashboard_figures(day(0), day(5))
    assert [str(value) for _title, value, _note in before["cards"]] == ["1", "–", "¥ 0.00"]
    assert client.get(f"{DESK}dashboard/?days=7").status_code == 200


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_open_in_both_languages(task: CollectionTask, language: str) -> None:
    sue = staff("sue", "supervisor")
    assert page(sue, task, language).status_code == 200
    for desk in ("queue", "mine", "open", "disputed", "all"):
        listed = sue.get(f"{DESK}?desk={desk}", headers={"accept-language": language})
        expected = [] if desk in ("mine", "disputed") else [task.pk]
        assert [row.pk for row in listed.context["cl"].result_list] == expected


# --- Strategies ---------------------------------------------------------------------------------------------------

ADD = "/admin/loans/collectionpolicy/add/"


@pytest.fixture
def shipped(alice: Borrower) -> CollectionPolicy:
    collection_preset(day(0))
    return CollectionPolicy.objects.get()


def posted(client: Client, **changes: str) -> Any:
    """The form as it came, with changes."""
    form = client.get(ADD).context["adminform"].form
    data = {name: field.initial for name, field in form.fields.items()}
    first = {"valid_from": day(5).isoformat(), "change_reason": "calls earlier"}
    filled = {name: "" if value is None else str(value) for name, value in (data | first | changes).items()}
    return client.post(ADD, filled)


def test_a_draft_starts_from_the_strategies_in_force_and_holds_after_a_second_person(shipped: CollectionPolicy) -> None:
    analyst = staff("ana", "risk_analyst")
    assert posted(analyst).status_code == 302
    draft = CollectionPolicy.objects.get(version=2)
    assert draft.definition == shipped.definition
    url = f"/admin/loans/collectionpolicy/{draft.pk}/"
    assert analyst.get(f"{url}change/").status_code == 200
    analyst.post(f"{url}activate/", {"_form_submitted": "on"})
    assert CollectionPolicy.objects.get(version=2).state == "draft"
    sue = staff("sue", "supervisor")
    sue.post(f"{url}activate/", {"_form_submitted": "on"})
    assert collection_policy_at(day(5)) == draft
    assert collection_policy_at(day(4)) == shipped
    assert sue.get(f"{url}change/").status_code == 200


def test_figures_are_changed_by_the_form(shipped: CollectionPolicy) -> None:
    posted(staff("ana", "risk_analyst"), figure__wish_days="10", figure__relief_begin_days="0")
    figures = CollectionPolicy.objects.get(version=2).definition["figures"]
    assert figures == {**shipped.definition["figures"], "wish_days": 10, "relief_begin_days": 0}


def test_steps_and_segments_are_changed_by_the_form(shipped: CollectionPolicy) -> None:
    posted(
        staff("ana", "risk_analyst"),
        **{
            "step__1-30__others__0__day": "7", "step__1-30__others__0__what": "sms:collection_reminder",
            "step__1-30__others__2__day": "25", "step__1-30__others__2__what": "call",
            "step__1-30__others__2__priority": "9", "step__1-30__large__0__what": "",
            "segment__3__code": "small", "segment__3__amount_max": "1000.00", "segment__3__tiers": "new, quality",
        },
    )  # fmt: skip
    definition = CollectionPolicy.objects.get(version=2).definition
    cells = {(row["bucket"], row["segment"]): row["steps"] for row in definition["strategies"]}
    assert cells["1-30", "others"] == [
        {"day": 7, "channel": "sms", "template": "collection_reminder"},
        {"day": 19, "channel": "call", "priority": 2},
        {"day": 25, "channel": "call", "priority": 9},
    ]
    assert len(cells["1-30", "large"]) == 2
    assert [row["code"] for row in definition["segments"]] == ["large", "new_customers", "small", "others"]
    assert definition["segments"][2] == {"code": "small", "tiers": ["new", "quality"], "amount_max": "1000.00"}
    assert cells["31-60", "small"] == cells["31-60", "others"]


@pytest.mark.dealt
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step__1-30__others__0__day", "30"),
        ("step__1-30__others__0__day", "x"),
        ("step__1-30__others__1__priority", "10"),
        ("step__1-30__others__1__priority", ""),
        ("step__1-30__others__0__what", "sms:overdue"),
        ("segment__2__code", ""),
        ("figure__wish_days", "0"),
        ("figure__relief_undo_days", ""),
        ("segment__0__amount_min", "much"),
    ],
)
def test_what_cannot_be_read_is_not_kept(shipped: CollectionPolicy, name: str, value: str) -> None:
    answer = posted(staff("ana", "risk_analyst"), **{name: value})
    assert answer.status_code == 200
    assert CollectionPolicy.objects.count() == 1
