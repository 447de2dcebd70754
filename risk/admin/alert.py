"""The alert desk: a queue ordered by severity and age, and a page for each case (R34)."""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.models import Customer, StaffUser
from risk.admin.alert_filters import LayerFilter, OwnerFilter, RuleFilter, SnoozeFilter, StateFilter
from risk.errors import SnoozeInvalid
from risk.followed import followed, is_followed
from risk.models import Alert, AlertOutcome, AlertSeverity, AlertSnooze, AlertState
from risk.rules.alerts import evidence_lines, layer_word, rule_word
from risk.selectors.alerts import alert_timeline, alerts_related, snoozes_live, staff_who_act
from risk.services.alert import alert_assign, alert_close, alert_note, alert_reopen, alerts_assign, alerts_close
from risk.services.snooze import snooze_end, snooze_set
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, staff_of, when
from weilidai.lib.backoffice.admin import TONES
from weilidai.lib.business_date import current_business_date

MAY_ACT = "risk.change_alert"
BULK_MAX = 500
SEVERITY_TONES = {
    AlertSeverity.LOW: "plain", AlertSeverity.MEDIUM: "info", AlertSeverity.HIGH: "wait", AlertSeverity.CRITICAL: "bad",
}  # fmt: skip
ACTS = {
    "raise": (_("Raised"), "notifications_active"), "assign": (_("Assigned"), "person"),
    "note": (_("Note"), "sticky_note_2"), "close": (_("Closed"), "task_alt"), "reopen": (_("Reopened"), "undo"),
}  # fmt: skip
# What can be done in which state; anything else is refused by the service as well.
ACTS_BY_STATE = {
    AlertState.OPEN: {"take", "assign", "note", "close", "snooze"},
    AlertState.IN_PROGRESS: {"take", "assign", "note", "close", "snooze"},
    AlertState.CLOSED: {"note", "reopen", "snooze"},
}


class StaffField(forms.ModelChoiceField[StaffUser]):
    """Those who may work on alerts."""

    widget = UnfoldAdminSelectWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=StaffUser.objects.none(), label=_("Owner"), **kwargs)

    def label_from_instance(self, obj: StaffUser) -> str:
        return str(obj)


class AssignForm(ReasonForm):
    owner = StaffField()
    field_order = ("owner", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(StaffField, self.fields["owner"]).queryset = staff_who_act(MAY_ACT)


class NoteForm(BaseDialogForm):
    text = forms.CharField(label=_("Note"), max_length=4000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}))


class CloseForm(ReasonForm):
    # Nothing is chosen beforehand: nobody confirms a fraud by not looking.
    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=[("", "–"), *AlertOutcome.choices], widget=UnfoldAdminSelectWidget
    )
    field_order = ("outcome", "reason")


