"""The risk dashboard: approvals against their band, funnel, scores, alerts, backlog (R7, R8), coverage (R32)."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.models import Occupation
from risk.models import MonitoringPolicy, Product
from risk.rules.alerts import rule_word
from risk.selectors.approvals import (
    SCORE_STEP,
    Approvals,
    Funnel,
    alerts_by_rule,
    approvals_by_day,
    approvals_window,
    funnel,
    referral_backlog,
    score_distribution,
)
from risk.selectors.coverage import Reach, coverage, merchants_ahead
from risk.selectors.policy import monitoring_current
from risk.services.monitoring import is_outside
from weilidai.lib.backoffice.charts import chart_options
from weilidai.lib.backoffice.exports import csv_response
from weilidai.lib.backoffice.words import percent
from weilidai.lib.business_date import current_business_date
from weilidai.lib.replica import reports

PERIODS = ((7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("365 days")))
CONDITIONS = (
    ("meets_score", _("Payment score")),
    ("meets_real_name", _("Real name")),
    ("meets_age", _("Age")),
    ("meets_activity", _("Activity")),
    ("meets_all", _("Every visible rule")),
    ("approved", _("Approved")),
)
SHADES = (600, 300, 800, 400, 700, 500)


class PeriodForm(forms.Form):
    days = forms.TypedChoiceField(
        label=_("Period"), choices=PERIODS, coerce=int, initial=30, widget=UnfoldAdminSelectWidget
    )


class DashboardPages:
    """For the admin of decisions."""

    admin_site: Any

    def dashboard_urls(self) -> list[URLPattern]:
        return [path("dashboard/", self.admin_site.admin_view(self.dashboard), name="risk_dashboard")]

    def dashboard(self, request: HttpRequest) -> Any:
        """The page, or its figures as a file (`?format=funnel` or `approvals`)."""
        if not request.user.has_perm("risk.view_decision"):
            raise PermissionDenied
        form = PeriodForm(request.GET if "days" in request.GET else None)
        days = form.cleaned_data["days"] if form.is_bound and form.is_valid() else 30
        today = current_business_date()
        since = today - timedelta(days=days - 1)
        match request.GET.get("format"):
            case "funnel":
                return csv_response(f"funnel-{since}-{today}", _funnel_header(), _funnel_cells(since, today))
            case "coverage":
                return csv_response(f"coverage-{since}-{today}", _coverage_header(), _coverage_cells(since, today))
            case "approvals":
                return csv_response(f"approvals-{since}-{today}", _approvals_header(), _approvals_cells(since, today))
        with reports():
            figures = {**_figures(since, today), "backlog": _backlog()}
        context = {
            **self.admin_site.each_context(request),
            "title": _("Risk dashboard"),
            "form": PeriodForm(initial={"days": days}),
            "days": days,
            **figures,
            "chart_options": chart_options(),
            "plain_options": chart_options(legend=False),
            "sees_alerts": request.user.has_perm("risk.view_alert"),
        }
        return TemplateResponse(request, "backoffice/risk_dashboard.html", context)


def _figures(since: date, today: date) -> dict[str, Any]:
    names = {product.pk: product.name for product in Product.objects.all()}
    policy, steps = monitoring_current(today), funnel(since, today)
    scores = score_distribution(since, today)
    return {
        "since": since,
        "today": today,
        "band": (percent(policy.approval_rate_min), percent(policy.approval_rate_max)),
        "window_days": policy.approval_window_days,
        "decisions_min": policy.approval_decisions_min,
        "rates": [
            _rate_card(row, names, policy) for row in approvals_window(today, policy.approval_window_days).values()
        ],
        "rates_chart": _rates_chart(since, today, names, policy),
        "funnel_chart": _funnel_chart(steps, names),
        "funnel": [_funnel_row(step, names) for step in steps],
        "conditions": [word for _name, word in CONDITIONS],
        "without_flags": sum(step.without_flags for step in steps),
        "scores_chart": _bars(
            [f"{low}–{low + SCORE_STEP}" if low < 100 else "100" for low, _n in scores],
            [(translate("Applications"), [n for _low, n in scores])],
        ),
        "coverage": [_coverage_row(product, found, names) for product, found in coverage(since, today).items()],
        "occupations": [*Occupation.labels, _("unknown")],
        "alerts": [{**row, "word": rule_word(row["rule"])} for row in alerts_by_rule(since, today)],
    }


def _rate_card(row: Approvals, names: dict[str, str], policy: MonitoringPolicy) -> dict[str, Any]:
    enough = row.decided >= policy.approval_decisions_min
    return {
        "name": names.get(row.product, row.product),
        "rate": percent(row.rate),
        "decided": row.decided,
        "enough": enough,
        "outside": is_outside(row, policy),
    }


def _coordinate(rate: Decimal | None) -> float | None:
    """A chart's coordinate in percent: nothing is computed from it."""
    return None if rate is None else round(float(rate) * 100, 2)


