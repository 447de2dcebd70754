"""Appeals: a queue ordered by the time left, and a page with the pictures side by side (R39)."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateFilter

from risk.models import OPEN_APPEALS, Appeal, AppealState, FreezeReason
from risk.rules.appeals import FAULTS, working_days_left
from risk.selectors.appeals import appeals_earlier, appeals_late, freeze_change
from risk.services.appeal import (
    STAFF_MAY_DECIDE,
    SUPERVISOR_MAY_DECIDE,
    appeal_grant,
    appeal_refuse,
    appeal_take_over,
)
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, staff_of, when
from weilidai.lib.backoffice.evidence import SEE_IMAGES
from weilidai.lib.business_date import current_business_date

TONES = {"passed": "approved", "doubtful": "pending", "escalated": "rejected", "granted": "approved",
         "refused": "rejected", "lapsed": "closed", "submitted": "open"}  # fmt: skip


def time_left(appeal: Appeal) -> SafeString:
    """Working time left in words; late in red."""
    if not appeal.is_open:
        return format_html("{}", "–")
    left = working_days_left(current_business_date(), appeal.due_date)
    if appeal.is_late or left < 0:
        return format_html('<strong class="text-red-700 dark:text-red-400">{}</strong>', translate("Late"))
    if left == 0:
        words = translate("Today by {hour}").format(hour=timezone.localtime(appeal.due_at).strftime("%H:%M"))
        return format_html('<strong class="text-orange-700 dark:text-orange-400">{}</strong>', words)
    return format_html("{}", ngettext("{n} working day", "{n} working days", left).format(n=left))


class OpenFilter(admin.SimpleListFilter):
    """Answered or not."""

    title = _("answered")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Waiting")), ("late", _("Late")), ("no", _("Answered"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "late":
            return queryset.filter(pk__in=appeals_late(current_business_date()).values("pk"))
        if self.value() == "yes":
            return queryset.filter(state__in=OPEN_APPEALS)
        return queryset.exclude(state__in=OPEN_APPEALS) if self.value() == "no" else queryset


@admin.register(Appeal)
class AppealAdmin(ReadOnlyAdmin):
    list_display = ("customer", "state_badge", "left", "due_at", "received_at", "frozen_reason", "reminded", "handler")
    list_filter = (OpenFilter, "state", "is_late", "frozen_reason", ("received_date", RangeDateFilter))
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "handler")
    # What waits comes first, by the time left; then what was answered last.
    ordering = (F("answered_at").desc(nulls_first=True), "due_at")
    actions_detail = ["take", "grant", "refuse"]
    change_form_template = "backoffice/appeal.html"

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, appeal: Appeal) -> SafeString:
        return badge(TONES[appeal.state], appeal.get_state_display())

    @admin.display(description=_("time left"), ordering="due_at")
    def left(self, appeal: Appeal) -> SafeString:
        return time_left(appeal)

    @admin.display(description=_("reminded"), boolean=True, ordering="reminded_at")
    def reminded(self, appeal: Appeal) -> bool:
        return appeal.reminded_at is not None

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Nothing for an answered appeal; an escalated one is a supervisor's."""
        state = Appeal.objects.filter(pk=object_id).values_list("state", flat=True).first()
        needed = SUPERVISOR_MAY_DECIDE if state == AppealState.ESCALATED else STAFF_MAY_DECIDE
        if state not in OPEN_APPEALS or not request.user.has_perm(needed):
            return []
        return super().get_actions_detail(request, object_id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        appeal = self.get_object(request, object_id)
        extra = {**(extra_context or {}), **(appeal_file(appeal) if appeal is not None else {})}
        extra["may_see_images"] = request.user.has_perm(SEE_IMAGES)
        page: HttpResponse = super().change_view(request, object_id, form_url, extra)
        return page

    @act(
        title=_("Take over"),
        warning=_("You handle this appeal from now on."),
        permission=STAFF_MAY_DECIDE,
        form=ConfirmForm,
        icon="back_hand",
    )
    def take(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: appeal_take_over(appeal_id=UUID(object_id), user=staff_of(request), **when()),
            _("The appeal is yours."),
        )

    @act(
        title=_("Grant"),
        warning=_("Drawing is open again at once. The customer is told and can read the reason."),
        permission=STAFF_MAY_DECIDE,
        icon="task_alt",
    )
    def grant(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: appeal_grant(
                appeal_id=UUID(object_id), reason=form.cleaned_data["reason"], user=staff_of(request), **when()
            ),
            _("The appeal is granted and the line is active."),
        )

    @act(
        title=_("Refuse"),
        warning=_("The line stays frozen. The customer is told this reason."),
        permission=STAFF_MAY_DECIDE,
        icon="block",
        dangerous=True,
    )
    def refuse(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: appeal_refuse(
                appeal_id=UUID(object_id), reason=form.cleaned_data["reason"], user=staff_of(request), **when()
            ),
            _("The appeal is refused."),
        )


def image_badge(passed: bool | None) -> SafeString:
    """What the automatic checks said of a picture."""
    if passed is None:
        return badge("open", _("Not checked yet"))
    return badge("approved", _("Passed")) if passed else badge("rejected", _("Not passed"))


def appeal_file(appeal: Appeal) -> dict[str, Any]:
    """Everything the page shows, ready to render."""
    person, line, freeze = appeal.customer, appeal.credit_line, freeze_change(appeal.credit_line)
    return {
        "appeal": appeal,
        "person_facts": [
            (_("name"), person.masked_name or "–"),
            (_("identity number"), person.masked_id_number or "–"),
            (_("phone"), person.masked_phone or "–"),
            (_("birth date"), person.birth_date or "–"),
        ],
        "appeal_facts": [
            (_("state"), badge(TONES[appeal.state], appeal.get_state_display())),
            (_("time left"), time_left(appeal)),
            (_("due at"), timezone.localtime(appeal.due_at).strftime("%Y-%m-%d %H:%M")),
            (_("received at"), timezone.localtime(appeal.received_at).strftime("%Y-%m-%d %H:%M")),
            (_("frozen because"), appeal.get_frozen_reason_display()),
            (_("frozen by"), freeze.actor_name if freeze else "–"),
            # A freeze without a note carries its reason's code.
            (_("note of the freeze"), freeze.reason if freeze and freeze.reason not in FreezeReason.values else "–"),
            (_("handled by"), appeal.handler or "–"),
        ],
        "line_facts": [
            (_("product"), line.product.name),
            (_("state"), badge(line.state, line.get_state_display())),
            (_("limit"), f"¥ {line.limit_amount:,.2f}"),
            (_("used"), f"¥ {line.used_amount:,.2f}"),
        ],
        "pictures": [
            (row, image_badge(row.passed), [FAULTS.get(code, code) for code in row.faults])
            for row in appeal.images.select_related("image")
        ],
        "earlier": [(row, badge(TONES[row.state], row.get_state_display())) for row in appeals_earlier(appeal)],
    }
