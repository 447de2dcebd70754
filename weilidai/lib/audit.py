"""Writing evidence: who acted, and what changed. Called by services inside their transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils import timezone

from weilidai.lib.bulk import row_insert, rows_save
from weilidai.lib.models import AuditEvent, StateChange

# Rows in one statement at most.
PAGE = 100


@dataclass(frozen=True)
class Actor:
    """Who acts: `kind` is staff, customer, system or machine."""

    kind: str
    id: str
    name: str

    @classmethod
    def system(cls, name: str) -> "Actor":
        return cls(kind="system", id=name, name=name)

    @classmethod
    def machine(cls, name: str) -> "Actor":
        return cls(kind="machine", id=name, name=name)

    @classmethod
    def of(cls, user: Any) -> "Actor":
        """A staff user or a customer, told apart by the model."""
        kind = "customer" if user._meta.model_name == "customer" else "staff"
        return cls(kind=kind, id=str(user.pk), name=user.openid if kind == "customer" else user.get_username())


def _customer_id_of(subject: models.Model) -> Any:
    if subject._meta.model_name == "customer":
        return subject.pk
    return getattr(subject, "customer_id", None)


def audit_record(
    *,
    action: str,
    actor: Actor,
    subject: models.Model,
    at: datetime | None = None,
    as_of: date | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    ip: str | None = None,
) -> AuditEvent:
    """One row of the audit trail; `before` and `after` must be ready for JSON (amounts as strings)."""
    event = AuditEvent(
        at=at or timezone.now(),
        business_date=as_of,
        action=action,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        customer_id=_customer_id_of(subject),
        before=before,
        after=after,
        reason=reason,
        ip=ip,
    )
    row_insert(event)
    return event


def state_change_record(
    *,
    subject: models.Model,
    old: str,
    new: str,
    actor: Actor,
    as_of: date,
    at: datetime | None = None,
    field: str = "state",
    reason: str = "",
) -> StateChange:
    """One step of a state machine, written beside the transition."""
    change = StateChange(
        at=at or timezone.now(),
        business_date=as_of,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        customer_id=_customer_id_of(subject),
        field=field,
        old=old,
        new=new,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        reason=reason,
    )
    row_insert(change)
    return change


def audit_records(
    *,
    action: str,
    actor: Actor,
    subjects: Sequence[tuple[models.Model, dict[str, Any]]],
    at: datetime,
    as_of: date,
) -> None:
    """`audit_record` for many objects, each with its `after`, in one query."""
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=at, business_date=as_of, action=action, actor_kind=actor.kind, actor_id=actor.id,
            actor_name=actor.name, subject_type=subject._meta.label_lower, subject_id=str(subject.pk),
            customer_id=_customer_id_of(subject), after=after,
        )
        for subject, after in subjects
    )  # fmt: skip


def state_change_records(
    *, subjects: Sequence[models.Model], old: str, actor: Actor, as_of: date, at: datetime, field: str = "state"
) -> None:
    """`state_change_record` for many objects that stand in their new state, in one query."""
    changes = [
        StateChange(
            at=at, business_date=as_of, subject_type=subject._meta.label_lower, subject_id=str(subject.pk),
            customer_id=_customer_id_of(subject), field=field, old=old, new=getattr(subject, field),
            actor_kind=actor.kind, actor_id=actor.id, actor_name=actor.name,
        )
        for subject in subjects
    ]  # fmt: skip
    for start in range(0, len(changes), PAGE):
        rows_save(changes[start : start + PAGE])
