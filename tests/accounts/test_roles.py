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
