"""The scorecard workbench: labelled sets, fits and measures on them, champion and challenger on the same people."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from risk.admin.workbench_view import run_context
from risk.models import LabelledSet, WorkbenchRun
from risk.services.capacity import capacity_draft
from risk.services.labelled import labelled_check, labelled_create, labelled_shipped, run_request
from risk.services.own_loans import own_loans_create, own_loans_definition
from risk.tasks import workbench_ring
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, may, staff_of
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError

PREVIEW_ROWS = 50


class LabelledForm(forms.Form):
    """An upload; without confirmation only a preview is shown."""

    name = forms.CharField(label=_("Name of the set"), max_length=100, widget=UnfoldAdminTextInputWidget)
    file = forms.FileField(label=_("CSV, CSV.gz or XLSX file"), widget=UnfoldAdminFileFieldWidget)
    confirmed = forms.BooleanField(label=_("Keep it (without this only a preview)"), required=False)


class OwnLoansForm(ConfirmForm):
    """As known at the end of which day."""

    as_of = forms.DateField(
        label=_("As known at the end of"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )


class DraftForm(ReasonForm):
    """From which day the new scorecard would hold."""

    valid_from = forms.DateField(label=_("Valid from"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    field_order = ("valid_from", "reason")


@admin.register(LabelledSet)
class LabelledSetAdmin(ReadOnlyAdmin):
    """The workbench's first page: the people scorecards are proved on."""

    list_display = ("set_name", "kind", "row_count", "bad_count", "rejected_count", "created_at", "created_by")
    search_fields = ("name", "=sha256")
    list_select_related = ("created_by",)
    readonly_fields = ("set_name",)
    fields = ("set_name", "kind", "row_count", "bad_count", "rejected_count", "columns", "sha256", "created_at",
              "created_by")  # fmt: skip
    actions_list = ["upload", "shipped", "own_loans", *ReadOnlyAdmin.actions_list]
    actions_detail = ["measure", "fit", "capacity"]

    @admin.display(description=_("Name of the set"), ordering="name")
    def set_name(self, row: LabelledSet) -> str:
        return row.name

    def get_urls(self) -> list[URLPattern]:
        own = path("upload-file/", self.admin_site.admin_view(self.upload_view), name="risk_labelledset_upload_file")
        return [own, *super().get_urls()]

    @action(description=_("Upload people"), url_path="upload", icon="upload", permissions=[may("risk.add_labelledset")])
    def upload(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:risk_labelledset_upload_file"))

    @action(
        description=_("Add the shipped people"),
        url_path="shipped",
        icon="inventory_2",
        permissions=[may("risk.add_labelledset")],
        dialog={
            "title": _("Add the shipped people"),
            "description": _("20 000 real card clients, public data under CC BY 4.0."),
            "form_class": ConfirmForm,
            "form_submit_text": _("Add the shipped people"),
        },
    )
    def shipped(self, request: HttpRequest, form: ConfirmForm) -> HttpResponse:
        return finish(request, self.list_url(), lambda: labelled_shipped(timezone.now()), _("Done."))

    @act(
        title=_("Measure the shipped scorecard"),
        warning=_("A worker scores these people; the figures appear under workbench runs."),
        permission="risk.add_workbenchrun",
        form=ConfirmForm,
        icon="query_stats",
    )
    def measure(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self._request(request, WorkbenchRun.Kind.MEASURE, object_id)

    @act(
        title=_("Fit a challenger"),
        warning=_("A worker fits a scorecard on these people and compares it with the shipped one. Takes minutes."),
        permission="risk.add_workbenchrun",
        form=ConfirmForm,
        icon="model_training",
    )
    def fit(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self._request(request, WorkbenchRun.Kind.FIT, object_id)

    @action(
        description=_("Our own loans"),
        url_path="own-loans",
        icon="account_balance",
        permissions=[may("risk.add_labelledset")],
        dialog={
            "title": _("Our own loans"),
            "description": _(
                "Everybody approved early enough, with the values kept at the decision; what counts as bad stands in "
                "the monitoring policy."
            ),
            "form_class": OwnLoansForm,
            "form_submit_text": _("Build the set"),
        },
    )
    def own_loans(self, request: HttpRequest, form: OwnLoansForm) -> HttpResponse:
        as_of = form.cleaned_data["as_of"]
        definition = own_loans_definition(as_of)
        told = _("Kept: bad is more than {days} days past due within {months} months.")
        return finish(
            request,
            self.list_url(),
            lambda: own_loans_create(
                as_of=as_of, today=current_business_date(), user=staff_of(request), at=timezone.now()
            ),
            str(told).format(days=definition.days, months=definition.months),
        )

    @act(
        title=_("Fit the capacity dimension"),
        warning=_(
            "A worker fits the capacity to perform on variables that every live customer has. Its result can be put "
            "into a draft of the scorecard."
        ),
        permission="risk.add_workbenchrun",
        form=ConfirmForm,
        icon="tune",
    )
    def capacity(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self._request(request, WorkbenchRun.Kind.CAPACITY, object_id)

    def _request(self, request: HttpRequest, kind: WorkbenchRun.Kind, object_id: str) -> HttpResponse:
        def call() -> None:
            row = LabelledSet.objects.get(pk=object_id)
            run_request(kind=kind, labelled_set=row, user=staff_of(request), at=timezone.now())
            workbench_ring()

        return finish(request, reverse("admin:risk_workbenchrun_changelist"), call, _("A worker computes it."))

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """Form → preview with the rows left out → kept."""
        if not request.user.has_perm("risk.add_labelledset"):
            raise PermissionDenied
        form = LabelledForm(request.POST or None, request.FILES or None)
        context: dict[str, Any] = {**self.admin_site.each_context(request), "title": _("Upload people"), "form": form}
        if form.is_valid():
            try:
                row = self._taken(request, form, context, timezone.now())
            except DomainError as error:
                faults = getattr(error, "field_errors", None) or [{"detail": error.detail}]
                messages.error(request, "; ".join(str(fault["detail"]) for fault in faults))
            else:
                if row is not None:
                    return HttpResponseRedirect(self.detail_url(row.pk))
        return TemplateResponse(request, "backoffice/labelled_upload.html", context)

    def _taken(
        self, request: HttpRequest, form: LabelledForm, context: dict[str, Any], at: datetime
    ) -> LabelledSet | None:
        content = form.cleaned_data["file"].read()
        if form.cleaned_data["confirmed"]:
            return labelled_create(name=form.cleaned_data["name"], content=content, user=staff_of(request), at=at)
        found = labelled_check(content)
        context |= {
            "found": found,
            "labelled": sum(client.bad is not None for client in found.clients),
            "bad": sum(client.bad == 1 for client in found.clients),
            "shown": found.rejected[:PREVIEW_ROWS],
        }
        return None


@admin.register(WorkbenchRun)
class WorkbenchRunAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "kind", "labelled_set", "state_badge", "auc_shown", "requested_by", "finished_at")
    list_filter = ("kind", "state")
    list_select_related = ("labelled_set", "requested_by")
    change_form_template = "backoffice/workbench_run.html"
    actions_detail = ["draft"]

    @act(
        title=_("Draft a scorecard with it"),
        warning=_(
            "The scorecard in force is copied into a draft whose capacity dimension comes from this fit, scaled to its "
            "weight. A second person approves it."
        ),
        permission="risk.add_scorecard",
        form=DraftForm,
        icon="edit_document",
    )
    def draft(self, request: HttpRequest, form: DraftForm, object_id: str) -> HttpResponse:
        def call() -> None:
            capacity_draft(
                run=WorkbenchRun.objects.get(pk=object_id),
                valid_from=form.cleaned_data["valid_from"],
                reason=form.cleaned_data["reason"],
                user=staff_of(request),
                as_of=current_business_date(),
                at=timezone.now(),
            )

        drafts = reverse("admin:risk_scorecard_changelist") + "?state__exact=draft"
        return finish(request, drafts, call, _("The draft waits for a second person."))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only a finished fit of the capacity can go into a scorecard."""
        fits = WorkbenchRun.objects.filter(pk=object_id, kind=WorkbenchRun.Kind.CAPACITY, state="done")
        return super().get_actions_detail(request, object_id) if fits.exists() else []

    def get_queryset(self, request: HttpRequest) -> Any:
        # A scorecard is long; lists do without it.
        rows = super().get_queryset(request)
        return rows if request.resolver_match and "object_id" in request.resolver_match.kwargs else rows.defer("card")

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, run: WorkbenchRun) -> SafeString:
        return badge(run.state, run.get_state_display())

    @admin.display(description="AUC")
    def auc_shown(self, run: WorkbenchRun) -> str:
        auc = (run.report or {}).get("auc")
        return "–" if auc is None else f"{auc:.4f}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            run = WorkbenchRun.objects.select_related("labelled_set").filter(pk=UUID(object_id)).first()
        except ValueError:
            run = None
        context = {**(extra_context or {}), **(run_context(run, request.GET.get("against", "")) if run else {})}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response