def _rates_chart(since: date, today: date, names: dict[str, str], policy: MonitoringPolicy) -> str:
    days = [since + timedelta(days=n) for n in range((today - since).days + 1)]
    rows = {(row.product, row.day): row.rate for row in approvals_by_day(since, today)}
    products = sorted({product for product, _day in rows})
    lines = [
        _line(names.get(product, product), [_coordinate(rows.get((product, day))) for day in days], shade)
        for product, shade in zip(products, SHADES, strict=False)
    ]
    for word, rate in (
        (translate("Band from"), policy.approval_rate_min),
        (translate("Band to"), policy.approval_rate_max),
    ):
        edge = _line(word, [_coordinate(rate)] * len(days), 0)
        lines.append({**edge, "borderColor": "var(--color-base-400)", "borderDash": [6, 4], "pointRadius": 0})
    return json.dumps({"labels": [day.strftime("%m-%d") for day in days], "datasets": lines})


def _line(label: str, values: list[float | None], shade: int) -> dict[str, Any]:
    colour = f"var(--color-primary-{shade})"
    return {"label": label, "data": values, "borderColor": colour, "backgroundColor": colour, "spanGaps": True}


def _bars(labels: list[str], series: list[tuple[str, list[Any]]]) -> str:
    datasets = [
        {"label": name, "data": values, "backgroundColor": f"var(--color-primary-{shade})", "borderRadius": 4}
        for (name, values), shade in zip(series, SHADES, strict=False)
    ]
    return json.dumps({"labels": labels, "datasets": datasets})


def _funnel_chart(steps: list[Funnel], names: dict[str, str]) -> str:
    return _bars(
        [str(word) for _name, word in CONDITIONS],
        [
            (names.get(step.product, step.product), [_coordinate(step.share(name)) for name, _word in CONDITIONS])
            for step in steps
        ],
    )


def _funnel_row(step: Funnel, names: dict[str, str]) -> dict[str, Any]:
    return {
        "name": names.get(step.product, step.product),
        "applicants": step.applicants,
        "cells": [(getattr(step, name), percent(step.share(name))) for name, _word in CONDITIONS],
    }


def _coverage_row(product: str, found: dict[str, Reach], names: dict[str, str]) -> dict[str, Any]:
    reached = [found.get(work, Reach()) for work in (*Occupation.values, "")]
    ahead = merchants_ahead(found)
    return {
        "name": names.get(product, product),
        "cells": [(f"{one.approved} / {one.applicants}", percent(one.coverage)) for one in reached],
        "ahead": None if ahead is None else f"{ahead * 100:+.1f}",
    }


def _coverage_header() -> list[str]:
    return [str(word) for word in (_("product"), _("occupation"), _("applicants"), _("approved"), _("share"))]


def _coverage_cells(since: date, today: date) -> Iterator[list[str]]:
    for product, found in coverage(since, today).items():
        for work, one in found.items():
            shown = "" if one.coverage is None else f"{one.coverage:.4f}"
            yield [product, work, str(one.applicants), str(one.approved), shown]


def _backlog() -> list[tuple[str, int]]:
    words = (_("up to 4 hours"), _("up to 24 hours"), _("up to 3 days"), _("longer than 3 days"))
    return [(str(word), count) for word, count in zip(words, referral_backlog(timezone.now()), strict=True)]


def _funnel_header() -> list[str]:
    return [str(word) for word in (_("product"), _("applicants"), _("condition"), _("number"), _("share"))]


def _funnel_cells(since: date, today: date) -> Iterator[list[str]]:
    for step in funnel(since, today):
        for name, word in CONDITIONS:
            share = step.share(name)
            shown = "" if share is None else f"{share:.4f}"
            yield [step.product, str(step.applicants), str(word), str(getattr(step, name)), shown]


def _approvals_header() -> list[str]:
    return [str(word) for word in (_("business date"), _("product"), _("decided"), _("approved"), _("share"))]


def _approvals_cells(since: date, today: date) -> Iterator[list[str]]:
    for row in approvals_by_day(since, today):
        yield [str(row.day), row.product, str(row.decided), str(row.approved), f"{row.rate:.4f}"]
