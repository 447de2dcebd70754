"""Every page of the back office, in both languages, for those who may see it and for those who may not."""

from collections.abc import Iterator

import pytest
import pytest_django
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Customer, StaffUser
from accounts.roles import ROLES, roles_sync
from loans.models import Loan
from risk.models import CreditLine, FreezeReason, InvitationBatch
from risk.services.credit_line import credit_line_freeze
from risk.services.invitation import invitations_issue
from tests.loans.builders import NOW, borrower, day_set, policy
from tests.loans.life import active_loan, close_through, day, repay
from tests.support.shared import rows_shared
from weilidai.lib.audit import Actor
from weilidai.lib.models import AuditEvent

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def _name(model: type) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


@pytest.fixture(scope="module")
def history(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """An overdue loan, a repayment, a frozen line, invitations, and their nights, for all tests of this file."""
    with rows_shared(django_db_blocker):
        _live()
        yield


def _live() -> None:
    day_set()
    policy()
    alice = borrower()
    loan = active_loan(alice, days=2)
    close_through(day(3))
    repay(alice, loan, "300.00", day(4))
    invitations_issue(
        openids=["bob", "=cmd()"],
        product="weilidai",
        source=InvitationBatch.Source.STAFF,
        reason="test",
        actor=Actor.system("test"),
        as_of=day(4),
    )
    credit_line_freeze(
        line_id=alice.line.pk, reason=FreezeReason.STAFF, actor=Actor.system("test"), as_of=day(4), at=NOW, note="test"
    )


@pytest.fixture
def lived(history: None, db: None) -> None:
    """That history, of which a test takes back whatever it did to it."""


def staff(role: str) -> Client:
    roles_sync()
    user = StaffUser.objects.create_user(role, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def chief(db: None) -> Client:
    client = Client()
    client.force_login(StaffUser.objects.create_superuser("chief", password="x"))
    return client


@pytest.mark.dealt
@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("model", MODELS, ids=[_name(model) for model in MODELS])
def test_every_list_opens_and_searches(lived: None, chief: Client, model: type, language: str):
    url = reverse(f"admin:{_name(model)}_changelist")
    assert chief.get(url, headers={"accept-language": language}).status_code == 200
    assert chief.get(url, {"q": "alice"}).status_code in (200, 302)


@pytest.mark.dealt
@pytest.mark.parametrize("model", MODELS, ids=[_name(model) for model in MODELS])
def test_every_row_opens(lived: None, chief: Client, model: type):
    row = model._default_manager.first()
    url = reverse(f"admin:{_name(model)}_change", args=[row.pk]) if row else reverse("admin:index")
    assert chief.get(url).status_code == 200


@pytest.mark.dealt
@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_sees_its_own_pages_and_no_others(lived: None, role: str):
    client = staff(role)
    assert client.get(reverse("admin:index")).status_code == 200
    seen, shown = ROLES[role][0], {}
    for model in MODELS:
        label = model._meta.label_lower
        if label.startswith(("accounts.", "risk.", "loans.", "lib.")):
            shown[label] = client.get(reverse(f"admin:{_name(model)}_changelist")).status_code
    assert {label for label, code in shown.items() if code == 200} == {label for label in shown if label in seen}
    assert set(shown.values()) <= {200, 403}


def test_money_rows_cannot_be_added_changed_or_deleted_by_anybody(lived: None, chief: Client):
    for model in ("loans_loan", "loans_repayment", "loans_payout", "loans_journalentry", "loans_productaccrual"):
        assert chief.get(reverse(f"admin:{model}_add")).status_code == 403
    loan = Loan.objects.get()
    url = reverse("admin:loans_loan_change", args=[loan.pk])
    assert chief.post(url, {"principal_amount": "1.00"}).status_code == 403
    assert chief.post(reverse("admin:loans_loan_delete", args=[loan.pk]), {"post": "yes"}).status_code == 403


def test_an_export_holds_the_list_and_disarms_formulas(lived: None, chief: Client):
    answer = chief.get("/admin/risk/invitation/export-csv/")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert answer.status_code == 200
    assert "bob" in text
    assert "'=cmd()" in text
    table = chief.get("/admin/loans/loan/export-xlsx/")
    assert table.status_code == 200
    assert b"".join(table.streaming_content).startswith(b"PK")


def test_a_list_costs_the_same_queries_however_long_it_is(lived: None, chief: Client):
    url = reverse("admin:loans_loan_changelist")
    chief.get(url)
    with CaptureQueriesContext(connection) as few:
        chief.get(url)
    assert len(few) < 20
    assert not [query for query in few.captured_queries if "COUNT(*)" in query["sql"] and "LIMIT" not in query["sql"]]


def test_freezing_needs_the_permission_and_a_reason_and_leaves_its_trace(lived: None):
    line = CreditLine.objects.get()
    url = f"/admin/risk/creditline/{line.pk}/unfreeze/"
    auditor = staff("auditor")
    assert auditor.post(url, {"reason": "no right to", "_form_submitted": "on"}).status_code == 403
    officer = staff("credit_officer")
    officer.post(url, {"reason": "", "_form_submitted": "on"})
    assert CreditLine.objects.get().state == "frozen"
    answer = officer.post(url, {"reason": "called back", "_form_submitted": "on"})
    assert answer.status_code == 302
    assert CreditLine.objects.get().state == "active"
    event = AuditEvent.objects.filter(subject_id=str(line.pk), actor_name="credit_officer").get()
    assert event.reason == "called back"


def test_reading_a_full_number_is_recorded(lived: None):
    customer = Customer.objects.get(openid="alice")
    form = {"number": "phone", "reason": "call back", "_form_submitted": "on"}
    url = f"/admin/accounts/customer/{customer.pk}/reveal_number/"
    assert staff("auditor").post(url, form).status_code == 403
    assert staff("collector").post(url, form).status_code == 302
    assert AuditEvent.objects.filter(action="customer.read_phone", actor_name="collector").count() == 1


def test_invitations_by_file_are_previewed_before_anything_is_written(lived: None):
    client, url = staff("credit_officer"), reverse("admin:risk_invitation_import")
    before = InvitationBatch.objects.count()
    form = {"product": "weilidai", "reason": "spring round", "expires_date": "", "openids": "carol\nbob\n\ncarol"}
    preview = client.post(url, form)
    assert preview.status_code == 200
    assert len(preview.context["check"].good) == 1
    assert len(preview.context["check"].errors) == 2
    assert InvitationBatch.objects.count() == before
    assert client.post(url, {**form, "openids": "carol", "confirmed": "1"}).status_code == 302
    assert InvitationBatch.objects.count() == before + 1
    assert client.get(url).status_code == 200


def test_a_disabled_member_of_staff_is_out_at_once(lived: None):
    client = staff("supervisor")
    assert client.get(reverse("admin:index")).status_code == 200
    StaffUser.objects.filter(username="supervisor").update(is_active=False)
    assert client.get(reverse("admin:index")).status_code == 302


def test_the_home_page_counts_what_is_waiting(lived: None, chief: Client):
    waiting = {str(row["url"]): row["count"] for row in chief.get(reverse("admin:index")).context["waiting"]}
    overdue = next(count for url, count in waiting.items() if "overdue=yes" in url)
    frozen = next(count for url, count in waiting.items() if "state__exact=frozen" in url)
    assert (overdue, frozen) == (1, 1)
