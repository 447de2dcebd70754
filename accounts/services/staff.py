"""What a member of staff may do, changed by two people (reliability: four eyes for role changes)."""

from datetime import date, datetime

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.changes import ChangeKind, change_kind_register
from accounts.errors import ChangeOutdated
from accounts.models import ChangeRequest, StaffUser
from accounts.services.change_request import change_request
from weilidai.lib.audit import Actor, audit_record

KIND = "staff_roles"
APPROVE = "approve_changerequest"


def roles_of(user: StaffUser) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def second_person_exists(user: StaffUser) -> bool:
    """Is there anybody else, switched off or not, who could approve? Accounts are never deleted, so once there is one
    the first administrator cannot get back to deciding alone."""
    permission = Permission.objects.filter(codename=APPROVE, content_type__app_label="accounts")
    able = Q(groups__permissions__in=permission) | Q(is_superuser=True)
    return StaffUser.objects.filter(able).exclude(pk=user.pk).exists()


@transaction.atomic
def staff_roles_change(
    *, subject: StaffUser, roles: list[str], is_active: bool, reason: str, user: StaffUser, as_of: date, at: datetime
) -> ChangeRequest | None:
    """Asks for other roles, or for an account to be switched on again; a second person approves.

    None: applied at once, because there is nobody else yet (the first administrator of an installation).
    Switching an account off needs no second person and is not done here.
    """
    before = {"roles": roles_of(subject), "active": subject.is_active}
    after = {"roles": sorted(roles), "active": is_active}
    if second_person_exists(user):
        return change_request(
            kind=KIND, subject=subject, before=before, after=after, reason=reason, user=user, as_of=as_of, at=at
        )
    _write(subject, sorted(roles), is_active)
    audit_record(
        action="staff.roles", actor=Actor.of(user), subject=subject, at=at, as_of=as_of, before=before, after=after,
        reason=reason or "no second person yet",
    )  # fmt: skip
    return None


def _write(subject: StaffUser, roles: list[str], is_active: bool) -> None:
    subject.groups.set(Group.objects.filter(name__in=roles))
    StaffUser.objects.filter(pk=subject.pk).update(is_active=is_active)


def _apply(request: ChangeRequest, actor: Actor, as_of: date, at: datetime) -> None:
    """Raises `ChangeOutdated` when the roles are no longer those the request was made against."""
    subject = StaffUser.objects.select_for_update(no_key=True).get(pk=request.subject_id)
    if {"roles": roles_of(subject), "active": subject.is_active} != request.before:
        raise ChangeOutdated
    _write(subject, request.after["roles"], request.after["active"])
    audit_record(
        action="staff.roles", actor=actor, subject=subject, at=at, as_of=as_of, before=request.before,
        after=request.after, reason=request.reason,
    )  # fmt: skip


def _favours(request: ChangeRequest, user: StaffUser) -> bool:
    """Nobody approves their own roles."""
    return request.subject_id == str(user.pk)


def register() -> None:
    change_kind_register(
        ChangeKind(
            KIND,
            _("Roles of a member of staff"),
            _apply,
            permission=f"accounts.{APPROVE}",
            bars=_favours,
            words={"roles": _("roles"), "active": _("active")},
        )
    )
