"""Silence for one customer and rule until a day; it ends by itself (R34)."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.models import Customer, StaffUser
from risk.errors import ReasonRequired, SnoozeInvalid
from risk.models import AlertSnooze
from risk.selectors.policy import monitoring_current
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import ObjectNotFound, TransitionRefused


@transaction.atomic
def snooze_set(
    *, customer: Customer, rule: str, until_date: date, reason: str, user: StaffUser, as_of: date, at: datetime
) -> AlertSnooze:
    """Holds alerts of `rule` back for the customer until the end of `until_date`; replaces a snooze that holds.

    Raises `ReasonRequired`, `SnoozeInvalid` for a day before `as_of` or further away than the policy allows.
    """
    if not reason.strip():
        raise ReasonRequired
    days = monitoring_current(as_of).snooze_days_max
    if not as_of <= until_date <= as_of + timedelta(days=days):
        raise SnoozeInvalid(days_max=days)
    # Two people snoozing at once wait for each other here.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    AlertSnooze.objects.filter(customer=customer, rule=rule, until_date__gte=as_of, ended_at__isnull=True).update(
        ended_at=at
    )
    snooze = AlertSnooze.objects.create(
        customer=customer, rule=rule, until_date=until_date, reason=reason, set_by=user, set_at=at
    )
    audit_record(
        action="alert_snooze.set", actor=Actor.of(user), subject=snooze, at=at, as_of=as_of, reason=reason,
        after={"rule": rule, "until_date": until_date.isoformat()},
    )  # fmt: skip
    return snooze


@transaction.atomic
def snooze_end(*, snooze_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> AlertSnooze:
    """Alerts are raised again at once. Raises `ReasonRequired`, `TransitionRefused` when it has already ended."""
    if not reason.strip():
        raise ReasonRequired
    snooze = AlertSnooze.objects.select_for_update(no_key=True).filter(pk=snooze_id).first()
    if snooze is None:
        raise ObjectNotFound
    if snooze.ended_at is not None or snooze.until_date < as_of:
        raise TransitionRefused(state="ended")
    snooze.ended_at = at
    snooze.save(update_fields=["ended_at"])
    audit_record(action="alert_snooze.end", actor=Actor.of(user), subject=snooze, at=at, as_of=as_of, reason=reason)
    return snooze
