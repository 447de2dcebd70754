from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.widgets import UnfoldAdminSelectWidget

from risk.models import CreditApplication, Decision, DecisionContest, Outcome, Signature
from risk.services.application import application_cancel
from risk.services.assessment import decision_replay, referral_decide
from risk.services.contest import contest_answer
from weilidai.lib.audit import Actor
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, staff_of
from weilidai.lib.backoffice.admin import ReadOnlyInline
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError

DIMENSIONS = {
    "consumption": _("Consumption"),
    "social": _("Social relations"),
    "capacity": _("Capacity to perform"),
    "device_stability": _("Device stability"),
    "external_credit": _("External credit"),
}


def _percent(item: dict[str, str]) -> int:
    """Width of a dimension's bar."""
    return int(100 * Decimal(item["points"]) / max(Decimal(item["weight"]), Decimal(1)))


class SignatureInline(ReadOnlyInline):
    model = Signature
    fields = ("document", "language", "sha256", "signed_at", "ip", "device_fingerprint")


class DecisionInline(ReadOnlyInline):
    model = Decision
    fk_name = "application"
    fields = ("business_date", "outcome", "score", "tier", "limit_amount", "daily_rate", "decided_by", "note")
    show_change_link = True


class OutcomeForm(ReasonForm):
    """A person's decision."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=[(Outcome.APPROVED, _("Approve")), (Outcome.REJECTED, _("Reject"))],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ("outcome", "reason")


def when() -> dict[str, Any]:
    """On which business date, and at which moment."""
    return {"as_of": current_business_date(), "at": timezone.now()}


@admin.register(CreditApplication)
class CreditApplicationAdmin(ReadOnlyAdmin):
    list_display = ("started_date", "customer", "product", "state_badge", "expires_date", "verified_at", "decided_at")
    list_filter = ("state", "product", ("started_date", RangeDateFilter))
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "product")
    inlines = (DecisionInline, SignatureInline)
    actions_detail = ["decide", "cancel"]

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, application: CreditApplication) -> SafeString:
        return badge(application.state, application.get_state_display())

    @act(
        title=_("Decide"),
        warning=_("For a referred application: approving opens the credit line at once and tells the customer."),
        permission="risk.change_creditapplication",
        form=OutcomeForm,
        icon="gavel",
    )
    def decide(self, request: HttpRequest, form: OutcomeForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: referral_decide(
                application_id=UUID(object_id),
                outcome=Outcome(form.cleaned_data["outcome"]),
                reason=form.cleaned_data["reason"],
                user=staff_of(request),
                **when(),
            ),
            _("The application is decided."),
        )

    @act(
        title=_("Cancel"),
        warning=_("The application ends here and cannot be taken up again."),
        permission="risk.change_creditapplication",
        icon="cancel",
        dangerous=True,
    )
    def cancel(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: application_cancel(
                application_id=UUID(object_id),
                customer=None,
                reason=form.cleaned_data["reason"],
                actor=Actor.of(request.user),
                **when(),
            ),
            _("The application is cancelled."),
        )


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "customer", "product", "outcome_badge", "score", "tier", "limit_amount",
                    "daily_rate", "duration_ms", "decided_by")  # fmt: skip
    list_filter = ("outcome", "product", "tier", ("business_date", RangeDateFilter))
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "product", "decided_by")
    readonly_fields = ("points",)
    exclude = ("dimensions",)
    actions_detail = ["replay"]

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_badge(self, decision: Decision) -> SafeString:
        return badge(decision.outcome, decision.get_outcome_display())

    @admin.display(description=_("points per dimension"))
    def points(self, decision: Decision) -> SafeString:
        """A bar for each dimension: points reached of points possible."""
        rows = [
            (DIMENSIONS.get(item["code"], item["code"]), item["points"], item["weight"], _percent(item))
            for item in decision.dimensions
        ]
        return format_html_join(
            "",
            '<div class="mb-2"><div class="flex justify-between"><span>{}</span><span>{} / {}</span></div>'
            '<div class="h-2 rounded-full bg-base-200 dark:bg-base-700">'
            '<div class="h-2 rounded-full bg-primary-600" style="width:{}%"></div></div></div>',
            rows,
        )

    @act(
        title=_("Replay"),
        warning=_("Runs the rules again on the inputs kept with the decision and compares the answer bit for bit."),
        permission="risk.view_decision",
        form=ConfirmForm,
        icon="replay",
    )
    def replay(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        def call() -> None:
            if not decision_replay(Decision.objects.get(pk=object_id)):
                raise DomainError(_("The replay gives another answer."))

        return finish(request, self.detail_url(object_id), call, _("The replay gives the same answer."))


@admin.register(DecisionContest)
class DecisionContestAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "customer", "decision", "state_badge", "answered_by", "answered_at")
    list_filter = ("state",)
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "decision", "answered_by")
    actions_detail = ["answer"]

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, contest: DecisionContest) -> SafeString:
        return badge(contest.state, contest.get_state_display())

    @act(
        title=_("Answer"),
        warning=_("Approving revises the decision and opens the line; rejecting upholds it. The customer is told."),
        permission="risk.change_decisioncontest",
        form=OutcomeForm,
        icon="reply",
    )
    def answer(self, request: HttpRequest, form: OutcomeForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: contest_answer(
                contest_id=UUID(object_id),
                revised=form.cleaned_data["outcome"] == Outcome.APPROVED,
                answer=form.cleaned_data["reason"],
                user=staff_of(request),
                **when(),
            ),
            _("The answer was sent."),
        )
