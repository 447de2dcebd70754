"""Reading the alert queue: what waits, what belongs together, what happened to a case."""

from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Customer, StaffUser
from risk.models import WAITING_STATES, Alert, AlertSnooze
from weilidai.lib.models import AuditEvent

RELATED_SHOWN = 20


def alerts_waiting() -> QuerySet[Alert]:
    return Alert.objects.filter(state__in=WAITING_STATES)


def alerts_of(owner: StaffUser) -> QuerySet[Alert]:
    """What somebody works on."""
    return alerts_waiting().filter(owner=owner)


def alerts_overdue(at: datetime) -> QuerySet[Alert]:
    """Waiting longer than their severity allows."""
    return alerts_waiting().filter(due_at__lt=at)


def alerts_related(alert: Alert) -> list[Alert]:
    """The newest other alerts of the same customer; of the same rule where there is no customer."""
    rows = Alert.objects.exclude(pk=alert.pk).select_related("owner").order_by("-id")
    same = rows.filter(customer=alert.customer_id) if alert.customer_id else rows.filter(rule=alert.rule)
    return list(same[:RELATED_SHOWN])


def snoozes_live(customer: Customer, as_of: date) -> list[AlertSnooze]:
    """Snoozes that hold on the date, the soonest to end first."""
    rows = AlertSnooze.objects.filter(customer=customer, until_date__gte=as_of, ended_at__isnull=True)
    return list(rows.select_related("set_by").order_by("until_date"))


def alert_timeline(alert: Alert) -> list[dict[str, Any]]:
    """Acts and notes of a case, oldest first. A note's act carries the note's text."""
    notes = {str(note.pk): note for note in alert.notes.select_related("author")}
    events = AuditEvent.objects.filter(subject_type="risk.alert", subject_id=str(alert.pk)).order_by("id")
    return [
        {
            "at": event.at,
            "action": event.action.split(".")[-1],
            "who": event.actor_name,
            "text": notes[after["note"]].text if after.get("note") in notes else event.reason,
            "after": after,
        }
        for event in events
        for after in [event.after or {}]
    ]


def staff_who_act(permission: str) -> QuerySet[StaffUser]:
    """Active members of staff whose roles hold `app.codename`, and the superusers."""
    app, codename = permission.split(".")
    held = Q(groups__permissions__codename=codename, groups__permissions__content_type__app_label=app)
    return StaffUser.objects.filter(held | Q(is_superuser=True), is_active=True).distinct().order_by("username")
