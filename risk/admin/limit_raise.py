"""The monthly rounds of raises: their runs, what each line got, when, and what for (R23, R24, R27, R56)."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.widgets import UnfoldAdminSelectWidget

from risk.admin.line_run import RUN_FIELDS, LineRunAdmin, discard_act, dry_run_act, release_act
from risk.models import LimitRaise, LimitRaiseRun, TierCode
from risk.services.limit_raises import limit_raises_discard, limit_raises_release, month_of, raises_dry_run_begin
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm
from weilidai.lib.business_date import current_business_date

MAY = "risk.change_limitraisepolicy"

EVIDENCE_WORDS: dict[str, Any] = {
    "from": _("old tier"),
    "months_in_use": _("months in use"),
    "assets": _("assets"),
    "fund_mean": _("current-money fund, monthly mean"),
    "wealth_products": _("wealth products"),
    "points": _("green points"),
}


def evidence_shown(name: str, value: Any) -> str:
    """A tier by its name, everything else as it was kept."""
    return str(dict(TierCode.choices).get(value, value)) if name == "from" else str(value)


def _months() -> list[tuple[str, str]]:
    """This month and the next, by their first days."""
    first = month_of(current_business_date())
    following: date = month_of(first + timedelta(days=31))
    return [(str(day), f"{day:%Y-%m}") for day in (first, following)]


class DryRunForm(ConfirmForm):
    """Which month to rehearse."""

    month = forms.TypedChoiceField(label=_("month"), choices=_months, widget=UnfoldAdminSelectWidget)


@admin.register(LimitRaiseRun)
class LimitRaiseRunAdmin(LineRunAdmin):
    fields = ("month", "is_dry_run", "state", "policy", *RUN_FIELDS)
    list_display = ("month", "is_dry_run", "state_badge", "lines", "lines_raised", "created_at", "finished_at",
                    "started_by", "released_by")  # fmt: skip

    @admin.display(description=_("Lines raised"))
    def lines_raised(self, run: LimitRaiseRun) -> str:
        return f"{run.summary.get('raised', 0):,}" if "lines" in run.summary else "–"

    @dry_run_act(
        MAY, DryRunForm, _("All lines are looked at and nothing is changed; the distribution shows what would be.")
    )
    def dry_run(self, request: HttpRequest, form: DryRunForm) -> HttpResponse:
        return self.dry_run_answer(raises_dry_run_begin, request, form.cleaned_data["month"])

    @release_act(MAY, _("Limits rise by what this month owes and those customers are told. This cannot be undone."))
    def release(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.step_answer(limit_raises_release, request, form, object_id, _("The raises have begun."))

    @discard_act(MAY, _("This month raises no limit. What it owed, the next month owes."))
    def discard(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.step_answer(limit_raises_discard, request, form, object_id, _("The month is passed over."))


@admin.register(LimitRaise)
class LimitRaiseAdmin(ReadOnlyAdmin):
    list_display = ("month", "customer", "source", "amount", "new_limit_amount", "policy")
    list_filter = ("source", ("month", RangeDateFilter))
    search_fields = ("=credit_line__id", "=customer__openid")
    list_select_related = ("customer", "policy")
    fields = ("month", "customer", "credit_line", "source", "amount", "new_limit_amount", "policy", "rests_on")
    readonly_fields = ("rests_on",)

    @admin.display(description=_("what it rests on"))
    def rests_on(self, row: LimitRaise) -> SafeString:
        rows = [(EVIDENCE_WORDS.get(name, name), evidence_shown(name, value)) for name, value in row.evidence.items()]
        return format_html_join("", "<div>{}: {}</div>", rows)
