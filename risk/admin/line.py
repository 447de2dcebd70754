from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter, RangeNumericFilter

from risk.models import CreditLine, FreezeReason, LineChange
from risk.models.credit_line import available_of
from risk.services.credit_line import (
    credit_line_change,
    credit_line_close,
    credit_line_freeze,
    credit_line_unfreeze,
)
from weilidai.lib.audit import Actor
from weilidai.lib.backoffice import ReadOnlyAdmin, ReasonForm, act, badge, finish
from weilidai.lib.backoffice.admin import ReadOnlyInline
from weilidai.lib.backoffice.told import Told
from weilidai.lib.business_date import current_business_date

WORDS = {"opened": _("Credit line opened"), "asset_proof": _("Asset proof")}


class LineChangeInline(ReadOnlyInline):
    model = LineChange
    fields = ("business_date", "old_limit_amount", "new_limit_amount", "old_daily_rate", "new_daily_rate",
              "old_tier", "new_tier", "why", "actor_name")  # fmt: skip
    readonly_fields = ("why",)

    @admin.display(description=_("reason"))
    def why(self, change: LineChange) -> str:
        """The services write one word of their own, people write the rest."""
        return str(WORDS.get(change.reason, change.reason))


class LimitForm(ReasonForm):
    """A new limit inside the line's tier, and why."""

    limit = forms.DecimalField(label=_("New limit"), max_digits=12, decimal_places=2, min_value=0)
    field_order = ("limit", "reason")


@admin.register(CreditLine)
class CreditLineAdmin(ReadOnlyAdmin):
    list_display = ("customer", "product", "tier", "limit_amount", "used_amount", "available", "daily_rate",
                    "opened_date", "state_badge", "frozen_reason")  # fmt: skip
    list_filter = ("state", "product", "tier", "frozen_reason", ("opened_date", RangeDateFilter),
                   ("limit_amount", RangeNumericFilter))  # fmt: skip
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "product")
    export_told = {
        "available": Told(("limit_amount", "received_amount", "used_amount", "gifted_amount"), available_of, "money"),
        "state_badge": "state",
    }  # fmt: skip
    inlines = (LineChangeInline,)
    actions_detail = ["freeze", "unfreeze", "set_limit", "close"]

    @admin.display(description=_("available"))
    def available(self, line: CreditLine) -> Decimal:
        return line.available_amount

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, line: CreditLine) -> SafeString:
        return badge(line.state, line.get_state_display())

    def _how(self, request: HttpRequest, form: ReasonForm) -> dict[str, Any]:
        return {
            "actor": Actor.of(request.user),
            "as_of": current_business_date(),
            "at": timezone.now(),
            "reason": form.cleaned_data["reason"],
        }

    @act(
        title=_("Freeze"),
        warning=_("Drawing stops at once, repaying stays open. The customer is told."),
        permission="risk.change_creditline",
        icon="ac_unit",
        dangerous=True,
    )
    def freeze(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        how = self._how(request, form)
        return finish(
            request,
            self.detail_url(object_id),
            lambda: credit_line_freeze(
                line_id=UUID(object_id), note=form.cleaned_data["reason"], **how | {"reason": FreezeReason.STAFF}
            ),
            _("The line is frozen."),
        )

    @act(
        title=_("Unfreeze"),
        warning=_("Drawing is open again. The customer is told."),
        permission="risk.change_creditline",
        icon="mode_heat",
    )
    def unfreeze(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: credit_line_unfreeze(line_id=UUID(object_id), **self._how(request, form)),
            _("The line is active."),
        )

    @act(
        title=_("Set limit"),
        warning=_("The new limit holds at once; it cannot be lower than what is used."),
        permission="risk.change_creditline",
        form=LimitForm,
        icon="tune",
    )
    def set_limit(self, request: HttpRequest, form: LimitForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: credit_line_change(
                line_id=UUID(object_id), limit_amount=form.cleaned_data["limit"], **self._how(request, form)
            ),
            _("The limit is set."),
        )

    @act(
        title=_("Close"),
        warning=_("The line is given up for good. It must be free of debt."),
        permission="risk.change_creditline",
        icon="block",
        dangerous=True,
    )
    def close(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: credit_line_close(line_id=UUID(object_id), **self._how(request, form)),
            _("The line is closed."),
        )
