"""Codes of the trail become words, in the reader's language; what nobody knows any more shows its code."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from accounts.admin import notice_word, permission_word
from accounts.models import StaffUser
from accounts.notices import NOTICES
from accounts.roles import roles_sync
from loans.admin.payout import EFFECTS, RESULTS, effect_word, result_word
from weilidai.backoffice.operations import job_word
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.backoffice.words import actor_word, state_word, subject_word


@pytest.mark.parametrize(
    ("word", "args", "chinese", "english"),
    [
        (actor_word, ("system",), "系统", "Automatic"),
        (actor_word, ("comet",), "comet", "comet"),
        (subject_word, ("loans.loan",), "借款", "Loan"),
        (subject_word, ("loans.gone",), "loans.gone", "loans.gone"),
        (subject_word, ("nonsense",), "nonsense", "nonsense"),
        (state_word, ("risk.creditline", "state", "frozen"), "已冻结", "Frozen"),
        (state_word, ("risk.creditline", "state", "melted"), "melted", "melted"),
        (state_word, ("risk.creditline", "colour", "green"), "green", "green"),
        (state_word, ("risk.gone", "state", "frozen"), "frozen", "frozen"),
        (job_word, ("end_of_day.reminders",), "还款提醒", "Reminders"),
        (job_word, ("other",), "other", "other"),
        (notice_word, ("overdue",), "还款已逾期", "Repayment overdue"),
        (notice_word, ("older",), "older", "older"),
        (effect_word, ("applied",), "已生效", "Applied"),
        (effect_word, ("",), "", ""),
        (result_word, ("paid",), "已付款", "Paid"),
        (result_word, ("lost",), "lost", "lost"),
    ],
)
def test_a_code_becomes_a_word(word, args: tuple[str, ...], chinese: str, english: str):
    with override("zh-hans"):
        assert word(*args) == chinese
    with override("en"):
        assert word(*args) == english


@pytest.mark.parametrize(
    ("codename", "chinese", "english"),
    [
        ("change_staffuser", "员工: 修改", "Staff user: change"),
        ("view_full_number", "可查看完整姓名、身份证号或手机号", "Can read a full name, identity or phone number"),
    ],
)
def test_a_permission_is_read_in_both_languages(db: None, codename: str, chinese: str, english: str):
    permission = Permission.objects.get(codename=codename)
    with override("zh-hans"):
        assert permission_word(permission) == chinese
    with override("en"):
        assert permission_word(permission) == english


@pytest.fixture
def chief(db: None) -> Client:
    roles_sync()
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(StaffUser.objects.create_superuser("chief", password="x"))
    return client


def test_roles_are_chosen_and_filtered_by_their_names(chief: Client):
    user = StaffUser.objects.create_user("liu", password="x", is_staff=True)
    form = chief.get(reverse("admin:accounts_staffuser_change", args=[user.pk])).content.decode()
    assert "信贷员" in form
    assert "credit_officer" not in form
    listed = reverse("admin:accounts_staffuser_changelist")
    role = user.groups.model.objects.get(name="collector")
    assert "liu" not in chief.get(listed, {"groups__id__exact": role.pk}).content.decode()
    user.groups.add(role)
    page = chief.get(listed, {"groups__id__exact": role.pk}).content.decode()
    assert "liu" in page
    assert "催收员" in page


def test_the_filter_of_the_audit_trail_speaks_the_readers_language(chief: Client):
    subject = StaffUser.objects.get(username="chief")
    audit_record(action="test.act", actor=Actor.system("test"), subject=subject)
    page = chief.get(reverse("admin:lib_auditevent_changelist"), {"actor_kind": "system"}).content.decode()
    assert "test.act" in page
    assert "系统" in page
    assert "员工" in page


@pytest.mark.parametrize(
    ("page", "values"),
    [("accounts/notification", set(NOTICES)), ("loans/payoutcallback", set(EFFECTS) | set(RESULTS)),
     ("lib/auditevent", {"system"}), ("lib/statechange", set())],
)  # fmt: skip
def test_no_list_reads_a_whole_table_to_offer_its_kinds(db: None, page: str, values: set[str]):
    client = Client()
    chief = StaffUser.objects.create_superuser("chief", password="x")
    client.force_login(chief)
    audit_record(action="test", actor=Actor.system("test"), subject=chief)
    with CaptureQueriesContext(connection) as asked:
        shown = client.get(f"/admin/{page}/").context["cl"]
    assert not [one for one in asked if "DISTINCT" in one["sql"]]
    offered = {value for spec in shown.filter_specs for value in getattr(spec, "lookup_choices", [])}
    assert {value for value in offered if isinstance(value, str)} == values
