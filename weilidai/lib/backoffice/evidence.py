"""What customers sent and staff judge by looking: a queue in states, a page with pictures, answers with a reason."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from weilidai.lib.backoffice.acts import ReasonForm, finish, staff_of, when
from weilidai.lib.backoffice.admin import ReadOnlyAdmin, badge

SEE_IMAGES = "accounts.view_storedimage"


class EvidenceAdmin(ReadOnlyAdmin):
    """Acts are offered while the evidence waits; the page has what `file_of` tells, and pictures for whom may see them.

    `key` is how the services call the object.
    """

    key: ClassVar[str]
    tones: ClassVar[Mapping[str, str]]
    waiting_states: ClassVar[tuple[str, ...]] = ("submitted",)

    def file_of(self, evidence: Any) -> dict[str, Any]:
        """Everything the page shows, ready to render."""
        raise NotImplementedError

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, evidence: Any) -> SafeString:
        return badge(self.tones[evidence.state], evidence.get_state_display())

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        evidence = self.get_object(request, object_id)
        waits = evidence is not None and evidence.state in self.waiting_states
        return super().get_actions_detail(request, object_id) if waits else []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        evidence = self.get_object(request, object_id)
        extra = {**(extra_context or {}), **(self.file_of(evidence) if evidence is not None else {})}
        extra["may_see_images"] = request.user.has_perm(SEE_IMAGES)
        page: HttpResponse = super().change_view(request, object_id, form_url, extra)
        return page

    def answer(
        self, request: HttpRequest, form: ReasonForm, object_id: str, service: Callable[..., Any],
        success: str | Promise, **more: Any,
    ) -> HttpResponse:  # fmt: skip
        """One service call with the reason given; back to the page."""
        told = {self.key: UUID(object_id), "reason": form.cleaned_data["reason"], **more}
        return finish(
            request,
            self.detail_url(object_id),
            lambda: service(**told, user=staff_of(request), **when()),
            success,
        )


def person_facts(person: Any) -> list[tuple[Any, Any]]:
    """Who sent it, as far as it may be shown."""
    return [
        (_("name"), person.masked_name or "–"),
        (_("identity number"), person.masked_id_number or "–"),
        (_("phone"), person.masked_phone or "–"),
    ]
