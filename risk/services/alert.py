"""Alerts: raised once however often they are seen, worked on by people, each act on the record (R34)."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.models import Customer, StaffUser
from risk.errors import AssigneeInvalid, ReasonRequired
from risk.models import Alert, AlertNote, AlertOutcome, AlertSeverity, AlertSnooze, AlertState
from risk.models.monitoring import MonitoringPolicy
from risk.selectors.policy import monitoring_current
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.fsm import take_step
from weilidai.lib.ids import uuid7

ACT = "risk.change_alert"


@transaction.atomic
def alert_raise(
    *,
    customer: Customer | None,
    rule: str,
    layer: str,
    evidence: dict[str, Any],
    severity: AlertSeverity | int,
    dedupe_key: str,
    as_of: date,
    at: datetime,
    actor: Actor,
) -> Alert | None:
    """A new alert, or the one that `dedupe_key` already stands for with one repeat more.

    None while the customer is snoozed for this rule. `customer=None` is an alert about the business.
    `evidence` must be ready for JSON (amounts as strings). Safe under parallel calls.
    """
    if customer is not None and _held_back(customer, rule, as_of):
        return None
    policy = monitoring_current(as_of)
    alert = Alert(
        id=uuid7(), customer=customer, rule=rule, layer=layer, severity=severity, evidence=evidence,
        dedupe_key=dedupe_key, business_date=as_of, raised_at=at, last_seen_at=at,
        due_at=at + timedelta(hours=hours_for(policy, AlertSeverity(severity))),
    )  # fmt: skip
    # A parallel raise of the same key waits here for the other to commit, and then writes nothing.
    Alert.objects.bulk_create([alert], ignore_conflicts=True)
    stored = Alert.objects.get(dedupe_key=dedupe_key)
    if stored.pk != alert.pk:
        Alert.objects.filter(pk=stored.pk).update(repeats=F("repeats") + 1, last_seen_at=at)
        stored.refresh_from_db(fields=["repeats", "last_seen_at"])
        return stored
    state_change_record(subject=stored, old="", new=stored.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="alert.raise", actor=actor, subject=stored, at=at, as_of=as_of,
        after={"rule": rule, "layer": layer, "severity": int(severity)},
    )  # fmt: skip
    return stored


def hours_for(policy: MonitoringPolicy, severity: AlertSeverity) -> int:
    """How long an alert of this severity may wait, in hours."""
    hours: int = getattr(policy, f"alert_hours_{severity.name.lower()}")
    return hours


def _held_back(customer: Customer, rule: str, as_of: date) -> bool:
    """Snoozed on this date? What is held back is counted, so that a snooze never hides how much it hid."""
    snoozed = AlertSnooze.objects.filter(
        customer=customer, rule=rule, until_date__gte=as_of, ended_at__isnull=True
    ).update(held_back=F("held_back") + 1)
    return bool(snoozed)


def alert_lock(alert_id: UUID) -> Alert:
    """The row under lock until the caller's transaction ends. Raises `ObjectNotFound`."""
    alert = Alert.objects.select_for_update(no_key=True).filter(pk=alert_id).first()
    if alert is None:
        raise ObjectNotFound
    return alert


@transaction.atomic
def alert_assign(
    *, alert_id: UUID, owner: StaffUser, user: StaffUser, as_of: date, at: datetime, reason: str = ""
) -> Alert:
    """Gives a waiting alert to `owner` (oneself or somebody who may act). Raises `AssigneeInvalid`,
    `TransitionRefused` once it is closed. Giving it to its owner again changes nothing."""
    if not owner.is_active or not owner.has_perm(ACT):
        raise AssigneeInvalid
    alert = alert_lock(alert_id)
    if alert.state != AlertState.CLOSED and alert.owner_id == owner.pk:
        return alert
    before = alert.owner
    actor = Actor.of(user)
    alert.owner = owner
    if alert.state == AlertState.IN_PROGRESS:
        alert.save(update_fields=["owner"])
    else:
        take_step(alert, "take", actor=actor, as_of=as_of, at=at, reason=reason, update_fields=("owner",))
    audit_record(
        action="alert.assign", actor=actor, subject=alert, at=at, as_of=as_of, reason=reason,
        before={"owner": before.get_username() if before else None}, after={"owner": owner.get_username()},
    )  # fmt: skip
    return alert


