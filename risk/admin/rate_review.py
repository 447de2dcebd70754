"""The quarterly review of rates: dry runs with their distribution, the release, what became of every line."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.widgets import UnfoldAdminSelectWidget

from risk.admin.line_run import RUN_FIELDS, LineRunAdmin, discard_act, dry_run_act, release_act
from risk.admin.policy import STAMPS, DraftAdmin
from risk.models import RateReview, RateReviewPolicy, RateReviewRun
from risk.rules.reasons import reason_text
from risk.services.rate_review import dry_run_begin, rate_review_discard, rate_review_release
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act
from weilidai.lib.business_date import current_business_date

MAY = "risk.change_ratereviewpolicy"


def _quarters() -> list[tuple[str, str]]:
    """This quarter and the next, by their first days."""
    today = current_business_date()
    first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    month = first.month + 3
    following = first.replace(month=month) if month <= 12 else first.replace(year=first.year + 1, month=1)
    return [(str(day), f"{day.year} Q{(day.month + 2) // 3}") for day in (first, following)]


class DryRunForm(ConfirmForm):
    """Which quarter to rehearse."""

    quarter = forms.TypedChoiceField(label=_("quarter"), choices=_quarters, widget=UnfoldAdminSelectWidget)


@admin.register(RateReviewPolicy)
class RateReviewPolicyAdmin(DraftAdmin):
    same = ("code",)
    list_display = ("version", "state_badge", "valid_from", "valid_to", "step_down_rate", "step_up_rate",
                    "on_time_months", "on_time_rate", "needs_release", "drafted_by", "approved_by")  # fmt: skip
    list_filter = ("state",)
    readonly_fields = (*STAMPS, "code")

    @act(
        title=_("Approve"),
        warning=_(
            "The draft comes into force on its first day and replaces the version before. Needs a second person."
        ),
        permission=MAY,
        form=ConfirmForm,
        icon="verified",
    )
    def activate(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self.activate_policy(request, object_id)


@admin.register(RateReviewRun)
class RateReviewRunAdmin(LineRunAdmin):
    fields = ("quarter", "is_dry_run", "state", "policy", "scorecard", *RUN_FIELDS)
    list_display = ("quarter", "is_dry_run", "state_badge", "lines", "created_at", "finished_at", "started_by",
                    "released_by")  # fmt: skip

    @dry_run_act(
        MAY, DryRunForm, _("All lines are looked at and nothing is changed; the distribution shows what would be.")
    )
    def dry_run(self, request: HttpRequest, form: DryRunForm) -> HttpResponse:
        return self.dry_run_answer(dry_run_begin, request, form.cleaned_data["quarter"])

    @release_act(MAY, _("All open lines get their new rates and every customer is told. This cannot be undone."))
    def release(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.step_answer(rate_review_release, request, form, object_id, _("The review has begun."))

    @discard_act(MAY, _("This quarter changes no rate."))
    def discard(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.step_answer(rate_review_discard, request, form, object_id, _("The quarter is passed over."))


@admin.register(RateReview)
class RateReviewAdmin(ReadOnlyAdmin):
    list_display = ("quarter", "customer", "old_daily_rate", "new_daily_rate", "old_tier", "new_tier",
                    "new_limit_amount", "score", "months_on_time", "why")  # fmt: skip
    list_filter = ("new_tier", ("quarter", RangeDateFilter))
    search_fields = ("=credit_line__id", "=customer__openid")
    list_select_related = ("customer",)

    @admin.display(description=_("reasons"))
    def why(self, review: RateReview) -> str:
        return "; ".join(reason_text(code) for code in review.reasons)
