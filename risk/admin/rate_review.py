"""The quarterly review of rates: dry runs with their distribution, the release, what became of every line."""

import json
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from risk.admin.policy import STAMPS, DraftAdmin
from risk.models import RateReview, RateReviewPolicy, RateReviewRun, RunState, TierCode
from risk.rules.reasons import reason_text
from risk.services.rate_review import dry_run_begin, rate_review_release
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, may, staff_of
from weilidai.lib.business_date import current_business_date

MAY = "risk.change_ratereviewpolicy"
TONES = {"waiting": "pending", "running": "running", "done": "done", "discarded": "closed"}


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
class RateReviewRunAdmin(ReadOnlyAdmin):
    list_display = ("quarter", "is_dry_run", "state_badge", "lines", "created_at", "finished_at", "started_by",
                    "released_by")  # fmt: skip
    list_filter = ("is_dry_run", "state")
    list_select_related = ("started_by", "released_by")
    actions_list = ["dry_run", *ReadOnlyAdmin.actions_list]
    actions_detail = ["release"]
    change_form_template = "backoffice/rate_review_run.html"

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, run: RateReviewRun) -> SafeString:
        return badge(TONES[run.state], run.get_state_display())

    @admin.display(description=_("lines"))
    def lines(self, run: RateReviewRun) -> str:
        return f"{run.summary['lines']:,}" if "lines" in run.summary else "–"

    @action(  # type: ignore[untyped-decorator]
        description=_("Dry run"),
        url_path="dry-run",
        icon="science",
        permissions=[may(MAY)],
        dialog={
            "title": _("Dry run"),
            "description": _("All lines are looked at and nothing is changed; the distribution shows what would be."),
            "form_class": DryRunForm,
            "form_submit_text": _("Start"),
        },
    )
    def dry_run(self, request: HttpRequest, form: DryRunForm) -> HttpResponse:
        return finish(
            request,
            self.list_url(),
            lambda: dry_run_begin(
                quarter=date.fromisoformat(form.cleaned_data["quarter"]),
                user=staff_of(request),
                as_of=current_business_date(),
                at=timezone.now(),
            ),
            _("The dry run has begun."),
        )

    @act(
        title=_("Release"),
        warning=_("All open lines get their new rates and every customer is told. This cannot be undone."),
        permission=MAY,
        icon="rocket_launch",
        dangerous=True,
    )
    def release(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: rate_review_release(
                run_id=UUID(object_id),
                user=staff_of(request),
                reason=form.cleaned_data["reason"],
                as_of=current_business_date(),
                at=timezone.now(),
            ),
            _("The review has begun."),
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        waits = RateReviewRun.objects.filter(pk=object_id, state=RunState.WAITING).exists()
        return super().get_actions_detail(request, object_id) if waits else []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        extra = {**(extra_context or {}), **(run_file(run) if run is not None else {})}
        page: HttpResponse = super().change_view(request, object_id, form_url, extra)
        return page


def run_file(run: RateReviewRun) -> dict[str, Any]:
    """The distribution of a run, ready to render; while it is running, how far it has come."""
    partitions = run.partitions.count()
    done = run.partitions.filter(is_done=True).count()
    changes = {int(key.split(":")[1]): count for key, count in run.summary.items() if key.startswith("change:")}
    reasons = _named(run.summary, "reason:")
    tiers = dict(TierCode.choices)
    moves = [(" → ".join(str(tiers.get(code, code)) for code in key.split(">")), count)
             for key, count in _named(run.summary, "tier:")]  # fmt: skip
    return {
        "run": run,
        "progress": f"{done:,} / {partitions:,}",
        "changes_chart": _chart([(f"{step / 10_000:+.4f} %", changes[step]) for step in sorted(changes)]),
        "reasons": [(reason_text(code), count) for code, count in reasons],
        "moves": moves,
    }


def _named(summary: dict[str, int], prefix: str) -> list[tuple[str, int]]:
    rows = [(key.removeprefix(prefix), count) for key, count in summary.items() if key.startswith(prefix)]
    return sorted(rows, key=lambda row: -row[1])


def _chart(bars: list[tuple[str, int]]) -> str:
    return json.dumps({
        "labels": [label for label, _ in bars],
        "datasets": [{"label": translate("Lines"), "data": [count for _, count in bars],
                      "backgroundColor": "var(--color-primary-500)", "borderRadius": 4}],
    })  # fmt: skip


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