@transaction.atomic
def alert_note(*, alert_id: UUID, text: str, user: StaffUser, as_of: date, at: datetime) -> AlertNote:
    """Adds what somebody found out, also after the alert was closed. Raises `ReasonRequired` for an empty text."""
    if not text.strip():
        raise ReasonRequired
    alert = alert_lock(alert_id)
    note = AlertNote.objects.create(alert=alert, author=user, text=text.strip(), at=at, customer_id=alert.customer_id)
    audit_record(
        action="alert.note", actor=Actor.of(user), subject=alert, at=at, as_of=as_of, after={"note": str(note.pk)}
    )
    return note


@transaction.atomic
def alert_close(
    *, alert_id: UUID, outcome: AlertOutcome | str, reason: str, user: StaffUser, as_of: date, at: datetime
) -> Alert:
    """Closes with an outcome and why; whoever closes an unowned alert owns it. Raises `ReasonRequired`,
    `TransitionRefused`."""
    if not reason.strip():
        raise ReasonRequired
    alert = alert_lock(alert_id)
    if alert.state == AlertState.CLOSED:
        raise TransitionRefused(state=str(alert.state))
    actor = Actor.of(user)
    alert.outcome, alert.closed_at = AlertOutcome(outcome), at
    alert.owner = alert.owner or user
    take_step(
        alert, "close", actor=actor, as_of=as_of, at=at, reason=reason, update_fields=("outcome", "closed_at", "owner")
    )
    audit_record(
        action="alert.close", actor=actor, subject=alert, at=at, as_of=as_of, reason=reason,
        after={"outcome": str(alert.outcome)},
    )  # fmt: skip
    return alert


@transaction.atomic
def alert_reopen(*, alert_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> Alert:
    """A closed alert waits again, without owner, due as if raised now. Raises `ReasonRequired`, `TransitionRefused`."""
    if not reason.strip():
        raise ReasonRequired
    alert = alert_lock(alert_id)
    before = {"outcome": str(alert.outcome)}
    actor = Actor.of(user)
    hours = hours_for(monitoring_current(as_of), AlertSeverity(alert.severity))
    alert.outcome, alert.closed_at, alert.owner, alert.due_at = "", None, None, at + timedelta(hours=hours)
    fields = ("outcome", "closed_at", "owner", "due_at")
    take_step(alert, "reopen", actor=actor, as_of=as_of, at=at, reason=reason, update_fields=fields)
    audit_record(
        action="alert.reopen", actor=actor, subject=alert, at=at, as_of=as_of, reason=reason, before=before
    )  # fmt: skip
    return alert


@transaction.atomic
def alerts_assign(
    *, alert_ids: Iterable[UUID], owner: StaffUser, reason: str, user: StaffUser, as_of: date, at: datetime
) -> tuple[int, int]:
    """Many at once with one reason, each on the record. Returns how many were given, how many were closed already."""
    if not reason.strip():
        raise ReasonRequired

    def assign(alert_id: UUID) -> None:
        alert_assign(alert_id=alert_id, owner=owner, user=user, as_of=as_of, at=at, reason=reason)

    return _each(alert_ids, assign)


@transaction.atomic
def alerts_close(
    *,
    alert_ids: Iterable[UUID],
    outcome: AlertOutcome | str,
    reason: str,
    user: StaffUser,
    as_of: date,
    at: datetime,
) -> tuple[int, int]:
    """Many at once with one outcome and reason, each on the record. Returns closed now, closed before."""

    def close(alert_id: UUID) -> None:
        alert_close(alert_id=alert_id, outcome=outcome, reason=reason, user=user, as_of=as_of, at=at)

    return _each(alert_ids, close)


def _each(alert_ids: Iterable[UUID], act: Callable[[UUID], None]) -> tuple[int, int]:
    """In the order of their keys, so that two people's selections never wait for each other in a ring."""
    done = left = 0
    for alert_id in sorted(set(alert_ids)):
        try:
            act(alert_id)
        except TransitionRefused:
            left += 1
        else:
            done += 1
    return done, left
