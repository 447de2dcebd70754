"""Many alerts at once, for what a feed brings: as `alert_raise`, in a handful of queries (R34)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from risk.models import Alert, AlertSeverity, AlertSnooze
from risk.selectors.policy import monitoring_current
from risk.services.alert import hours_for
from weilidai.lib.audit import Actor, audit_records, state_change_records

WRITTEN_AT_ONCE = 500


@dataclass(frozen=True)
class Found:
    """What one alert will say; `evidence` must be ready for JSON (amounts as strings)."""

    customer_id: UUID
    rule: str
    layer: str
    evidence: dict[str, Any]
    severity: AlertSeverity
    dedupe_key: str


@transaction.atomic
def alerts_raise(*, found: Sequence[Found], as_of: date, at: datetime, actor: Actor) -> int:
    """How many were raised. What is snoozed is counted there, what stands already is left as it is."""
    waiting = _without_snoozed(found, as_of)
    policy = monitoring_current(as_of)
    alerts = [
        Alert(
            customer_id=item.customer_id, rule=item.rule, layer=item.layer, severity=item.severity,
            evidence=item.evidence, dedupe_key=item.dedupe_key, business_date=as_of, raised_at=at, last_seen_at=at,
            due_at=at + timedelta(hours=hours_for(policy, item.severity)),
        )
        for item in sorted(waiting, key=lambda item: item.dedupe_key)
    ]  # fmt: skip
    raised = 0
    for start in range(0, len(alerts), WRITTEN_AT_ONCE):
        raised += _write(alerts[start : start + WRITTEN_AT_ONCE], as_of, at, actor)
    return raised


def _write(alerts: list[Alert], as_of: date, at: datetime, actor: Actor) -> int:
    """Only the rows that this call wrote leave a trail."""
    Alert.objects.bulk_create(alerts, ignore_conflicts=True)
    stored = set(Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).values_list("pk", flat=True))
    fresh = [alert for alert in alerts if alert.pk in stored]
    state_change_records(subjects=fresh, old="", actor=actor, as_of=as_of, at=at)
    audit_records(
        action="alert.raise", actor=actor, at=at, as_of=as_of,
        subjects=[
            (alert, {"rule": alert.rule, "layer": alert.layer, "severity": int(alert.severity)}) for alert in fresh
        ],
    )  # fmt: skip
    return len(fresh)


def _without_snoozed(found: Sequence[Found], as_of: date) -> list[Found]:
    """A snooze never hides how much it held back."""
    live = AlertSnooze.objects.filter(
        customer__in={item.customer_id for item in found}, rule__in={item.rule for item in found},
        until_date__gte=as_of, ended_at__isnull=True,
    ).order_by("pk")  # fmt: skip
    snoozed: dict[tuple[UUID, str], list[UUID]] = {}
    for pk, customer, rule in live.values_list("pk", "customer_id", "rule"):
        snoozed.setdefault((customer, rule), []).append(pk)
    held = Counter((item.customer_id, item.rule) for item in found if (item.customer_id, item.rule) in snoozed)
    for key, number in sorted(held.items()):
        AlertSnooze.objects.filter(pk__in=snoozed[key]).update(held_back=F("held_back") + number)
    return [item for item in found if (item.customer_id, item.rule) not in snoozed]
