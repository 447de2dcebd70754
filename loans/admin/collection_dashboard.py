"""Collections over a period as charts: open tasks by bucket, promises kept and broken, money recovered (R60)."""

import json
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from loans.maths.collection import OVERDUE_BUCKETS
from loans.models import PromiseState
from loans.selectors.collection_page import (
    calls_by_collector,
    days_between,
    kept_share,
    promises_by_day,
    recovered_by_day,
    tasks_by_bucket,
    total_of,
)
from weilidai.lib.backoffice.charts import chart_options
from weilidai.lib.backoffice.words import percent
from weilidai.lib.business_date import current_business_date

PERIODS = ((7, _("7 days")), (30, _("30 days")), (90, _("90 days")))
SHADES = (600, 300)


class PeriodForm(forms.Form):
    days = forms.TypedChoiceField(
        label=_("Period"), choices=PERIODS, coerce=int, initial=30, widget=UnfoldAdminSelectWidget
    )


class CollectionDashboard:
    """For the admin of tasks."""

    admin_site: Any

    def dashboard_urls(self) -> list[URLPattern]:
        return [path("dashboard/", self.admin_site.admin_view(self.dashboard), name="loans_collection_dashboard")]

    def dashboard(self, request: HttpRequest) -> Any:
        if not request.user.has_perm("loans.view_collectiontask"):
            raise PermissionDenied
        form = PeriodForm(request.GET if "days" in request.GET else None)
        days = form.cleaned_data["days"] if form.is_bound and form.is_valid() else 30
        today = current_business_date()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Collections dashboard"),
            "form": PeriodForm(initial={"days": days}),
            **dashboard_figures(today - timedelta(days=days - 1), today),
            "chart_options": chart_options(),
            "plain_options": chart_options(legend=False),
        }
        return TemplateResponse(request, "backoffice/collection_dashboard.html", context)


def dashboard_figures(since: date, today: date) -> dict[str, Any]:
    buckets, promises, recovered = tasks_by_bucket(), promises_by_day(since, today), recovered_by_day(since, today)
    days = days_between(since, today)
    labels = [day.strftime("%m-%d") for day in days]
    counts: dict[str, int] = {
        state: sum(row.get(state, 0) for row in promises.values()) for state in (PromiseState.KEPT, PromiseState.BROKEN)
    }
    waiting = sum(row["tasks"] - row["taken"] for row in buckets.values())
    return {
        "since": since,
        "today": today,
        "cards": [
            (_("Open tasks"), sum(row["tasks"] for row in buckets.values()),
             translate("{n} with nobody").format(n=waiting)),
            (_("Promises kept"), percent(kept_share(promises)),
             translate("{kept} kept, {broken} broken").format(kept=counts["kept"], broken=counts["broken"])),
            (_("Recovered"), f"¥ {total_of(recovered):,.2f}", translate("received while a task was open")),
        ],
        "buckets_chart": _bars(
            list(OVERDUE_BUCKETS),
            [
                (translate("With a collector"), [buckets.get(code, {}).get("taken", 0) for code in OVERDUE_BUCKETS]),
                (translate("In the queue"), [_free(buckets.get(code)) for code in OVERDUE_BUCKETS]),
            ],
        ),
        "promises_chart": _bars(
            labels,
            [
                (translate("Kept"), [promises.get(day, {}).get(PromiseState.KEPT, 0) for day in days]),
                (translate("Broken"), [promises.get(day, {}).get(PromiseState.BROKEN, 0) for day in days]),
            ],
        ),
        # A chart's coordinates, not money: nothing is computed from them.
        "recovered_chart": _bars(labels, [(translate("Recovered"), [float(recovered.get(day, 0)) for day in days])]),
        "collectors": calls_by_collector(since, today),
    }  # fmt: skip


def _free(row: dict[str, Any] | None) -> int:
    return int(row["tasks"] - row["taken"]) if row else 0


def _bars(labels: list[str], series: list[tuple[str, list[Any]]]) -> str:
    datasets = [
        {"label": name, "data": values, "backgroundColor": f"var(--color-primary-{shade})", "borderRadius": 4}
        for (name, values), shade in zip(series, SHADES, strict=False)
    ]
    return json.dumps({"labels": labels, "datasets": datasets})
