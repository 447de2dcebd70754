"""Back-tests in the back office: started on a draft, read as a page of figures, followed to the decisions."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from risk.admin.backtest_view import run_context, way_count, word_of
from risk.models import BacktestChange, BacktestRun, ProductTerms, Scorecard, ScreeningPolicy
from risk.rules.alerts import layer_word
from risk.rules.decision import result_sha256
from risk.rules.reasons import REASON_CODES, reason_text
from risk.rules.screening import LAYER_CODES, VERDICTS
from risk.selectors.backtest import Draft, backtest_newest, draft_snapshot
from risk.services.backtest import OPEN, backtest_cancel, backtest_start
from risk.tasks import backtest_ring
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, staff_of
from weilidai.lib.business_date import current_business_date

MAY = "risk.add_backtestrun"
DAYS = 90
TONES = {"waiting": "pending", "running": "running", "done": "done", "failed": "failed", "cancelled": "closed"}
WAYS = {"better": "approved", "worse": "rejected", "other": "plain"}
OUTCOMES = ("approved", "referred", "rejected", *VERDICTS)
MODELS: tuple[Any, ...] = (ScreeningPolicy, Scorecard, ProductTerms)


def first_day() -> date:
    return current_business_date() - timedelta(days=DAYS - 1)


class BacktestForm(ConfirmForm):
    """Over which dates, and whether over all of them."""

    period_from = forms.DateField(
        label=_("From"), initial=first_day, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    period_to = forms.DateField(
        label=_("To"), initial=current_business_date, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    sample_every = forms.IntegerField(
        label=_("One decision in"), initial=1, min_value=1, max_value=100_000, widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("1 looks at every decision; 100 at a fixed sample of one in a hundred."),
    )  # fmt: skip


def draft_of(object_id: Any) -> Draft | None:
    """A draft of any of the three kinds by its id."""
    for model in MODELS:
        found: Draft | None = model.objects.filter(pk=object_id).first()
        if found is not None:
            return found
    return None


class ApproveForm(ConfirmForm):
    """The confirmation of an approval tells what the newest back-test of the draft said."""

    form_before_template = "backoffice/backtest/approve.html"

    def get_before_template_context(self, request: HttpRequest, object_id: int | str | None = None) -> dict[str, Any]:
        policy = draft_of(object_id)
        run = backtest_newest(UUID(str(object_id))) if policy is not None else None
        if policy is None or run is None:
            return {"run": None}
        return {
            "run": run,
            "is_stale": run.draft_sha256 != result_sha256(draft_snapshot(policy)),
            "better": way_count(run, "better"),
            "worse": way_count(run, "worse"),
            "refused": run.figures.get("outcome:approved>rejected", 0),
            "unjudged": sum(n for name, n in run.figures.items() if name.startswith("unjudged:")),
        }


class BacktestActs:
    """For the admins of drafts that past decisions can be judged by."""

    model: Any

    @act(
        title=_("Back-test"),
        warning=_(
            "Past decisions are judged again by this draft; nothing is changed. A worker does it, the result is a page."
        ),
        permission=MAY,
        form=BacktestForm,
        icon="fast_rewind",
    )
    def backtest(self, request: HttpRequest, form: BacktestForm, object_id: str) -> HttpResponse:
        data = {name: form.cleaned_data[name] for name in ("period_from", "period_to", "sample_every")}
        url = [reverse("admin:risk_backtestrun_changelist")]

        def call() -> None:
            run = backtest_start(
                policy=self.model.objects.get(pk=object_id), user=staff_of(request), as_of=current_business_date(),
                at=timezone.now(), **data,
            )  # fmt: skip
            url[0] = reverse("admin:risk_backtestrun_change", args=[run.pk])
            backtest_ring()

        return finish_at(request, url, call, _("The back-test has begun."))


def finish_at(request: HttpRequest, url: list[str], call: Callable[[], Any], success: Any) -> HttpResponse:
    """`finish` where the call itself says where to go."""
    answer = finish(request, "", call, success)
    answer.headers["HX-Redirect" if "HX-Redirect" in answer.headers else "Location"] = url[0]
    return answer


@admin.register(BacktestRun)
class BacktestRunAdmin(ReadOnlyAdmin):
    list_display = ("draft_name", "kind", "period", "sample_every", "state_badge", "looked_at", "changed",
                    "requested_by", "requested_at")  # fmt: skip
    list_filter = ("kind", "state")
    search_fields = ("=policy_id", "policy_name")
    list_select_related = ("requested_by",)
    actions_detail = ["cancel"]
    change_form_template = "backoffice/backtest/run.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("draft")

    @admin.display(description=_("draft"), ordering="policy_name")
    def draft_name(self, run: BacktestRun) -> str:
        return run.policy_name

    @admin.display(description=_("dates"), ordering="period_from")
    def period(self, run: BacktestRun) -> str:
        return f"{run.period_from} – {run.period_to}"

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, run: BacktestRun) -> SafeString:
        return badge(TONES[run.state], run.get_state_display())

    @admin.display(description=_("looked at"))
    def looked_at(self, run: BacktestRun) -> str:
        return f"{run.judged_count:,} / {run.total_count:,}"

    @admin.display(description=_("would change"))
    def changed(self, run: BacktestRun) -> str:
        return f"{run.figures.get('changed', 0):,}" if run.state == BacktestRun.State.DONE else "–"

    @act(
        title=_("Cancel"),
        warning=_("What was counted so far is not shown; another back-test may be started at any time."),
        permission=MAY,
        icon="cancel",
    )
    def cancel(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: backtest_cancel(
                run_id=UUID(object_id), reason=form.cleaned_data["reason"], user=staff_of(request),
                as_of=current_business_date(), at=timezone.now(),
            ),
            _("The back-test is cancelled."),
        )  # fmt: skip

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        is_open = BacktestRun.objects.filter(pk=object_id, state__in=OPEN).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        extra = {**(extra_context or {}), **(run_context(run) if run is not None else {})}
        page: HttpResponse = super().change_view(request, object_id, form_url, extra)
        return page


def _outcome_filter(title_: Any, name: str) -> type[admin.SimpleListFilter]:
    class OutcomeFilter(admin.SimpleListFilter):
        """Outcomes and verdicts as they are stored; nothing is scanned for them."""

        title = title_
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            return [(code, word_of(code)) for code in OUTCOMES]

        def queryset(self, request: HttpRequest, queryset: Any) -> Any:
            return queryset.filter(**{name: self.value()}) if self.value() in OUTCOMES else queryset

    return OutcomeFilter


def acts_word(code: str) -> str:
    """A layer, or a reason of a decision."""
    if code in LAYER_CODES:
        return layer_word(code)
    return reason_text(code) if code in REASON_CODES else code or "–"


@admin.register(BacktestChange)
class BacktestChangeAdmin(ReadOnlyAdmin):
    readonly_fields = ("direction_badge", "outcomes", "decided", "tiers", "limits", "rates", "scores")
    list_display = ("business_date", "customer", "direction_badge", "outcomes", "limits", "rates", "scores", "decided",
                    "leads_to")  # fmt: skip
    list_filter = ("direction", _outcome_filter(_("outcome then"), "old_outcome"),
                   _outcome_filter(_("outcome by the draft"), "new_outcome"))  # fmt: skip
    list_select_related = ("customer",)
    fields = ("run", "customer", "business_date", "direction_badge", "outcomes", "decided", "tiers", "limits", "rates",
              "scores", "decision", "screening")  # fmt: skip
    export_columns = ["business_date", "customer_id", "direction", "old_outcome", "new_outcome", "old_acts", "new_acts",
                      "old_score", "new_score", "old_tier", "new_tier", "old_limit_amount", "new_limit_amount",
                      "old_daily_rate", "new_daily_rate", "decision_id", "screening_id"]  # fmt: skip

    @admin.display(description=_("for the customer"), ordering="direction")
    def direction_badge(self, row: BacktestChange) -> SafeString:
        return badge(WAYS[row.direction], row.get_direction_display())

    @admin.display(description=_("outcome"))
    def outcomes(self, row: BacktestChange) -> str:
        return _pair(word_of(row.old_outcome), word_of(row.new_outcome))

    @admin.display(description=_("tier"))
    def tiers(self, row: BacktestChange) -> str:
        return _pair(row.get_old_tier_display() or "–", row.get_new_tier_display() or "–")

    @admin.display(description=_("limit"))
    def limits(self, row: BacktestChange) -> str:
        return _pair(*(f"{value:,.0f}" if value is not None else "–"
                       for value in (row.old_limit_amount, row.new_limit_amount)))  # fmt: skip

    @admin.display(description=_("daily rate"))
    def rates(self, row: BacktestChange) -> str:
        return _pair(*(f"{value * 100:.4f} %" if value is not None else "–"
                       for value in (row.old_daily_rate, row.new_daily_rate)))  # fmt: skip

    @admin.display(description=_("score"))
    def scores(self, row: BacktestChange) -> str:
        return _pair(*("–" if value is None else str(value) for value in (row.old_score, row.new_score)))

    @admin.display(description=_("what decides"))
    def decided(self, row: BacktestChange) -> str:
        return _pair(acts_word(row.old_acts), acts_word(row.new_acts))

    @admin.display(description=_("look at it"))
    def leads_to(self, row: BacktestChange) -> SafeString:
        links = [(name, key, label) for name, key, label in (
            ("decision", row.decision_id, _("Decision")), ("screening", row.screening_id, _("Screening")),
        ) if key is not None]  # fmt: skip
        shown = [
            format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
                        reverse(f"admin:risk_{name}_change", args=[key]), label)
            for name, key, label in links
        ]  # fmt: skip
        return format_html("{} {}", *[*shown, "", ""][:2])


def _pair(old: str, new: str) -> str:
    return old if old == new else f"{old} → {new}"
