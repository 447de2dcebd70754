"""What the alert desk adds to the home page."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from risk.selectors.alerts import alerts_of, alerts_overdue, alerts_waiting
from weilidai.lib.backoffice.lists import COUNT_LIMIT


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
