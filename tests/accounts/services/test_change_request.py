"""Four eyes (reliability): roles and figures of the law change when a second person approves, and not before."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections

from accounts.errors import ChangeOutdated, ChangePending
from accounts.models import ChangeRequest, StaffUser
from accounts.roles import roles_sync
from accounts.services.change_request import change_approve, change_refuse, change_withdraw
from accounts.services.staff import roles_of, staff_roles_change
from tests.accounts.builders import AS_OF, AT
from weilidai.lib.errors import FourEyesRequired, ReasonRequired, TransitionRefused
from weilidai.lib.models import AuditEvent

EDGE = {"as_of": AS_OF, "at": AT}


def person(name: str, *roles: str) -> StaffUser:
    roles_sync()
    user = StaffUser.objects.create_user(name, password=None, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def asked(subject: StaffUser, user: StaffUser, *roles: str, active: bool = True, reason: str = "new job") -> Any:
    return staff_roles_change(subject=subject, roles=list(roles), is_active=active, reason=reason, user=user, **EDGE)


@pytest.fixture
def admin(db: None) -> StaffUser:
    return person("admin", "administrator")


@pytest.fixture
def boss(db: None) -> StaffUser:
    return person("boss", "supervisor")


def test_roles_change_once_another_person_approved(admin: StaffUser, boss: StaffUser) -> None:
    carol = person("carol", "collector")
    request = asked(carol, admin, "finance", "auditor")
    assert roles_of(carol) == ["collector"]
    with pytest.raises(FourEyesRequired):
        change_approve(request_id=request.pk, user=admin, **EDGE)
    change_approve(request_id=request.pk, user=boss, **EDGE)
    assert roles_of(carol) == ["auditor", "finance"]
    assert ChangeRequest.objects.get().decided_by == boss
    events = AuditEvent.objects.order_by("id").values_list("action", "actor_name")
    assert list(events) == [("change.request", "admin"), ("change.approve", "boss"), ("staff.roles", "boss")]
    with pytest.raises(TransitionRefused):
        change_approve(request_id=request.pk, user=boss, **EDGE)


def test_nobody_approves_their_own_roles(admin: StaffUser, boss: StaffUser) -> None:
    request = asked(boss, admin, "supervisor", "administrator")
    with pytest.raises(FourEyesRequired):
        change_approve(request_id=request.pk, user=boss, **EDGE)
    assert roles_of(boss) == ["supervisor"]


def test_a_refused_or_withdrawn_request_changes_nothing(admin: StaffUser, boss: StaffUser) -> None:
    carol = person("carol")
    request = asked(carol, admin, "finance")
    with pytest.raises(ReasonRequired):
        change_refuse(request_id=request.pk, user=boss, reason=" ", **EDGE)
    with pytest.raises(FourEyesRequired):
        change_refuse(request_id=request.pk, user=admin, reason="changed my mind", **EDGE)
    with pytest.raises(FourEyesRequired):
        change_withdraw(request_id=request.pk, user=boss, **EDGE)
    change_refuse(request_id=request.pk, user=boss, reason="not her job", **EDGE)
    again = asked(carol, admin, "finance")
    change_withdraw(request_id=again.pk, user=admin, **EDGE)
    assert roles_of(carol) == []
    assert sorted(ChangeRequest.objects.values_list("state", flat=True)) == ["refused", "withdrawn"]


def test_one_request_for_a_person_waits_at_a_time_and_needs_a_reason(admin: StaffUser, boss: StaffUser) -> None:
    carol = person("carol")
    with pytest.raises(ReasonRequired):
        asked(carol, admin, "finance", reason=" ")
    asked(carol, admin, "finance")
    with pytest.raises(ChangePending):
        asked(carol, boss, "auditor")


def test_a_request_against_other_roles_is_not_applied(admin: StaffUser, boss: StaffUser) -> None:
    carol = person("carol")
    request = asked(carol, admin, "finance")
    carol.groups.set(Group.objects.filter(name="auditor"))
    with pytest.raises(ChangeOutdated):
        change_approve(request_id=request.pk, user=boss, **EDGE)
    assert (roles_of(carol), ChangeRequest.objects.get().state) == (["auditor"], "pending")


def test_the_first_administrator_decides_alone_until_there_is_somebody_else(admin: StaffUser) -> None:
    boss, carol = person("boss"), person("carol")
    assert asked(boss, admin, "supervisor") is None
    assert roles_of(boss) == ["supervisor"]
    assert AuditEvent.objects.get(action="staff.roles").actor_name == "admin"
    StaffUser.objects.filter(pk=boss.pk).update(is_active=False)
    assert asked(carol, admin, "supervisor") is not None
    assert roles_of(carol) == []


@pytest.mark.django_db(transaction=True)
def test_parallel_approvals_apply_once() -> None:
    admin, boss, second = person("admin", "administrator"), person("boss", "supervisor"), person("s", "supervisor")
    request = asked(person("carol"), admin, "finance")

    def approve(number: int) -> str:
        try:
            change_approve(request_id=request.pk, user=[boss, second][number % 2], **EDGE)
        except TransitionRefused:
            return "refused"
        finally:
            connections.close_all()
        return "approved"

    assert sorted(_together(approve, 6)) == ["approved"] + ["refused"] * 5
    assert AuditEvent.objects.filter(action="staff.roles").count() == 1


def _together(act: Callable[[int], str], count: int) -> list[str]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, range(count)))
