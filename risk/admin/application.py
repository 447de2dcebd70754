from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from risk.admin.dashboard import DashboardPages
from risk.admin.review import ContestPages, ReviewPages
from risk.admin.variables import plain
from risk.models import ApplicationState, CreditApplication, Decision, DecisionContest
from risk.selectors.review import dimension_word
from risk.selectors.variable_use import decision_values
from risk.services.application import application_cancel
from risk.services.assessment import decision_compare
from weilidai.lib.audit import Actor
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, when
from weilidai.lib.errors import DomainError


def _percent(item: dict[str, str]) -> int:
    """Width of a dimension's bar."""
    return int(100 * Decimal(item["points"]) / max(Decimal(item["weight"]), Decimal(1)))


@admin.register(CreditApplication)
class CreditApplicationAdmin(ReviewPages, ReadOnlyAdmin):
    """The list is the review queue as well: what is referred, the oldest first, and who works on it."""

    list_display = ("started_date", "customer", "product", "state_badge", "held_by", "expires_date", "verified_at",
                    "decided_at")  # fmt: skip
    list_filter = ("state", "product", ("started_date", RangeDateFilter))
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "product", "review_claim__claimed_by")
    actions_list = ["take_next", *ReadOnlyAdmin.actions_list]
    actions_detail = ["cancel"]
    change_form_template = "backoffice/review.html"

    def get_urls(self) -> list[Any]:
        return [*self.review_urls(), *super().get_urls()]

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """As a queue the oldest comes first, else the newest."""
        return ("id",) if request.GET.get("state__exact") == ApplicationState.REFERRED else ("-id",)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, application: CreditApplication) -> SafeString:
        return badge(application.state, application.get_state_display())

    @admin.display(description=_("worked on by"))
    def held_by(self, application: CreditApplication) -> str:
        """Who holds it at this moment."""
        claim = getattr(application, "review_claim", None)
        return str(claim.claimed_by) if claim is not None and claim.until > timezone.now() else "–"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        application = self.get_object(request, object_id)
        extra = self.review_context(request, application) if application is not None else {}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})
        return page

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
class DecisionAdmin(DashboardPages, ReadOnlyAdmin):
    list_display = ("business_date", "customer", "product", "outcome_badge", "score", "tier", "limit_amount",
                    "daily_rate", "duration_ms", "decided_by")  # fmt: skip
    list_filter = ("outcome", "product", "tier", ("business_date", RangeDateFilter))
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "product", "decided_by")
    export_told = {"outcome_badge": "outcome"}
    readonly_fields = ("points", "values_used")
    exclude = ("dimensions",)
    actions_detail = ["replay"]

    def get_urls(self) -> list[Any]:
        return [*self.dashboard_urls(), *super().get_urls()]

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_badge(self, decision: Decision) -> SafeString:
        return badge(decision.outcome, decision.get_outcome_display())

    @admin.display(description=_("points per dimension"))
    def points(self, decision: Decision) -> SafeString:
        """A bar for each dimension: points reached of points possible."""
        rows = [
            (dimension_word(item["code"]), item["points"], item["weight"], _percent(item))
            for item in decision.dimensions
        ]
        return format_html_join(
            "",
            '<div class="mb-2"><div class="flex justify-between"><span>{}</span><span>{} / {}</span></div>'
            '<div class="h-2 rounded-full bg-base-200 dark:bg-base-700">'
            '<div class="h-2 rounded-full bg-primary-600" style="width:{}%"></div></div></div>',
            rows,
        )

    @admin.display(description=_("variables used"))
    def values_used(self, decision: Decision) -> SafeString:
        """What the scorecard looked at, each with the page that explains it."""
        rows = [
            (reverse("admin:risk_variable", args=[name]), name, translate("missing") if value is None else plain(value))
            for name, value in decision_values(decision).items()
        ]
        return format_html_join(
            "",
            '<div class="flex justify-between gap-6"><a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'
            "<span>{}</span></div>",
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
            differences = decision_compare(Decision.objects.get(pk=object_id))
            if differences:
                told = "; ".join(f"{row.name}: {row.stored} → {row.replayed}" for row in differences)
                raise DomainError(translate("The replay gives another answer: {what}").format(what=told))

        return finish(request, self.detail_url(object_id), call, _("The replay gives the same answer, bit for bit."))


@admin.register(DecisionContest)
class DecisionContestAdmin(ContestPages, ReadOnlyAdmin):
    list_display = ("created_at", "customer", "decision", "state_badge", "answered_by", "answered_at")
    list_filter = ("state",)
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "decision", "answered_by")
    change_form_template = "backoffice/review.html"

    def get_urls(self) -> list[Any]:
        return [*self.contest_urls(), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        contest = self.get_object(request, object_id)
        extra = self.contest_context(request, contest) if contest is not None else {}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})
        return page

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, contest: DecisionContest) -> SafeString:
        return badge(contest.state, contest.get_state_display())
