from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from accounts.models import StaffUser
from accounts.roles import ROLES, roles_sync

pytestmark = pytest.mark.django_db


def member(role: str) -> StaffUser:
    user = StaffUser.objects.create_user(username=role, password=None, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def test_seven_roles_stand_after_the_command_and_stand_the_same_after_the_second() -> None:
    out = StringIO()
    call_command("sync_roles", stdout=out)
    first = {group.name: set(group.permissions.values_list("pk", flat=True)) for group in Group.objects.all()}
    call_command("sync_roles", stdout=StringIO())
    assert {g.name: set(g.permissions.values_list("pk", flat=True)) for g in Group.objects.all()} == first
    assert set(first) == set(ROLES)
    assert out.getvalue().startswith("7 roles: credit_officer")


def test_every_permission_a_role_names_exists() -> None:
    named = {act for _, acts in ROLES.values() for act in acts}
    for models, _ in ROLES.values():
        named |= {f"{app}.view_{model}" for app, model in (name.split(".") for name in models)}
    pairs = Permission.objects.values_list("content_type__app_label", "codename")
    assert named - {f"{app}.{codename}" for app, codename in pairs} == set()


def test_a_permission_added_by_hand_is_taken_back() -> None:
    roles_sync()
    finance = Group.objects.get(name="finance")
    finance.permissions.add(Permission.objects.get(codename="delete_customer"))
    roles_sync()
    assert not finance.permissions.filter(codename="delete_customer").exists()


@pytest.mark.req("R55")
def test_only_collector_and_supervisor_read_full_numbers() -> None:
    roles_sync()
    assert [role for role in ROLES if member(role).has_perm("accounts.view_full_number")] == ["collector", "supervisor"]


def test_the_auditor_sees_the_trail_and_changes_nothing() -> None:
    roles_sync()
    auditor = member("auditor")
    assert auditor.has_perm("lib.view_auditevent")
    assert {name.split(".")[1].split("_")[0] for name in auditor.get_all_permissions()} == {"view"}


def test_the_administrator_handles_staff_and_sees_no_customer() -> None:
    roles_sync()
    admin = member("administrator")
    assert admin.has_perm("accounts.change_staffuser")
    assert not admin.has_perm("accounts.view_customer")


def test_nobody_deletes_or_writes_the_books() -> None:
    roles_sync()
    held = {name for role in ROLES for name in member(role).get_all_permissions()}
    books = ("journalentry", "posting", "auditevent", "statechange")
    assert [n for n in held if ".delete_" in n or (n.endswith(books) and ".view_" not in n)] == []


ACTS = {
    "credit_officer": ["loans.change_forbiddenuse", "loans.change_voucher", "risk.add_invitation",
                       "risk.change_alert", "risk.change_appeal", "risk.change_assetproof",
                       "risk.change_creditapplication", "risk.change_creditline", "risk.change_decisioncontest",
                       "risk.change_invitation"],
    "risk_analyst": ["loans.add_collectionpolicy", "loans.change_collectionpolicy", "loans.change_forbiddenuse",
                     "loans.change_voucher", "risk.add_backtestrun",
                     "risk.add_denyentry", "risk.add_invitation", "risk.add_labelledset", "risk.add_limitraisepolicy",
                     "risk.add_monitoringpolicy", "risk.add_product", "risk.add_productterms",
                     "risk.add_ratereviewpolicy",
                     "risk.add_regulationparameter", "risk.add_scorecard", "risk.add_screeningpolicy",
                     "risk.add_workbenchrun", "risk.change_alert", "risk.change_appeal", "risk.change_assetproof",
                     "risk.change_creditapplication",
                     "risk.change_denyentry", "risk.change_limitraisepolicy", "risk.change_monitoringpolicy",
                     "risk.change_productterms",
                     "risk.change_ratereviewpolicy", "risk.change_scorecard", "risk.change_screeningpolicy"],
    "collector": ["accounts.view_full_number", "loans.request_relief", "loans.work_collections"],
    "finance": ["loans.add_accountingperiod", "loans.decide_approval", "loans.request_money", "loans.request_relief"],
    "supervisor": ["accounts.approve_changerequest", "accounts.view_full_number", "lib.change_businessday",
                   "loans.change_collectionpolicy", "loans.change_forbiddenuse", "loans.change_voucher",
                   "loans.decide_approval", "loans.direct_collections", "loans.lift_forbiddenuse",
                   "loans.work_collections", "risk.add_denyentry", "risk.add_invitation",
                   "risk.add_regulationparameter",
                   "risk.change_alert", "risk.change_appeal", "risk.change_assetproof", "risk.change_creditapplication",
                   "risk.change_creditline", "risk.change_decisioncontest", "risk.change_denyentry",
                   "risk.change_invitation", "risk.change_limitraisepolicy", "risk.change_monitoringpolicy",
                   "risk.change_product", "risk.change_productterms",
                   "risk.change_ratereviewpolicy", "risk.change_regulationparameter", "risk.change_scorecard",
                   "risk.change_screeningpolicy", "risk.decide_escalated_appeal"],
    "auditor": [],
    "administrator": ["accounts.add_staffuser", "accounts.approve_changerequest", "accounts.change_staffuser",
                      "lib.change_businessday"],
}  # fmt: skip


@pytest.mark.parametrize("role", ACTS)
def test_a_role_acts_as_declared_and_no_more(role: str) -> None:
    roles_sync()
    held = member(role).get_all_permissions()
    assert sorted(name for name in held if ".view_" not in name or name.endswith("full_number")) == ACTS[role]


SEES = {
    "credit_officer": (["accounts.view_customer", "risk.view_decision", "loans.view_loan"],
                       ["loans.view_journalentry", "lib.view_auditevent", "risk.view_scorecard", "auth.view_group"]),
    "risk_analyst": (["risk.view_scorecard", "risk.view_feeddelivery"],
                     ["accounts.view_bankcard", "loans.view_journalentry", "lib.view_auditevent"]),
    "collector": (["accounts.view_customer", "loans.view_repayment", "loans.view_collectiontask"],
                  ["risk.view_decision", "loans.view_posting", "lib.view_auditevent"]),
    "finance": (["loans.view_journalentry", "lib.view_businessday"],
                ["accounts.view_bankcard", "risk.view_decision", "lib.view_auditevent"]),
    "supervisor": (["lib.view_auditevent", "loans.view_posting"], ["accounts.view_staffuser", "auth.view_group"]),
    "auditor": (["lib.view_auditevent", "accounts.view_staffuser", "loans.view_posting", "risk.view_decision"],
                ["accounts.view_full_number"]),
    "administrator": (["accounts.view_staffuser", "auth.view_group"],
                      ["accounts.view_customer", "loans.view_loan", "risk.view_decision"]),
}  # fmt: skip


@pytest.mark.parametrize("role", SEES)
def test_a_role_sees_its_own_work_and_not_anothers(role: str) -> None:
    roles_sync()
    user = member(role)
    seen, unseen = SEES[role]
    assert [name for name in seen if not user.has_perm(name)] == []
    assert [name for name in unseen if user.has_perm(name)] == []
