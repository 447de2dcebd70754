"""Invitations: the list, issuing by hand, and the file import with a preview before anything is written."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from risk.models import Invitation, InvitationBatch, Product
from risk.services.invitation import invitation_revoke
from risk.services.invitation_file import FileRow, invitation_file_check, invitation_file_issue, invitation_file_read
from weilidai.lib.audit import Actor
from weilidai.lib.backoffice import ReadOnlyAdmin, ReasonForm, act, badge, finish, may
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError

PREVIEW_ROWS = 200


class InvitationImportForm(forms.Form):
    """Either a file or names typed in."""

    product = forms.ModelChoiceField(
        label=_("Product"), queryset=Product.objects.filter(is_open=True), widget=UnfoldAdminSelectWidget
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, widget=UnfoldAdminTextInputWidget)
    expires_date = forms.DateField(label=_("Last day"), required=False, widget=UnfoldAdminSingleDateWidget)
    file = forms.FileField(label=_("CSV or XLSX file"), required=False, widget=UnfoldAdminFileFieldWidget)
    openids = forms.CharField(
        label=_("or one openid a line"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6})
    )

    def rows(self) -> list[FileRow]:
        """What is to be invited; raises DomainError for a file that is no table."""
        upload = self.cleaned_data.get("file")
        if upload is not None:
            return invitation_file_read(upload.read())
        lines = self.cleaned_data["openids"].splitlines()
        return [FileRow(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("openid", "product", "state_badge", "issued_date", "expires_date", "accepted_at", "reason")
    list_filter = ("state", "product", "batch__source", ("issued_date", RangeDateFilter),
                   ("expires_date", RangeDateFilter))  # fmt: skip
    search_fields = ("=openid", "=id")
    list_select_related = ("product",)
    export_told = {"state_badge": "state"}
    actions_list = ["invite", *ReadOnlyAdmin.actions_list]
    actions_detail = ["revoke"]

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, invitation: Invitation) -> SafeString:
        return badge(invitation.state, invitation.get_state_display())

    def get_urls(self) -> list[URLPattern]:
        own = path("import/", self.admin_site.admin_view(self.import_view), name="risk_invitation_import")
        return [own, *super().get_urls()]

    @action(description=_("Invite"), url_path="invite", icon="person_add", permissions=[may("risk.add_invitation")])
    def invite(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:risk_invitation_import"))

    @act(
        title=_("Revoke"),
        warning=_("The customer can no longer apply with this invitation."),
        permission="risk.change_invitation",
        icon="undo",
        dangerous=True,
    )
    def revoke(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: invitation_revoke(
                invitation_id=UUID(object_id),
                reason=form.cleaned_data["reason"],
                actor=Actor.of(request.user),
                as_of=current_business_date(),
            ),
            _("The invitation is revoked."),
        )

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Form → preview with an error per row → confirmed issue."""
        if not request.user.has_perm("risk.add_invitation"):
            raise PermissionDenied
        if "confirmed" in request.POST:
            return self._issue(request)
        form = InvitationImportForm(request.POST or None, request.FILES or None)
        context: dict[str, Any] = {**self.admin_site.each_context(request), "title": _("Invite"), "form": form}
        if form.is_valid():
            try:
                rows = form.rows()
                check = invitation_file_check(rows, product=form.cleaned_data["product"].pk)
            except DomainError as error:
                messages.error(request, str(error.detail))
            else:
                context |= {
                    "check": check,
                    "shown_errors": check.errors[:PREVIEW_ROWS],
                    "shown_good": check.good[:PREVIEW_ROWS],
                    "openids": "\n".join(row.openid for row in check.good),
                    "values": form.cleaned_data,
                }
        return TemplateResponse(request, "backoffice/invitation_import.html", context)

    def _issue(self, request: HttpRequest) -> HttpResponse:
        form = InvitationImportForm(request.POST)
        if not form.is_valid():
            messages.error(request, translate("The form is no longer valid, please start again."))
            return HttpResponseRedirect(reverse("admin:risk_invitation_import"))

        def call() -> None:
            report, errors = invitation_file_issue(
                rows=form.rows(),
                product=form.cleaned_data["product"].pk,
                reason=form.cleaned_data["reason"],
                file_name=request.POST.get("file_name", "").replace("\x00", "")[:200],
                actor=Actor.of(request.user),
                as_of=current_business_date(),
                expires_date=form.cleaned_data["expires_date"],
            )
            issued = translate("{n} invitations issued, {m} rows left out.")
            messages.info(request, issued.format(n=len(report.issued), m=len(errors) + len(report.skipped)))

        return finish(request, self.list_url(), call, _("Done."))


@admin.register(InvitationBatch)
class InvitationBatchAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "source", "product", "reason", "file_name", "issued_count", "created_by")
    list_filter = ("source", "product")
    search_fields = ("=id", "reason")
    list_select_related = ("product",)
