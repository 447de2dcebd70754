"""What the desk adds to other pages: the approval rate, what waits, a customer's alerts."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ChangeRequest, ChangeState, Customer
from loans.selectors.collection_page import tasks_of
from loans.services.collection_task import queue
from risk.models import Alert
from risk.rules.alerts import rule_word
from risk.selectors.alerts import alerts_of, alerts_overdue, alerts_waiting
from risk.selectors.approvals import Approvals, approvals_window
from risk.selectors.policy import monitoring_current
from risk.services.review import reviews_waiting
from weilidai.lib.backoffice import staff_of
from weilidai.lib.backoffice.lists import COUNT_LIMIT
from weilidai.lib.backoffice.words import percent
from weilidai.lib.business_date import current_business_date

ALERTS_SHOWN = 20


def desk_waiting(request: HttpRequest) -> list[dict[str, Any]]:
    """Alerts, applications and changes that wait for a person; counts stop at `COUNT_LIMIT`."""
    today, now, staff = current_business_date(), timezone.now(), staff_of(request)
    late = now - timedelta(hours=monitoring_current(today).referral_hours)
    alerts, see_alerts = reverse("admin:risk_alert_changelist"), "risk.view_alert"
    rows: tuple[tuple[str, Any, str, str], ...] = (
        (_("Open alerts"), alerts_waiting(), alerts, see_alerts),
        (_("My alerts"), alerts_of(staff), f"{alerts}?whose=mine", see_alerts),
        (_("Overdue alerts"), alerts_overdue(now), f"{alerts}?whose=overdue", see_alerts),
        (_("Applications waiting too long"), reviews_waiting().filter(decided_at__lt=late),
         reverse("admin:risk_creditapplication_changelist") + "?state__exact=referred", "risk.view_creditapplication"),
        (_("Changes to approve"), ChangeRequest.objects.filter(state=ChangeState.PENDING),
         reverse("admin:accounts_changerequest_changelist") + "?state__exact=pending", "accounts.view_changerequest"),
        (_("Collection tasks waiting"), queue(today), reverse("admin:loans_collectiontask_changelist") + "?desk=queue",
         "loans.view_collectiontask"),
        (_("My collection tasks"), tasks_of(staff),
         reverse("admin:loans_collectiontask_changelist") + "?desk=mine", "loans.work_collections"),
    )  # fmt: skip
    return [
        {"title": title, "count": rows.order_by()[:COUNT_LIMIT].count(), "url": url, "permission": permission}
        for title, rows, url, permission in rows
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


def alerts_of_customer(customer: Customer) -> list[tuple[Alert, str]]:
    """The newest alerts of a person, each with the name of its rule."""
    rows = Alert.objects.filter(customer=customer).order_by("-id")[:ALERTS_SHOWN]
    return [(alert, rule_word(alert.rule)) for alert in rows]
