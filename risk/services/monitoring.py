"""The desk watches itself: an alert when the approval rate leaves its band (R7)."""

from datetime import date, datetime
from decimal import Decimal

from risk.models import Alert, AlertSeverity, MonitoringPolicy
from risk.rules.alerts import APPROVAL_BAND, MONITORING
from risk.selectors.approvals import Approvals, approvals_window
from risk.selectors.policy import monitoring_current
from risk.services.alert import alert_raise
from weilidai.lib.audit import Actor
from weilidai.lib.money import round_rate


def is_outside(approvals: Approvals, policy: MonitoringPolicy) -> bool:
    """Compared as products, so that nothing is rounded: the ends belong to the band. Too few decisions say nothing."""
    if approvals.decided < policy.approval_decisions_min:
        return False
    decided = Decimal(approvals.decided)
    low, high = policy.approval_rate_min * decided, policy.approval_rate_max * decided
    return not low <= Decimal(approvals.approved) <= high


def approval_band_watch(*, as_of: date, at: datetime) -> int:
    """One alert per product and day while the rate is outside its band. Returns how many were raised; run again: 0."""
    policy = monitoring_current(as_of)
    window = approvals_window(as_of, policy.approval_window_days)
    outside = [approvals for approvals in window.values() if is_outside(approvals, policy)]
    return sum(_raise(approvals, policy, as_of, at) for approvals in outside)


def _raise(approvals: Approvals, policy: MonitoringPolicy, as_of: date, at: datetime) -> bool:
    key = f"{APPROVAL_BAND}:{approvals.product}:{as_of.isoformat()}"
    if approvals.rate is None or Alert.objects.filter(dedupe_key=key).exists():
        return False
    alert_raise(
        customer=None,
        rule=APPROVAL_BAND,
        layer=MONITORING,
        severity=AlertSeverity.HIGH,
        evidence={
            "product": approvals.product,
            "rate": str(round_rate(approvals.rate)),
            "band_from": str(policy.approval_rate_min),
            "band_to": str(policy.approval_rate_max),
            "window_days": policy.approval_window_days,
            "decisions": approvals.decided,
            "approved": approvals.approved,
        },
        dedupe_key=key,
        as_of=as_of,
        at=at,
        actor=Actor.system("end_of_day"),
    )
    return True
