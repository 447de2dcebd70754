"""The twelve layers in the back office: versions as a readable page, runs with what each layer saw, the deny list."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from risk.admin.backtest import ApproveForm, BacktestActs
from risk.admin.policy import STAMPS, DraftAdmin
from risk.admin.screening_form import ScreeningPolicyForm, fieldsets
from risk.models import DenyEntry, DenyKind, Screening, ScreeningHit, ScreeningPolicy
from risk.rules.alerts import layer_word
from risk.rules.screening import LAYERS
from risk.rules.screening.words import changes_between, layer_rows
from risk.selectors.screenings import hit_rates, layer_lines
from risk.services.deny import deny_add, deny_end
from risk.services.screening import screening_current, screening_replay
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, may, staff_of, when
from weilidai.lib.backoffice.charts import chart_options
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError

MAY_DENY = "risk.change_denyentry"
RATE_DAYS = 30
VERDICT_TONES = {"pass": "done", "alert": "open", "challenge": "pending", "refer": "referred", "freeze": "frozen",
                 "block": "rejected"}  # fmt: skip


@admin.register(ScreeningPolicy)
class ScreeningPolicyAdmin(BacktestActs, DraftAdmin):
    same = ("code",)
    actions_detail = ["backtest", "activate"]
    form = ScreeningPolicyForm
    list_display = ("version", "state_badge", "valid_from", "valid_to", "enforced", "drafted_by", "approved_by")
    list_filter = ("state",)
    readonly_fields = (*STAMPS, "code", "twelve", "differences")

    @admin.display(description=_("layers enforced"))
    def enforced(self, policy: ScreeningPolicy) -> str:
        rows = policy.definition["layers"]
        return f"{sum(row['mode'] == 'enforced' for row in rows)} / {len(rows)}"

    @admin.display(description=_("Layers in their order"))
    def twelve(self, policy: ScreeningPolicy) -> SafeString:
        rows = [(layer_word(row.code), row) for row in layer_rows(policy.definition)]
        return render_to_string("backoffice/layers/policy.html", {"rows": rows})

    @admin.display(description=_("Changes to the version in force"))
    def differences(self, policy: ScreeningPolicy) -> SafeString:
        current = screening_current(current_business_date())
        changes = [
            (layer_word(change.layer) if change.layer else "–", change)
            for change in changes_between(current.definition, policy.definition)
        ]
        return render_to_string("backoffice/layers/changes.html", {"changes": changes, "current": current})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Without `?from` a draft starts from the version in force."""
        given = super().get_changeform_initial_data(request)
        if "definition" not in given:
            given["definition"] = screening_current(current_business_date()).definition
        return given

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The posted form of a new draft starts from the version in force as well: it carries the layers' order."""
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None and request.method == "POST":
            definition = self.get_changeform_initial_data(request)["definition"]
            return type(form.__name__, (form,), {"started_from": definition})
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        pages: list[tuple[Any, dict[str, Any]]] = (
            [(None, {"fields": (*STAMPS, "change_reason", "differences", "twelve")})] if obj else []
        )
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return pages + self._form_fieldsets(obj) if may_write else pages

    @staticmethod
    def _form_fieldsets(obj: Any) -> list[tuple[Any, dict[str, Any]]]:
        """The reason of the change stands above already where the draft is shown."""
        return fieldsets() if obj is None else fieldsets(without=("change_reason",))

    @act(
        title=_("Approve"),
        warning=_(
            "The draft comes into force on its first day and replaces the version before. Needs a second person."
        ),
        permission="risk.change_screeningpolicy",
        form=ApproveForm,
        icon="verified",
    )
    def activate(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self.activate_policy(request, object_id)


class LayerHitFilter(admin.SimpleListFilter):
    """Runs in which a layer found something."""

    title = _("layer that found something")
    parameter_name = "layer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, layer_word(code)) for code in LAYERS]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value()
        if chosen not in LAYERS:
            return queryset
        return queryset.filter(pk__in=ScreeningHit.objects.filter(layer=chosen).values("screening"))


@admin.register(Screening)
class ScreeningAdmin(ReadOnlyAdmin):
    list_display = ("at", "event", "customer", "verdict_badge", "decided", "policy", "duration_ms")
    export_columns = ["id", "at", "event", "customer", "verdict", "decided_by", "policy", "duration_ms"]
    list_filter = ("event", "verdict", LayerHitFilter, ("business_date", RangeDateFilter))
    search_fields = ("=id", "=subject_id", "customer__openid")
    list_select_related = ("customer", "policy")
    readonly_fields = ("seen", "decided")
    exclude = ("result",)
    actions_list = ["rates", *ReadOnlyAdmin.actions_list]
    actions_detail = ["replay"]

    def get_urls(self) -> list[Any]:
        page = path("rates/", self.admin_site.admin_view(self.rates_page), name="risk_layer_rates")
        return [page, *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        general = ("event", "customer", "subject_type", "subject_id", "policy", "business_date", "at", "verdict",
                   "decided", "duration_ms", "result_sha256")  # fmt: skip
        return [
            (None, {"fields": general}),
            (_("Layers"), {"fields": ("seen",)}),
            (_("Inputs"), {"fields": ("inputs",), "classes": ("collapse",)}),
        ]

    @admin.display(description=_("verdict"), ordering="verdict")
    def verdict_badge(self, screening: Screening) -> SafeString:
        return badge(VERDICT_TONES[screening.verdict], screening.get_verdict_display())

    @admin.display(description=_("layer that decided"))
    def decided(self, screening: Screening) -> str:
        return layer_word(screening.decided_by) if screening.decided_by else "–"

    @admin.display(description=_("what each layer saw"))
    def seen(self, screening: Screening) -> SafeString:
        lines = [
            {**line, "badge": badge(VERDICT_TONES[line["verdict_code"]], line["verdict_word"])}
            for line in layer_lines(screening)
        ]
        return render_to_string("backoffice/layers/run.html", {"lines": lines})

    @action(description=_("Hit rates"), url_path="hit-rates", icon="bar_chart", permissions=["view"])
    def rates(self, request: HttpRequest) -> Any:
        return self.rates_page(request)

    def rates_page(self, request: HttpRequest) -> Any:
        """How often each layer found something in the last 30 days, acting and in shadow."""
        if not request.user.has_perm("risk.view_screening"):
            raise PermissionDenied
        today = current_business_date()
        rows = hit_rates(today - timedelta(days=RATE_DAYS - 1), today)
        series = (
            (_("Enforced"), [row.enforced for row in rows], "var(--color-primary-600)"),
            (_("Shadow"), [row.shadow for row in rows], "var(--color-base-400)"),
        )
        chart = {
            "labels": [layer_word(row.layer) for row in rows],
            "datasets": [
                {"label": str(name), "data": data, "backgroundColor": colour, "borderRadius": 4}
                for name, data, colour in series
            ],
        }
        context = {
            **self.admin_site.each_context(request),
            "title": translate("Hit rates of the layers, {n} days").format(n=RATE_DAYS),
            "rows": [(layer_word(row.layer), row) for row in rows],
            "runs": rows[0].runs,
            "chart": json.dumps(chart),
            "chart_options": chart_options(),
        }
        return TemplateResponse(request, "backoffice/layers/rates.html", context)

    @act(
        title=_("Replay"),
        warning=_("Runs the layers again on the inputs kept with the run and compares the answer bit for bit."),
        permission="risk.view_screening",
        form=ConfirmForm,
        icon="replay",
    )
    def replay(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        def call() -> None:
            if not screening_replay(Screening.objects.select_related("policy").get(pk=object_id)):
                raise DomainError(translate("The replay gives another answer"))

        return finish(request, self.detail_url(object_id), call, _("The replay gives the same answer, bit for bit."))


class DenyForm(ReasonForm):
    """Who or what nobody deals with any more."""

    kind = forms.ChoiceField(label=_("Kind"), choices=DenyKind.choices, widget=UnfoldAdminSelectWidget)
    value = forms.CharField(label=_("Value"), max_length=200, widget=UnfoldAdminTextInputWidget)
    valid_to = forms.DateField(
        label=_("Last day"), required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=_("open if empty"),
    )  # fmt: skip
    field_order = ("kind", "value", "valid_to", "reason")


class InForceFilter(admin.SimpleListFilter):
    title = _("in force")
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("yes")), ("no", _("no"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        today = current_business_date()
        holds = Q(ended_at__isnull=True) & (Q(valid_to__isnull=True) | Q(valid_to__gte=today))
        match self.value():
            case "yes":
                return queryset.filter(holds)
            case "no":
                return queryset.exclude(holds)
        return queryset


@admin.register(DenyEntry)
class DenyEntryAdmin(ReadOnlyAdmin):
    list_display = ("kind", "shown", "reason", "state_badge", "valid_from", "valid_to", "added_by")
    export_columns = ["id", "kind", "shown", "reason", "valid_from", "valid_to", "ended_at", "added_by", "added_at"]
    list_filter = ("kind", InForceFilter)
    search_fields = ("=shown", "=id")
    list_select_related = ("added_by",)
    fields = ("kind", "shown", "reason", "valid_from", "valid_to", "added_by", "added_at", "ended_at")
    actions_list = ["add_entry", *ReadOnlyAdmin.actions_list]
    actions_detail = ["end"]

    @admin.display(description=_("state"))
    def state_badge(self, entry: DenyEntry) -> SafeString:
        over = entry.ended_at or (entry.valid_to and entry.valid_to < current_business_date())
        return badge("closed" if over else "frozen", _("Ended") if over else _("In force"))

    @action(
        description=_("Add an entry"),
        url_path="add-entry",
        icon="add",
        permissions=[may("risk.add_denyentry")],
        dialog={
            "title": _("Add an entry"),
            "description": _("Applications, new devices and loans that match are refused from now on."),
            "form_class": DenyForm,
            "form_submit_text": _("Add"),
        },
    )
    def add_entry(self, request: HttpRequest, form: DenyForm) -> HttpResponse:
        data = {name: value for name, value in form.cleaned_data.items() if not name.startswith("_")}
        return finish(
            request,
            self.list_url(),
            lambda: deny_add(**data, user=staff_of(request), **when()),
            _("The entry is in force."),
        )

    @act(title=_("End"), warning=_("What it stands for is no longer refused."), permission=MAY_DENY, icon="block")
    def end(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: deny_end(
                entry_id=UUID(object_id), reason=form.cleaned_data["reason"], user=staff_of(request), **when()
            ),
            _("The entry is ended."),
        )
