"""What the desk adds to the home page: the approval rate and the alerts."""

from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from risk.selectors.alerts import alerts_of, alerts_overdue, alerts_waiting
from risk.selectors.approvals import Approvals, approvals_window
from risk.selectors.policy import monitoring_current
from weilidai.lib.backoffice.lists import COUNT_LIMIT
from weilidai.lib.backoffice.words import percent


def desk_waiting(request: HttpRequest) -> list[dict[str, Any]]:
    """Open alerts, one's own, and those past their deadline; counts stop at `COUNT_LIMIT`."""
    url = reverse("admin:risk_alert_changelist")
    rows = (
        (_("Open alerts"), alerts_waiting(), ""),
        (_("My alerts"), alerts_of(request.user), "?whose=mine"),  # type: ignore[arg-type]
        (_("Overdue alerts"), alerts_overdue(timezone.now()), "?whose=overdue"),
    )
    return [
        {
            "title": title,
            "count": queryset.order_by()[:COUNT_LIMIT].count(),
            "url": url + query,
            "permission": "risk.view_alert",
        }
        for title, queryset, query in rows
    ]


def approval_card(today: date) -> dict[str, Any]:
    """The rate over all products of those who met every visible rule, beside its band (R7)."""
    policy = monitoring_current(today)
    window = approvals_window(today, policy.approval_window_days).values()
    total = Approvals("", sum(row.decided for row in window), sum(row.approved for row in window))
    band = f"{percent(policy.approval_rate_min)}–{percent(policy.approval_rate_max)}"
    return {
        "title": _("Approval rate, {n} days").format(n=policy.approval_window_days),
        "value": percent(total.rate),
        "note": _("band {band}, {n} decisions").format(band=band, n=total.decided),
    }
