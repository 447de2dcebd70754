"""Challengers in shadow: starting and ending a run, what they said, and how that compares with the live decisions."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from risk.models import Outcome, Scorecard, ShadowDecision
from risk.selectors.shadow import BAND, Comparison, shadow_comparison
from risk.services.shadow import scorecard_shadow_end, scorecard_shadow_start
from weilidai.lib.backoffice import ReadOnlyAdmin, ReasonForm, act, badge, finish, staff_of
from weilidai.lib.backoffice.charts import chart_options
from weilidai.lib.business_date import current_business_date


class ShadowForm(ReasonForm):
    """The days of a run."""

    first_day = forms.DateField(label=_("First day"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    last_day = forms.DateField(
        label=_("Last day, open if empty"), required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    field_order = ("first_day", "last_day", "reason")


class ShadowActs:
    """For the admin of scorecards."""

    @act(
        title=_("Run in shadow"),
        warning=_(
            "The draft judges every live application from the first day on. Nothing it says reaches a customer; its "
            "definition can no longer be edited."
        ),
        permission="risk.change_scorecard",
        form=ShadowForm,
        icon="visibility",
    )
    def shadow_start(self, request: HttpRequest, form: ShadowForm, object_id: str) -> HttpResponse:
        data = {name: form.cleaned_data[name] for name in ("first_day", "last_day", "reason")}
        return finish(
            request,
            request.META.get("HTTP_REFERER", ".."),
            lambda: scorecard_shadow_start(
                scorecard=Scorecard.objects.get(pk=object_id),
                **data,
                user=staff_of(request),
                as_of=current_business_date(),
                at=timezone.now(),
            ),
            _("The challenger runs in shadow."),
        )

    @act(
        title=_("End the shadow run"),
        warning=_("No further application is judged by this challenger. What was kept stays."),
        permission="risk.change_scorecard",
        icon="visibility_off",
    )
    def shadow_end(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            request.META.get("HTTP_REFERER", ".."),
            lambda: scorecard_shadow_end(
                scorecard=Scorecard.objects.get(pk=object_id),
                reason=form.cleaned_data["reason"],
                user=staff_of(request),
                as_of=current_business_date(),
                at=timezone.now(),
            ),
            _("The shadow run has ended."),
        )


@admin.register(ShadowDecision)
class ShadowDecisionAdmin(ReadOnlyAdmin):
    list_display = ("at", "comparison", "decision", "live_outcome_badge", "live_score", "outcome_badge", "score",
                    "limit_amount", "error")  # fmt: skip
    list_filter = ("scorecard", "live_outcome", "outcome", "business_date")
    list_select_related = ("scorecard", "decision")
    search_fields = ("=decision__id",)
    export_columns = ["business_date", "scorecard", "decision_id", "live_outcome", "live_score", "outcome", "score",
                      "limit_amount", "error"]  # fmt: skip

    @admin.display(description=_("challenger"), ordering="scorecard")
    def comparison(self, row: ShadowDecision) -> SafeString:
        url = reverse("admin:risk_shadow_comparison", args=[row.scorecard_id])
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}" title="{}">{}</a>',
            url, _("Compare with the live scorecard"), row.scorecard,
        )  # fmt: skip

    @admin.display(description=_("outcome"), ordering="live_outcome")
    def live_outcome_badge(self, row: ShadowDecision) -> SafeString:
        return badge(row.live_outcome, row.get_live_outcome_display())

    @admin.display(description=_("the challenger's outcome"), ordering="outcome")
    def outcome_badge(self, row: ShadowDecision) -> SafeString:
        return badge(row.outcome, row.get_outcome_display()) if row.outcome else badge("failed", _("Failed"))

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.comparison_page)
        return [path("comparison/<uuid:scorecard_id>/", page, name="risk_shadow_comparison"), *super().get_urls()]

    def comparison_page(self, request: HttpRequest, scorecard_id: UUID) -> HttpResponse:
        """Where the challenger agrees with the live scorecard and where it does not."""
        if not request.user.has_perm("risk.view_shadowdecision"):
            raise PermissionDenied
        scorecard = Scorecard.objects.filter(pk=scorecard_id).first()
        if scorecard is None:
            raise Http404
        found = shadow_comparison(scorecard)
        context = {
            **self.admin_site.each_context(request),
            "title": _("{name} in shadow").format(name=scorecard),
            "scorecard": scorecard,
            "found": found,
            "agreement": f"{found.agreed / found.judged:.1%}" if found.judged else "–",
            "outcomes": [outcome.label for outcome in Outcome],
            "matrix": [(o.label, [(found.matrix[o][other], o == other) for other in Outcome]) for o in Outcome],
            **_bands_shown(found),
            "chart_options": chart_options(),
        }
        return TemplateResponse(request, "backoffice/shadow_comparison.html", context)


def _bands_shown(found: Comparison) -> dict[str, Any]:
    numbers = range(100 // BAND)
    words = [f"{n * BAND}–{(n + 1) * BAND}" for n in numbers]
    cells = [[found.bands.get(live, {}).get(other, 0) for other in numbers] for live in numbers]
    series = (
        (_("Live scorecard"), [sum(row) for row in cells], 600),
        (_("Challenger"), [sum(row[n] for row in cells) for n in numbers], 300),
    )
    datasets = [
        {"label": str(name), "data": data, "backgroundColor": f"var(--color-primary-{shade})", "borderRadius": 4}
        for name, data, shade in series
    ]
    rows = [(words[n], [(count, n == other) for other, count in enumerate(cells[n])]) for n in numbers]
    return {"band_words": words, "bands": rows, "chart": json.dumps({"labels": words, "datasets": datasets})}