class SnoozeForm(ReasonForm):
    until_date = forms.DateField(label=_("Last day"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    field_order = ("until_date", "reason")


def given(form: forms.Form) -> dict[str, Any]:
    """What a person filled in, without the theme's own hidden field."""
    return {name: value for name, value in form.cleaned_data.items() if not name.startswith("_")}


def severity_badge(alert: Alert) -> SafeString:
    tone = TONES[SEVERITY_TONES[AlertSeverity(alert.severity)]]
    return format_html(
        '<span class="inline-block rounded-default px-2 py-0.5 text-xs font-semibold whitespace-nowrap {}">{}</span>',
        tone,
        alert.get_severity_display(),
    )


def due_words(alert: Alert) -> SafeString:
    """The deadline, marked once it has passed while the alert waits."""
    local = timezone.localtime(alert.due_at).strftime("%Y-%m-%d %H:%M")
    if alert.state == AlertState.CLOSED or alert.due_at >= timezone.now():
        return format_html("{}", local)
    return format_html('<strong class="text-red-700 dark:text-red-400">{} {}</strong>', local, translate("overdue"))


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("rule_label", "severity_label", "customer", "layer_label", "state_badge", "owner", "raised_at",
                    "due_label", "repeats")  # fmt: skip
    export_columns = ["id", "rule", "layer", "severity", "state", "outcome", "customer", "owner", "business_date",
                      "raised_at", "due_at", "closed_at", "repeats"]  # fmt: skip
    list_filter = (StateFilter, OwnerFilter, "severity", RuleFilter, LayerFilter)
    search_fields = ("=id",)
    search_help_text = _("openid of the customer, or the alert's id")
    list_select_related = ("customer", "owner")
    list_disable_select_all = True
    actions = ("bulk_assign", "bulk_close")
    actions_detail = ["take", "assign", "note", "close", "reopen", "snooze"]
    change_form_template = "backoffice/alert.html"

    @admin.display(description=_("alert"), ordering="rule")
    def rule_label(self, alert: Alert) -> str:
        return rule_word(alert.rule)

    @admin.display(description=_("layer"), ordering="layer")
    def layer_label(self, alert: Alert) -> str:
        return layer_word(alert.layer)

    @admin.display(description=_("severity"), ordering="severity")
    def severity_label(self, alert: Alert) -> SafeString:
        return severity_badge(alert)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, alert: Alert) -> SafeString:
        tone = "running" if alert.state == AlertState.IN_PROGRESS else alert.state
        outcome = alert.get_outcome_display()
        return badge(tone, f"{alert.get_state_display()} · {outcome}" if outcome else alert.get_state_display())

    @admin.display(description=_("due at"), ordering="due_at")
    def due_label(self, alert: Alert) -> SafeString:
        return due_words(alert)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What waits: the worst and oldest first. Everything there ever was: the newest first."""
        return ("-id",) if request.GET.get("state") == "all" else ("-severity", "id")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the customer's openid or the alert's id, each by its own index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            return queryset.filter(customer__in=Customer.objects.filter(openid=term)), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if not request.user.has_perm(MAY_ACT):
            return {}
        return {
            name: (getattr(type(self), name), name, getattr(type(self), name).short_description)
            for name in self.actions
        }

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only what the case's state allows."""
        state = Alert.objects.filter(pk=object_id).values_list("state", flat=True).first()
        allowed = ACTS_BY_STATE.get(AlertState(state), set()) if state else set()
        shown = super().get_actions_detail(request, object_id)
        return [item for item in shown if item.action_name.rsplit("_", 1)[-1] in allowed]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        alert = self.get_object(request, object_id)
        extra = {**(extra_context or {}), **(case_file(alert, staff_of(request)) if alert is not None else {})}
        page: HttpResponse = super().change_view(request, object_id, form_url, extra)
        return page

    # --- acts on one case

    def _do(self, request: HttpRequest, object_id: str, call: Callable[[], Any], success: Any) -> HttpResponse:
        return finish(request, self.detail_url(object_id), call, success)

    @act(
        title=_("Take it myself"),
        warning=_("You become its owner and it counts as in progress."),
        permission=MAY_ACT,
        form=ConfirmForm,
        icon="back_hand",
    )
    def take(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        me = staff_of(request)
        return self._do(
            request,
            object_id,
            lambda: alert_assign(alert_id=UUID(object_id), owner=me, user=me, **when()),
            _("The alert is yours."),
        )

    @act(
        title=_("Assign"),
        warning=_("The alert goes to this person."),
        permission=MAY_ACT,
        form=AssignForm,
        icon="person_add",
    )
    def assign(self, request: HttpRequest, form: AssignForm, object_id: str) -> HttpResponse:
        data = form.cleaned_data
        return self._do(
            request,
            object_id,
            lambda: alert_assign(
                alert_id=UUID(object_id), owner=data["owner"], reason=data["reason"], user=staff_of(request), **when()
            ),
            _("The alert is assigned."),
        )

    @act(
        title=_("Add note"),
        warning=_("Notes stay with the case and cannot be changed."),
        permission=MAY_ACT,
        form=NoteForm,
        icon="sticky_note_2",
    )
    def note(self, request: HttpRequest, form: NoteForm, object_id: str) -> HttpResponse:
        text = form.cleaned_data["text"]
        return self._do(
            request,
            object_id,
            lambda: alert_note(alert_id=UUID(object_id), text=text, user=staff_of(request), **when()),
            _("The note is kept."),
        )

    @act(
        title=_("Close the case"),
        warning=_("The outcome and the reason stay with the case."),
        permission=MAY_ACT,
        form=CloseForm,
        icon="task_alt",
    )
    def close(self, request: HttpRequest, form: CloseForm, object_id: str) -> HttpResponse:
        return self._do(
            request,
            object_id,
            lambda: alert_close(alert_id=UUID(object_id), user=staff_of(request), **given(form), **when()),
            _("The alert is closed."),
        )

    @act(title=_("Reopen"), warning=_("The alert waits again, without an owner."), permission=MAY_ACT, icon="undo")
    def reopen(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._do(
            request,
            object_id,
            lambda: alert_reopen(alert_id=UUID(object_id), user=staff_of(request), **given(form), **when()),
            _("The alert waits again."),
        )

    @act(
        title=_("Snooze"),
        warning=_("No more alerts of this rule for this customer until the end of that day."),
        permission=MAY_ACT,
        form=SnoozeForm,
        icon="snooze",
    )
    def snooze(self, request: HttpRequest, form: SnoozeForm, object_id: str) -> HttpResponse:
        def call() -> None:
            alert = Alert.objects.select_related("customer").get(pk=object_id)
            if alert.customer is None:
                raise SnoozeInvalid
            snooze_set(customer=alert.customer, rule=alert.rule, user=staff_of(request), **given(form), **when())

        return self._do(request, object_id, call, _("Alerts of this rule are snoozed."))

    # --- acts on selected rows

    @admin.action(description=_("Assign the selected alerts"))
    def bulk_assign(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        return self._bulk(request, queryset, "bulk_assign", AssignForm, alerts_assign)

    @admin.action(description=_("Close the selected alerts"))
    def bulk_close(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        return self._bulk(request, queryset, "bulk_close", CloseForm, alerts_close)

    def _bulk(
        self,
        request: HttpRequest,
        queryset: Any,
        name: str,
        form_class: type[ReasonForm],
        service: Callable[..., tuple[int, int]],
    ) -> HttpResponse:
        """A page that asks for the reason, then one service call for all rows."""
        ids = list(queryset.values_list("pk", flat=True)[:BULK_MAX])
        form = form_class(request, None, request.POST if "confirmed" in request.POST else None)
        if "confirmed" in request.POST and form.is_valid():

            def call() -> None:
                done, left = service(alert_ids=ids, user=staff_of(request), **given(form), **when())
                words = translate("{n} alerts done, {m} were closed already.")
                messages.info(request, words.format(n=done, m=left))

            finish(request, self.list_url(), call, _("Done."))
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "title": getattr(type(self), name).short_description,
            "form": form,
            "name": name,
            "ids": ids,
        }
        return TemplateResponse(request, "backoffice/alert_bulk.html", context)


def case_file(alert: Alert, user: StaffUser) -> dict[str, Any]:
    """Everything the page of one case shows."""
    customer = alert.customer
    seen = alert.evidence
    screening = seen.get("screening") if isinstance(seen, dict) else None
    if screening:
        # A link of the page, not a line of the evidence.
        seen = {name: value for name, value in seen.items() if name != "screening"}
    steps = [
        {**item, "title": ACTS[item["action"]][0], "icon": ACTS[item["action"]][1],
         "outcome": dict(AlertOutcome.choices).get(item["after"].get("outcome"), ""),
         "owner": item["after"].get("owner", "")}
        for item in alert_timeline(alert)
    ]  # fmt: skip
    facts = [
        (_("rule"), rule_word(alert.rule)),
        (_("layer"), layer_word(alert.layer)),
        (_("severity"), severity_badge(alert)),
        (_("state"), alert.get_state_display()),
        (_("owner"), alert.owner or "–"),
        (_("outcome"), alert.get_outcome_display() or "–"),
        (_("business date"), alert.business_date.isoformat()),
        (_("raised at"), timezone.localtime(alert.raised_at).strftime("%Y-%m-%d %H:%M:%S")),
        (_("due at"), due_words(alert)),
        (_("seen again"), alert.repeats),
    ]
    return {
        "alert": alert,
        "title": rule_word(alert.rule),
        "facts": facts,
        "evidence": evidence_lines(seen),
        "screening": screening,
        "follows": followed(alert, user) if is_followed(alert) else None,
        "related": [(row, rule_word(row.rule), severity_badge(row)) for row in alerts_related(alert)],
        "steps": steps,
        "snoozes": [
            (row, rule_word(row.rule)) for row in (snoozes_live(customer, current_business_date()) if customer else [])
        ],
    }


@admin.register(AlertSnooze)
class AlertSnoozeAdmin(ReadOnlyAdmin):
    list_display = ("customer", "rule_label", "until_date", "holds", "held_back", "set_by", "set_at", "reason")
    list_filter = (SnoozeFilter,)
    search_fields = ("=customer__openid",)
    list_select_related = ("customer", "set_by")
    actions_detail = ["end"]

    @admin.display(description=_("rule"), ordering="rule")
    def rule_label(self, snooze: AlertSnooze) -> str:
        return rule_word(snooze.rule)

    @admin.display(description=_("holds"), boolean=True)
    def holds(self, snooze: AlertSnooze) -> bool:
        return snooze.ended_at is None and snooze.until_date >= current_business_date()

    @act(title=_("End the snooze"), warning=_("Alerts are raised again at once."), permission=MAY_ACT, icon="alarm_on")
    def end(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: snooze_end(snooze_id=UUID(object_id), user=staff_of(request), **given(form), **when()),
            _("The snooze has ended."),
        )
