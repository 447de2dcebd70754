"""Requests for changes: what one person asked for and another approves, refuses, or who asked takes back."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from accounts.changes import change_kind, change_kind_word, change_value_word
from accounts.models import ChangeRequest, ChangeState
from accounts.services.change_request import change_approve, change_refuse, change_withdraw
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, staff_of
from weilidai.lib.backoffice.words import words_filter
from weilidai.lib.business_date import current_business_date

VIEW = "accounts.view_changerequest"


def value_words(value: Any) -> str:
    """A value as a person reads it: roles by their names, nothing as a dash."""
    if isinstance(value, list):
        return ", ".join(translate(str(item)) for item in value) or "–"
    if isinstance(value, bool):
        return str(_("yes")) if value else str(_("no"))
    return "–" if value in (None, "") else str(value)


@admin.register(ChangeRequest)
class ChangeRequestAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "kind_word", "subject_name", "state_badge", "requested_by", "reason", "decided_by",
                    "decided_at")  # fmt: skip
    list_filter = ("state", ("kind", words_filter(change_kind_word)))
    search_fields = ("=id", "subject_name")
    list_select_related = ("requested_by", "decided_by")
    fields = ("kind_word", "subject_name", "state", "changes", "reason", "requested_by", "requested_at", "decided_by",
              "decided_at", "decision_reason")  # fmt: skip
    readonly_fields = ("kind_word", "changes")
    actions_detail = ["approve", "refuse", "withdraw"]

    @admin.display(description=_("kind of change"), ordering="kind")
    def kind_word(self, row: ChangeRequest) -> str:
        return change_kind_word(row.kind)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, row: ChangeRequest) -> SafeString:
        return badge(row.state, row.get_state_display())

    @admin.display(description=_("before → after"))
    def changes(self, row: ChangeRequest) -> SafeString:
        """Every value that would change, before and after."""
        names = [*row.after, *(name for name in row.before if name not in row.after)]
        rows = [
            (change_value_word(row.kind, name), value_words(row.before.get(name)), value_words(row.after.get(name)))
            for name in names
        ]
        return format_html("<div>{}</div>", format_html_join("", "<div>{}: {} → <strong>{}</strong></div>", rows))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only what this person may do with this request now."""
        row = ChangeRequest.objects.filter(pk=object_id).first()
        if row is None or row.state != ChangeState.PENDING:
            return []
        mine = row.requested_by_id == request.user.pk
        allowed = {"withdraw"} if mine else self._second_acts(request, row)
        shown = super().get_actions_detail(request, object_id)
        return [item for item in shown if item.action_name.rsplit("_", 1)[-1] in allowed]

    def _second_acts(self, request: HttpRequest, row: ChangeRequest) -> set[str]:
        return {"approve", "refuse"} if request.user.has_perm(change_kind(row.kind).permission) else set()

    def _second_person_check(self, request: HttpRequest, object_id: str) -> None:
        row = ChangeRequest.objects.filter(pk=object_id).first()
        if row is None or not request.user.has_perm(change_kind(row.kind).permission):
            raise PermissionDenied

    @act(
        title=_("Approve"),
        warning=_("The change holds at once. You are the second person: look at before and after."),
        permission=VIEW,
        form=ConfirmForm,
        icon="verified",
    )
    def approve(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        self._second_person_check(request, object_id)

        def call() -> None:
            row = change_approve(request_id=UUID(object_id), user=staff_of(request), **self._when())
            if row.told:
                messages.warning(request, row.told)

        return finish(request, self.detail_url(object_id), call, _("The change holds."))

    @act(title=_("Refuse"), warning=_("Nothing changes."), permission=VIEW, icon="block", dangerous=True)
    def refuse(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        self._second_person_check(request, object_id)
        return finish(
            request,
            self.detail_url(object_id),
            lambda: change_refuse(
                request_id=UUID(object_id), user=staff_of(request), reason=form.cleaned_data["reason"], **self._when()
            ),
            _("The request is refused."),
        )

    @act(title=_("Withdraw"), warning=_("Nothing changes."), permission=VIEW, form=ConfirmForm, icon="undo")
    def withdraw(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: change_withdraw(request_id=UUID(object_id), user=staff_of(request), **self._when()),
            _("The request is withdrawn."),
        )

    def _when(self) -> dict[str, Any]:
        return {"as_of": current_business_date(), "at": timezone.now()}
