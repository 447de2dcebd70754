"""Lifting a forbidden use that was found: one person asks with a reason, another decides (R52)."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.changes import ChangeKind, change_kind_register
from accounts.models import ChangeRequest, StaffUser
from accounts.services.change_request import change_request
from accounts.services.notification import notification_send
from loans.models import ForbiddenUse, ForbiddenUseState
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.fsm import take_step

KIND = "forbidden_use"
PERMISSION = "loans.lift_forbiddenuse"


@transaction.atomic
def forbidden_use_lift_ask(
    *, misuse_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime
) -> ChangeRequest:
    """Nothing changes until another person approves. Raises `ReasonRequired`, `ChangePending`, `TransitionRefused`."""
    misuse = ForbiddenUse.objects.select_related("customer").filter(pk=misuse_id).first()
    if misuse is None:
        raise ObjectNotFound
    if misuse.state != ForbiddenUseState.STANDING:
        raise TransitionRefused(state=str(misuse.state))
    return change_request(
        kind=KIND,
        subject=misuse,
        subject_name=f"{misuse.customer} {misuse.found_date.isoformat()}",
        before={"refuses_loans": True},
        after={"refuses_loans": False},
        reason=reason,
        user=user,
        as_of=as_of,
        at=at,
    )


def _apply(request: ChangeRequest, actor: Actor, as_of: date, at: datetime) -> None:
    """The customer may borrow again, and is told. Raises `TransitionRefused` where it was lifted before."""
    rows = ForbiddenUse.objects.select_for_update(no_key=True, of=("self",)).select_related("customer")
    misuse = rows.get(pk=request.subject_id)
    misuse.lift_reason, misuse.lifted_at = request.reason[:500], at
    take_step(
        misuse, "lift", actor=actor, as_of=as_of, at=at, reason=request.reason,
        update_fields=("lift_reason", "lifted_at"),
    )  # fmt: skip
    audit_record(
        action="forbidden_use.lift", actor=actor, subject=misuse, at=at, as_of=as_of, reason=request.reason,
        before=request.before, after=request.after,
    )  # fmt: skip
    notification_send(
        customer=misuse.customer, kind="use_lifted", params={}, dedupe_key=f"use_lifted:{misuse.pk}",
        business_date=as_of,
    )  # fmt: skip


def register() -> None:
    words = {"refuses_loans": _("no further loans")}
    change_kind_register(ChangeKind(KIND, _("Lifting of a forbidden use"), _apply, permission=PERMISSION, words=words))
