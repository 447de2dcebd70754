"""The second factor of staff: enrolled by its owner; a lost one is taken off by two people (four eyes), because whoever
takes it off alone and knows the password could enrol a device of their own."""

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.changes import ChangeKind, change_kind_register
from accounts.errors import SecondFactorMissing
from accounts.models import ChangeRequest, StaffUser
from accounts.services.change_request import change_request
from weilidai.lib.audit import Actor, audit_record

KIND = "staff_second_factor"
APPROVE = "accounts.approve_changerequest"
DEVICES = (TOTPDevice, StaticDevice)


def has_second_factor(subject: StaffUser) -> bool:
    return any(device.objects.filter(user=subject, confirmed=True).exists() for device in DEVICES)


def second_factor_reset_ask(
    *, subject: StaffUser, reason: str, user: StaffUser, as_of: date, at: datetime
) -> ChangeRequest:
    """Asks to take a lost device off; nothing changes until a second person approves.

    Raises `SecondFactorMissing`, `ReasonRequired`, `ChangePending`.
    """
    if not has_second_factor(subject):
        raise SecondFactorMissing
    return change_request(
        kind=KIND, subject=subject, before={"second_factor": True}, after={"second_factor": False}, reason=reason,
        user=user, as_of=as_of, at=at,
    )  # fmt: skip


def _apply(request: ChangeRequest, actor: Actor, as_of: date, at: datetime) -> None:
    """Takes the devices off: where a factor is required, every session sees only the enrolment from now on."""
    subject = StaffUser.objects.select_for_update(no_key=True).get(pk=request.subject_id)
    for device in DEVICES:
        device.objects.filter(user=subject).delete()
    audit_record(
        action="staff.second_factor_reset", actor=actor, subject=subject, at=at, as_of=as_of, reason=request.reason
    )


def _favours(request: ChangeRequest, user: StaffUser) -> bool:
    """Nobody approves taking off their own."""
    return request.subject_id == str(user.pk)


def register() -> None:
    change_kind_register(
        ChangeKind(
            KIND,
            _("Reset of a second factor"),
            _apply,
            permission=APPROVE,
            bars=_favours,
            words={"second_factor": _("second factor")},
        )
    )
