"""The quality of the portfolio as of a date: trend, classes, vintages, rolls, prices; charts, tables, files (R53)."""

from collections.abc import Callable
from datetime import date
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from loans.admin.portfolio_charts import CHARTS
from loans.models import PortfolioFigure
from loans.selectors.portfolio import is_written, newest_closed, npl_limit, npl_lines, roll_months
from loans.selectors.portfolio_tables import KINDS, REPORTS, SEGMENT_WORDS, VIEWS, Asked, Report, product_names
from loans.services.portfolio import portfolio_exported
from weilidai.lib.backoffice import ReadOnlyAdmin, staff_of
from weilidai.lib.backoffice.exports import csv_response, parquet_response
from weilidai.lib.replica import reports

VIEW_WORDS = dict(
    zip(VIEWS, (_("NPL ratio"), _("Classes"), _("Vintages"), _("Roll rates"), _("Approvals and prices")), strict=True)
)
NOTES = {
    "npl": _("Principal more than 90 days overdue over all outstanding principal; loans written off are in neither."),
    "classes": _("Classes by days past due, as the law of the day has them; the buckets below are finer."),
    "vintage": _("Share of the principal paid out in a month, by whole months since; the last figure of each row is "
                 "the day asked for."),
    "roll": _("Where the loans of each bucket stood one month later."),
    "pricing": _("The rate of approvals is their plain mean, that of loans is weighted by principal. The tier of an "
                 "application that was not approved is not known."),
}  # fmt: skip
# The choices of each view besides day and product.
CHOICES = {
    "npl": ("days",), "classes": (), "vintage": ("kind", "how", "months"), "roll": ("months", "weight"),
    "pricing": ("by", "months"),
}  # fmt: skip
Choices = list[tuple[Any, Any]]


def _select(label: Any, choices: Choices, **values: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label, choices=choices, required=False, widget=UnfoldAdminSelectWidget, **values
    )


