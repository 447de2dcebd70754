"""Finance: the trial balance, closing a month, faults the checker found."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from loans.models import AccountingPeriod, BookFault, PeriodBalance
from loans.selectors.trial_balance import TrialLine, trial_balance
from loans.services.period import period_close
from risk.models import Product
from weilidai.lib.backoffice import ReadOnlyAdmin, ReasonForm, badge, finish, may, staff_of
from weilidai.lib.backoffice.admin import ReadOnlyInline
from weilidai.lib.backoffice.exports import csv_response, xlsx_response
from weilidai.lib.business_date import current_business_date
from weilidai.lib.money import ZERO
from weilidai.lib.replica import reports

EXPORTS = {"csv": csv_response, "xlsx": xlsx_response}


class SpanForm(forms.Form):
    """Which days, and of which product."""

    first = forms.DateField(label=_("From"), widget=UnfoldAdminDateWidget)
    last = forms.DateField(label=_("Until"), widget=UnfoldAdminDateWidget)
    product = forms.ModelChoiceField(
        label=_("product"), queryset=Product.objects.all(), required=False, widget=UnfoldAdminSelectWidget,
        empty_label=_("All products"),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("first") and values.get("last") and values["first"] > values["last"]:
            self.add_error("last", translate("The last day lies before the first."))
        return values


class MonthForm(ReasonForm):
    """The month to close, as 2026-10."""

    month = forms.RegexField(label=_("Month, as 2026-10"), regex=r"^\d{4}-(0[1-9]|1[0-2])$",
                             widget=UnfoldAdminTextInputWidget)  # fmt: skip
    field_order = ("month", "reason")


class PeriodBalanceInline(ReadOnlyInline):
    model = PeriodBalance
    fields = ("ledger_account", "product", "closing_amount")
    tab = False


@admin.register(AccountingPeriod)
class AccountingPeriodAdmin(ReadOnlyAdmin):
    list_display = ("first_day", "entries_count", "turnover_amount", "closed_at", "closed_by", "reason")
    list_select_related = ("closed_by",)
    inlines = (PeriodBalanceInline,)
    actions_list = ["close_month", *ReadOnlyAdmin.actions_list]

    def get_urls(self) -> list[URLPattern]:
        page = path("trial-balance/", self.admin_site.admin_view(self.trial_view), name="loans_trial_balance")
        return [page, *super().get_urls()]

    @action(
        description=_("Close a month"),
        url_path="close-month",
        icon="lock_clock",
        permissions=[may("loans.add_accountingperiod")],
        dialog={
            "title": _("Close a month"),
            "description": _("Nothing can be posted into the month any more. This cannot be undone."),
            "form_class": MonthForm,
            "form_submit_text": _("Close"),
        },
    )
    def close_month(self, request: HttpRequest, form: MonthForm) -> HttpResponse:
        return finish(
            request,
            self.list_url(),
            lambda: period_close(
                first_day=date.fromisoformat(f"{form.cleaned_data['month']}-01"),
                user=staff_of(request),
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
            ),
            _("The month is closed."),
        )

    def trial_view(self, request: HttpRequest) -> Any:
        """The trial balance of a span of days, on the page or as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        today = current_business_date()
        span = {"first": today.replace(day=1), "last": today}
        form = SpanForm(request.GET if "first" in request.GET else None, initial=span)
        if form.is_bound and form.is_valid():
            span = {"first": form.cleaned_data["first"], "last": form.cleaned_data["last"]}
            product = form.cleaned_data["product"]
        else:
            product = None
        with reports():
            lines = trial_balance(span["first"], span["last"], product.pk if product else None)
        export = EXPORTS.get(request.GET.get("format", ""))
        if export is not None and (not form.is_bound or form.is_valid()):
            name = f"trial-balance-{span['first']}-{span['last']}"
            return export(name, _header(), map(_cells, lines), ["text", "text", *["money"] * 4])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Trial balance"),
            "form": form,
            "lines": lines,
            "totals": _totals(lines),
            "query": request.GET.urlencode(),
        }
        return TemplateResponse(request, "backoffice/trial_balance.html", context)


def _header() -> list[str]:
    return [str(word) for word in (_("code"), _("ledger account"), _("opening"), _("debits"), _("credits"),
                                   _("closing"))]  # fmt: skip


def _cells(line: TrialLine) -> list[str]:
    amounts = (line.opening, line.debits, line.credits, line.closing)
    return [line.account.code, str(line.account).removeprefix(f"{line.account.code} "), *map(str, amounts)]


def _totals(lines: list[TrialLine]) -> dict[str, Decimal]:
    return {
        "opening": sum((line.opening for line in lines), ZERO),
        "debits": sum((line.debits for line in lines), ZERO),
        "credits": sum((line.credits for line in lines), ZERO),
        "closing": sum((line.closing for line in lines), ZERO),
    }


@admin.register(BookFault)
class BookFaultAdmin(ReadOnlyAdmin):
    list_display = ("state_badge", "check_name", "subject", "detail", "first_seen_at", "last_seen_at", "resolved_at")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "check_name")
    search_fields = ("=subject",)

    @admin.display(description=_("state"))
    def state_badge(self, fault: BookFault) -> SafeString:
        resolved = fault.resolved_at is not None
        return badge("closed" if resolved else "failed", _("Resolved") if resolved else _("Open fault"))
