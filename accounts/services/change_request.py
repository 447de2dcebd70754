"""Four eyes for what no versioned policy covers: one person asks, another makes it true, both on the record."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import models, transaction

from accounts.changes import change_kind
from accounts.errors import ChangePending
from accounts.models import ChangeRequest, ChangeState, StaffUser
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import FourEyesRequired, ObjectNotFound, ReasonRequired
from weilidai.lib.fsm import take_step


@transaction.atomic
def change_request(
    *,
    kind: str,
    subject: models.Model,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str,
    user: StaffUser,
    as_of: date,
    at: datetime,
    subject_name: str = "",
) -> ChangeRequest:
    """Asks for a change; nothing changes yet. `before` and `after` must be ready for JSON.

    Raises `ReasonRequired`, `ChangePending` while another request for the same object waits.
    """
    if not reason.strip():
        raise ReasonRequired
    label, key = subject._meta.label_lower, str(subject.pk)
    waiting = ChangeRequest.objects.filter(kind=kind, subject_type=label, subject_id=key, state=ChangeState.PENDING)
    row = ChangeRequest(
        kind=change_kind(kind).code, subject_type=label, subject_id=key,
        subject_name=(subject_name or str(subject))[:200],
        before=before, after=after, reason=reason, requested_by=user, requested_at=at,
    )  # fmt: skip
    if waiting.exists():
        raise ChangePending
    # A parallel request for the same object waits at the unique constraint and then writes nothing.
    ChangeRequest.objects.bulk_create([row], ignore_conflicts=True)
    stored = ChangeRequest.objects.filter(pk=row.pk).first()
    if stored is None:
        raise ChangePending
    actor = Actor.of(user)
    state_change_record(subject=stored, old="", new=stored.state, actor=actor, as_of=as_of, at=at, reason=reason)
    audit_record(
        action="change.request", actor=actor, subject=stored, at=at, as_of=as_of, reason=reason,
        before=before, after=after,
    )  # fmt: skip
    return stored


def _locked(request_id: UUID) -> ChangeRequest:
    row = ChangeRequest.objects.select_for_update(no_key=True).filter(pk=request_id).first()
    if row is None:
        raise ObjectNotFound
    return row


def _decide(
    row: ChangeRequest, step: str, user: StaffUser, reason: str, as_of: date, at: datetime, **trail: Any
) -> None:
    row.decided_by, row.decided_at, row.decision_reason = user, at, reason
    fields = ("decided_by", "decided_at", "decision_reason")
    actor = Actor.of(user)
    take_step(row, step, actor=actor, as_of=as_of, at=at, reason=reason, update_fields=fields)
    audit_record(action=f"change.{step}", actor=actor, subject=row, at=at, as_of=as_of, reason=reason, **trail)


@transaction.atomic
def change_approve(*, request_id: UUID, user: StaffUser, as_of: date, at: datetime, reason: str = "") -> ChangeRequest:
    """Makes the change true. Never by who asked, nor by whom it favours.

    Raises `FourEyesRequired`, `TransitionRefused`, and what the kind's own rule raises (nothing is written then).
    """
    row = _locked(request_id)
    kind = change_kind(row.kind)
    if row.requested_by_id == user.pk or kind.bars(row, user):
        raise FourEyesRequired
    _decide(row, "approve", user, reason, as_of, at, before=row.before, after=row.after)
    kind.apply(row, Actor.of(user), as_of, at)
    return row


@transaction.atomic
def change_refuse(*, request_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> ChangeRequest:
    """A second person says no. Raises `ReasonRequired`, `FourEyesRequired`, `TransitionRefused`."""
    if not reason.strip():
        raise ReasonRequired
    row = _locked(request_id)
    if row.requested_by_id == user.pk:
        raise FourEyesRequired
    _decide(row, "refuse", user, reason, as_of, at)
    return row


@transaction.atomic
def change_withdraw(*, request_id: UUID, user: StaffUser, as_of: date, at: datetime) -> ChangeRequest:
    """Who asked takes it back; anybody else refuses. Raises `FourEyesRequired`, `TransitionRefused`."""
    row = _locked(request_id)
    if row.requested_by_id != user.pk:
        raise FourEyesRequired
    _decide(row, "withdraw", user, "", as_of, at)
    return row
