"""A wish for relief is followed from its alert to what became of it, and back (R54, R60)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import StaffUser
from loans.models import Approval, CollectionAction, Loan, Rearrangement
from loans.services.approval import approval_approve, approvals_begin
from loans.services.collection_contact import hardship_record
from loans.services.collection_task import task_take
from loans.services.rearrangement import rearrangement_undo
from risk.models import Alert
from risk.services.snooze import snooze_set
from tests.backoffice.test_pages import staff
from tests.loans.builders import NOW, Borrower
from tests.loans.collectors import MORNING, collector, late_customer
from tests.loans.life import day, repay
from tests.loans.relief import act_on, ask

pytestmark = pytest.mark.req("R54", "R60")


@pytest.fixture
def wish(alice: Borrower) -> CollectionAction:
    task, teller = late_customer(alice), collector("teller")
    task_take(task_id=task.pk, user=teller, as_of=day(5), at=MORNING)
    return hardship_record(task_id=task.pk, user=teller, wish="half a year", as_of=day(5), at=MORNING)


def page(client: Client, name: str, key: object) -> str:
    answer = client.get(reverse(f"admin:{name}_change", args=[key]))
    assert answer.status_code == 200
    return answer.content.decode()


def link(name: str, key: object) -> str:
    return f'href="{reverse(f"admin:{name}_change", args=[key])}"'


def follows(client: Client, alert: Alert) -> list[tuple[str, str]]:
    """Address and word of each step the alert's page shows."""
    answer = client.get(reverse("admin:risk_alert_change", args=[alert.pk]))
    return [(row.url, row.word) for row in answer.context["follows"]]


def url(name: str, key: object) -> str:
    return reverse(f"admin:{name}_change", args=[key])


def test_from_the_alert_to_the_new_schedule_and_back(wish: CollectionAction) -> None:
    chief, alert = staff("supervisor"), Alert.objects.get(rule="hardship_wish")
    task = (url("loans_collectiontask", wish.task_id), "")
    assert follows(chief, alert) == [task]
    asked = ask(StaffUser.objects.get(username="teller"), Loan.objects.get(), day(5), wish=wish)
    assert follows(chief, alert) == [task, (url("loans_approval", asked.pk), "")]
    approval_approve(approval_id=asked.pk, user=collector("gu"), as_of=day(5), at=MORNING, note="a fair plan")
    done = Rearrangement.objects.get()
    new = url("loans_rearrangement", done.pk)
    assert follows(chief, alert) == [task, (url("loans_approval", asked.pk), "a fair plan"), (new, "")]
    pages = (("loans_approval", asked.pk), ("loans_rearrangement", done.pk), ("loans_collectiontask", wish.task_id))
    for name, key in pages:
        assert link("risk_alert", alert.pk) in page(chief, name, key)
    assert link("loans_approval", asked.pk) in page(chief, "loans_rearrangement", done.pk)
    rearrangement_undo(loan_id=done.loan_id, act=act_on(day(6)))
    assert day(6).isoformat() in follows(chief, alert)[-1][1]


def test_nobody_is_shown_the_way_to_a_page_that_is_closed_to_them(wish: CollectionAction) -> None:
    alert = Alert.objects.get(rule="hardship_wish")
    asked = ask(StaffUser.objects.get(username="teller"), Loan.objects.get(), day(5), wish=wish)
    assert follows(staff("credit_officer"), alert) == [(url("loans_approval", asked.pk), "")]
    assert link("risk_alert", alert.pk) not in page(staff("collector"), "loans_collectiontask", wish.task_id)


def test_relief_that_came_to_nothing_leads_to_the_act_it_was_asked_by(alice: Borrower, wish: CollectionAction) -> None:
    teller, loan = StaffUser.objects.get(username="teller"), Loan.objects.get()
    asked = ask(teller, loan, day(5), begins_date=day(7))
    approval_approve(approval_id=asked.pk, user=collector("gu"), as_of=day(5), at=MORNING)
    repay(alice, loan, "1003.28", day(5))
    approvals_begin(as_of=day(7), at=NOW + timedelta(days=7))
    alert = Alert.objects.get(rule="relief_failed")
    assert follows(staff("supervisor"), alert) == [(url("loans_approval", asked.pk), "")]


def test_a_wish_without_an_alert_has_its_task_alone(alice: Borrower) -> None:
    task, teller = late_customer(alice), collector("teller")
    task_take(task_id=task.pk, user=teller, as_of=day(5), at=MORNING)
    snooze_set(customer=alice.customer, rule="hardship_wish", until_date=day(9), reason="many words", user=teller,
               as_of=day(5), at=MORNING)  # fmt: skip
    wish = hardship_record(task_id=task.pk, user=teller, wish="half a year", as_of=day(5), at=MORNING)
    asked = ask(teller, Loan.objects.get(), day(5), wish=wish)
    assert not Alert.objects.exists()
    shown = page(staff("supervisor"), "loans_approval", asked.pk)
    assert link("loans_collectiontask", wish.task_id) in shown
    assert Approval.objects.get().wish == wish
