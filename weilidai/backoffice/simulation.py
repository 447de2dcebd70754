"""The figures of the specification's source beside what simulations of the running system gave (R58)."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from weilidai.lib.backoffice import ReadOnlyAdmin, badge
from weilidai.lib.backoffice.admin import ReadOnlyInline
from weilidai.lib.models import SimulationFigure, SimulationRun
from weilidai.simulation.words import judged_word, measured_text, range_text, title_of

TONES = {True: "done", False: "failed", None: "closed"}


class FigureInline(ReadOnlyInline):
    model = SimulationFigure
    fields = ("requirement", "title", "said", "found", "observations_count", "least_count", "judged")
    readonly_fields = fields
    ordering = ("position",)
    tab = False
    hide_title = True

    @admin.display(description=_("figure"))
    def title(self, figure: SimulationFigure) -> Any:
        return title_of(figure.code)

    @admin.display(description=_("the source says"))
    def said(self, figure: SimulationFigure) -> str:
        return range_text(figure)

    @admin.display(description=_("came out"))
    def found(self, figure: SimulationFigure) -> str:
        return measured_text(figure)

    @admin.display(description=_("judgement"))
    def judged(self, figure: SimulationFigure) -> SafeString:
        return badge(TONES[figure.is_within], judged_word(figure))


@admin.register(SimulationRun)
class SimulationRunAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "people_count", "first_date", "last_date", "seed", "duration_seconds", "within",
                    "outside", "unjudged")  # fmt: skip
    fields = ("created_at", "people_count", "seed", "first_date", "last_date", "duration_seconds",
              "assumptions_sha256")  # fmt: skip
    inlines = (FigureInline,)
    list_before_template = "backoffice/simulation_empty.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SimulationRun]:
        counted: QuerySet[SimulationRun] = super().get_queryset(request).annotate(
            n_within=Count("figures", filter=Q(figures__is_within=True)),
            n_outside=Count("figures", filter=Q(figures__is_within=False)),
            n_unjudged=Count("figures", filter=Q(figures__is_within=None)),
        )  # fmt: skip
        return counted

    @admin.display(description=_("within"))
    def within(self, run: Any) -> int:
        return int(run.n_within)

    @admin.display(description=_("outside"))
    def outside(self, run: Any) -> int:
        return int(run.n_outside)

    @admin.display(description=_("not judged"))
    def unjudged(self, run: Any) -> int:
        return int(run.n_unjudged)