class PortfolioForm(forms.Form):
    """Everything a view may be asked; what is missing or makes no sense falls back to the first choice."""

    as_of = forms.DateField(label=_("As of the evening of"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    product = _select(_("Product"), [])
    days = _select(_("Period"), [(90, _("90 days")), (30, _("30 days")), (365, _("365 days"))], coerce=int)
    kind = _select(_("Threshold"), [*KINDS[2:3], *KINDS[:2], *KINDS[3:]])
    how = _select(_("Reading"), [("ever", _("Ever past it")), ("now", _("Standing past it"))])
    months = _select(_("Months"), [(12, "12"), (1, "1"), (3, "3"), (6, "6"), (24, "24")], coerce=int)
    weight = _select(_("Weighted by"), [("amount", _("Principal")), ("count", _("Number of loans"))])
    by = _select(_("Segment"), list(SEGMENT_WORDS.items()))

    def __init__(self, data: Any, *, view: str, newest: date | None) -> None:
        super().__init__(data)
        self.newest = newest
        product = cast(forms.ChoiceField, self.fields["product"])
        product.choices = [("", _("All products")), *product_names().items()]
        for name in set(self.fields) - {"as_of", "product", *CHOICES[view]}:
            del self.fields[name]

    def clean_as_of(self) -> date:
        day: date = self.cleaned_data["as_of"]
        if self.newest is None or day > self.newest:
            raise forms.ValidationError(translate("This day is not closed yet."))
        return day


class PortfolioPages:
    """For the admin of the figures."""

    admin_site: Any

    def portfolio_urls(self) -> list[URLPattern]:
        return [path("portfolio/", self.admin_site.admin_view(self.portfolio), name="loans_portfolio")]

    def portfolio(self, request: HttpRequest) -> Any:
        """The page, or its figures as a file (`?format=csv` or `parquet`)."""
        if not request.user.has_perm("loans.view_portfoliofigure"):
            raise PermissionDenied
        view = request.GET.get("view", VIEWS[0])
        view = view if view in VIEWS else VIEWS[0]
        newest = newest_closed()
        data = request.GET.copy()
        if "as_of" not in data and newest is not None:
            data["as_of"] = newest.isoformat()
        form = PortfolioForm(data, view=view, newest=newest)
        asked = _asked(form, newest)
        with reports():
            report = REPORTS[view](asked) if asked and is_written(asked.day) else None
            figures = _shown(view, asked, report) if asked and report else {}
        if report is not None and request.GET.get("format") in EXPORTS and form.is_valid():
            return _export(request, view, asked, report) if asked else None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Portfolio quality"),
            "form": form,
            "view": view,
            "note": NOTES[view],
            "tabs": _tabs(view, asked),
            "asked": asked,
            "newest": newest,
            **figures,
        }
        return TemplateResponse(request, "backoffice/portfolio.html", context)


def _asked(form: PortfolioForm, newest: date | None) -> Asked | None:
    """What the form asks; a day that cannot be asked for becomes the newest closed one. None before the first."""
    valid = form.is_valid()
    found = form.cleaned_data if valid else {name: form.cleaned_data.get(name) for name in form.fields}
    day = found.get("as_of") or newest
    if day is None:
        return None
    first = {name: bound.choices[0][0] for name, bound in form.fields.items() if hasattr(bound, "choices")}

    def value(name: str, other: Any) -> Any:
        return found.get(name) or first.get(name, other)

    return Asked(
        day=day,
        product=found.get("product") or "",
        days=value("days", 90),
        months=value("months", 12),
        kind=value("kind", "past_90"),
        ever=value("how", "ever") == "ever",
        by=value("by", "product"),
        by_count=value("weight", "amount") == "count",
    )


def _tabs(view: str, asked: Asked | None) -> list[dict[str, Any]]:
    kept = {"as_of": asked.day.isoformat(), "product": asked.product} if asked else {}
    return [
        {"title": VIEW_WORDS[code], "query": urlencode({"view": code, **kept}), "is_current": code == view}
        for code in VIEWS
    ]


def _shown(view: str, asked: Asked, report: Report) -> dict[str, Any]:
    whole = [line for line in npl_lines(asked.day) if line.product == asked.product]
    limit = npl_limit(asked.day)
    numbers = {index for index, column in enumerate(report.table.columns) if column.kind not in ("text", "date")}
    return {
        "charts": CHARTS[view](asked, report) if report.long.rows else [],
        "head": [(column.title, index in numbers) for index, column in enumerate(report.table.columns)],
        "rows": [[(cell, index in numbers) for index, cell in enumerate(row)] for row in report.table.shown],
        "npl": whole[0] if whole else None,
        "bad": f"{whole[0].bad:,.2f}" if whole else "",
        "total": f"{whole[0].total:,.2f}" if whole else "",
        "npl_percent": f"{whole[0].ratio * 100:.2f}" if whole else "",
        "limit_percent": f"{limit * 100:.2f}".rstrip("0").rstrip("."),
        "is_past": bool(whole) and whole[0].is_past(limit),
        "months": [f"{end:%Y-%m}" for end in roll_months(asked.day, asked.months)] if view == "roll" else [],
    }


def _export(request: HttpRequest, view: str, asked: Asked, report: Report) -> Any:
    form = request.GET["format"]
    portfolio_exported(
        view=view, day=asked.day, product=asked.product, rows=len(report.long.rows), form=form,
        user=staff_of(request), at=timezone.now(),
    )  # fmt: skip
    return EXPORTS[form](f"portfolio-{view}-{asked.day}", report)


def _csv(name: str, report: Report) -> Any:
    cells = ([("" if value is None else str(value)) for value in row] for row in report.long.rows)
    return csv_response(name, [column.code for column in report.long.columns], cells)


def _parquet(name: str, report: Report) -> Any:
    return parquet_response(name, {column.code: column.kind for column in report.long.columns}, report.long.rows)


EXPORTS: dict[str, Callable[[str, Report], Any]] = {"csv": _csv, "parquet": _parquet}


@admin.register(PortfolioFigure)
class PortfolioFigureAdmin(PortfolioPages, ReadOnlyAdmin):
    list_display = ("business_date", "product", "vintage_month", "bucket", "risk_class", "loans_count",
                    "outstanding_principal_amount")  # fmt: skip
    list_filter = ("product", "bucket", "risk_class")
    list_select_related = ("product",)
    date_hierarchy = None

    def get_urls(self) -> list[URLPattern]:
        return [*self.portfolio_urls(), *super().get_urls()]
