"""Passwords of staff: each person's own. A lost one is replaced by a temporary one that two people gave (four eyes)."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from accounts.changes import ChangeKind, change_kind_register
from accounts.models import ChangeRequest, StaffUser
from accounts.services.change_request import change_request
from weilidai.lib.audit import Actor, audit_record

KIND = "staff_password"
APPROVE = "accounts.approve_changerequest"
TEMPORARY_HOURS = 24
# Without letters and digits that look alike: it is read out and typed by hand.
ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH = 16


def password_reset_ask(*, subject: StaffUser, reason: str, user: StaffUser, as_of: date, at: datetime) -> ChangeRequest:
    """Asks for a temporary password; nothing changes until a second person approves.

    Raises `ReasonRequired`, `ChangePending`.
    """
    after = {"temporary_password": True}
    return change_request(
        kind=KIND, subject=subject, before={"temporary_password": False}, after=after, reason=reason, user=user,
        as_of=as_of, at=at,
    )  # fmt: skip


def _apply(request: ChangeRequest, actor: Actor, as_of: date, at: datetime) -> None:
    """Ends the old password and every session; the temporary one is told once, to who approved."""
    subject = StaffUser.objects.select_for_update(no_key=True).get(pk=request.subject_id)
    password = get_random_string(LENGTH, ALPHABET)
    subject.set_password(password)
    temporary_mark(subject, at)
    subject.save(update_fields=["password", "must_change_password", "temporary_until"])
    audit_record(action="staff.password_reset", actor=actor, subject=subject, at=at, as_of=as_of, reason=request.reason)
    request.told = translate("Temporary password of {name}, shown this once and good for {n} hours: {password}").format(
        name=subject.username, n=TEMPORARY_HOURS, password=password
    )


def temporary_mark(subject: StaffUser, at: datetime) -> None:
    """Whoever set this password was not its owner; the caller saves."""
    subject.must_change_password, subject.temporary_until = True, at + timedelta(hours=TEMPORARY_HOURS)


def is_over(user: StaffUser, at: datetime) -> bool:
    """A temporary password that was not used in time."""
    return user.must_change_password and user.temporary_until is not None and user.temporary_until <= at


@transaction.atomic
def password_chosen(*, user: StaffUser, at: datetime) -> None:
    """The owner has chosen a password."""
    StaffUser.objects.filter(pk=user.pk).update(must_change_password=False, temporary_until=None)
    audit_record(action="staff.password_chosen", actor=Actor.of(user), subject=user, at=at)


def _favours(request: ChangeRequest, user: StaffUser) -> bool:
    """Nobody approves a password of their own."""
    return request.subject_id == str(user.pk)


def register() -> None:
    change_kind_register(
        ChangeKind(
            KIND,
            _("Temporary password of a member of staff"),
            _apply,
            permission=APPROVE,
            bars=_favours,
            words={"temporary_password": _("temporary password")},
        )
    )
