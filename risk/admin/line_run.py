"""Runs over all lines in the back office: dry runs with their distribution, the release, how far they have come."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from risk.admin.line_run_view import run_context
from risk.models import RunState
from risk.models.line_run import LineRun
from weilidai.lib.backoffice import ReadOnlyAdmin, ReasonForm, act, badge, finish, may, staff_of
from weilidai.lib.business_date import current_business_date

Act = Callable[[Callable[..., HttpResponse]], Any]
TONES = {"waiting": "pending", "running": "running", "done": "done", "discarded": "closed"}

# Without the summary: what it counts is on the page as figures and charts.
RUN_FIELDS = ("business_date", "created_at", "finished_at", "started_by", "released_by")


class LineRunAdmin(ReadOnlyAdmin):
    """The acts of subclasses name their services to the `*_answer` methods."""

    list_filter = ("is_dry_run", "state")
    list_select_related = ("started_by", "released_by")
    actions_list = ["dry_run", *ReadOnlyAdmin.actions_list]
    actions_detail = ["release", "discard"]
    change_form_template = "backoffice/line_run.html"

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, run: LineRun) -> SafeString:
        return badge(TONES[run.state], run.get_state_display())

    @admin.display(description=_("lines"))
    def lines(self, run: LineRun) -> str:
        return f"{run.summary['lines']:,}" if "lines" in run.summary else "–"

    def dry_run_answer(self, begin: Callable[..., LineRun], request: HttpRequest, first_day: str) -> HttpResponse:
        period = {self.model.PERIOD: date.fromisoformat(first_day)}
        return finish(
            request,
            self.list_url(),
            lambda: begin(**period, user=staff_of(request), as_of=current_business_date(), at=timezone.now()),
            _("The dry run has begun."),
        )

    def step_answer(
        self, service: Callable[..., LineRun], request: HttpRequest, form: ReasonForm, object_id: str, told: Any
    ) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: service(
                run_id=UUID(object_id), user=staff_of(request), reason=form.cleaned_data["reason"],
                as_of=current_business_date(), at=timezone.now(),
            ),
            told,
        )  # fmt: skip

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        waits = self.model.objects.filter(pk=object_id, state=RunState.WAITING).exists()
        return super().get_actions_detail(request, object_id) if waits else []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        extra = {**(extra_context or {}), **(run_context(run) if run is not None else {})}
        page: HttpResponse = super().change_view(request, object_id, form_url, extra)
        return page


def dry_run_act(permission: str, form: type[Any], description: Any) -> Act:
    """The act of the list that begins a dry run."""
    decorator: Act = action(
        description=_("Dry run"),
        url_path="dry-run",
        icon="science",
        permissions=[may(permission)],
        dialog={
            "title": _("Dry run"),
            "description": description,
            "form_class": form,
            "form_submit_text": _("Start"),
        },
    )
    return decorator


def release_act(permission: str, warning: Any) -> Act:
    return act(title=_("Release"), warning=warning, permission=permission, icon="rocket_launch", dangerous=True)


def discard_act(permission: str, warning: Any) -> Act:
    return act(title=_("Discard"), warning=warning, permission=permission, icon="block")
