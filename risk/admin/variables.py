"""The variables in the back office: looked up by words and filters, and one page for each (R16)."""

import json
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import get_language
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Customer
from risk.errors import PolicyMissing
from risk.models import PolicyState, Scorecard
from risk.selectors.review import DIMENSION_WORDS, dimension_word
from risk.selectors.variable_use import DECISIONS, Spread, Use, variable_of, variable_spread, variable_uses
from risk.variables.catalogue import described, search
from risk.variables.families import Variable
from risk.variables.words import FAMILY_WORDS, SOURCE_WORDS, STATISTIC_WORDS, UNIT_WORDS, window_word, word
from weilidai.lib.backoffice import badge
from weilidai.lib.backoffice.charts import chart_options
from weilidai.lib.business_date import current_business_date

PAGE = 50
MAY_SEE = "risk.view_scorecard"
KIND_WORDS = {"dimension": _("Points"), "bonus": _("Bonus"), "deduction": _("Deduction")}


def _choices(words: dict[str, Any]) -> list[tuple[str, Any]]:
    return [("", _("all")), *words.items()]


def _select(label: Any, words: dict[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=_choices(words), widget=UnfoldAdminSelectWidget)


class SearchForm(forms.Form):
    q = forms.CharField(
        label=_("Name or description"), required=False, max_length=100, widget=UnfoldAdminTextInputWidget
    )
    dimension = _select(_("dimension"), DIMENSION_WORDS)
    family = _select(_("family"), FAMILY_WORDS)
    source = _select(_("source"), SOURCE_WORDS)
    unit = _select(_("unit"), UNIT_WORDS)


def variable_row(variable: Variable) -> dict[str, Any]:
    """How a variable is told on a page, in the reader's language first."""
    is_chinese = (get_language() or "zh").startswith("zh")
    return {
        "name": variable.name,
        "text": variable.zh if is_chinese else variable.en,
        "other": variable.en if is_chinese else variable.zh,
        "dimension": dimension_word(variable.dimension),
        "family": word(FAMILY_WORDS, variable.family),
        "source": word(SOURCE_WORDS, variable.source),
        "unit": word(UNIT_WORDS, variable.unit),
        "window": window_word(variable.window),
        "statistic": word(STATISTIC_WORDS, variable.statistic),
    }


class VariablePages:
    """For the admin of scorecards."""

    admin_site: Any

    def variable_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("variables/", wrap(self.variables_page), name="risk_variables"),
            path("variables/<slug:name>/", wrap(self.variable_page), name="risk_variable"),
        ]

    def variables_page(self, request: HttpRequest) -> HttpResponse:
        """What is found, a page at a time; bad filters find nothing rather than everything."""
        if not request.user.has_perm(MAY_SEE):
            raise PermissionDenied
        form = SearchForm(request.GET)
        asked = dict(form.cleaned_data) if form.is_valid() else None
        found = [] if asked is None else search(asked.pop("q"), **asked)
        page = Paginator(found, PAGE).get_page(request.GET.get("page"))
        kept = request.GET.copy()
        kept.pop("page", None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Variables"),
            "form": form,
            "page": page,
            "rows": [variable_row(variable) for variable in page.object_list],
            "found_count": len(found),
            "all_count": len(described()),
            "query": kept.urlencode(),
        }
        return TemplateResponse(request, "backoffice/variables/list.html", context)

    def variable_page(self, request: HttpRequest, name: str) -> HttpResponse:
        if not request.user.has_perm(MAY_SEE):
            raise PermissionDenied
        variable = described().get(name)
        if variable is None:
            raise Http404
        spread = variable_spread(variable, current_business_date())
        sees_people = request.user.has_perm("accounts.view_customer")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Variable"),
            "row": variable_row(variable),
            "facts": _facts(variable),
            "uses": [_use_shown(use) for use in variable_uses(name)],
            "spread": spread,
            "chart": _chart(spread),
            "chart_options": chart_options(legend=False),
            "decisions": DECISIONS,
            "sees_people": sees_people,
            **(_customer_shown(request.GET.get("customer", "").strip(), variable) if sees_people else {}),
        }
        return TemplateResponse(request, "backoffice/variables/detail.html", context)


def _facts(variable: Variable) -> list[tuple[Any, str]]:
    row = variable_row(variable)
    names = (("dimension", _("dimension")), ("family", _("family")), ("source", _("source")), ("unit", _("unit")),
             ("window", _("window")), ("statistic", _("statistic")))  # fmt: skip
    return [*((label, row[name]) for name, label in names), (_("consent needed"), variable.consent or "–")]


def _role(card: Scorecard) -> Any:
    if card.is_shadow:
        return badge("pending", translate("Challenger"))
    return badge("active" if card.state == PolicyState.ACTIVE else "plain", card.get_state_display())


def _use_shown(use: Use) -> dict[str, Any]:
    return {
        "scorecard": use.scorecard,
        "role": _role(use.scorecard),
        "kind": KIND_WORDS[use.kind],
        "dimension": dimension_word(use.dimension) if use.dimension else "",
        "rows": [(f"> {low}" if use.kind == "bonus" else _range(low, high), points) for low, high, points in use.rows],
        "missing": use.missing,
    }


def _range(low: str | None, high: str | None) -> str:
    if low and high:
        return f"{low} – {high}"
    return f"≥ {low}" if low else f"< {high}" if high else translate("any value")


def plain(value: Decimal) -> str:
    """Without needless noughts, four places at most."""
    text = f"{value:,.4f}"
    return text.rstrip("0").rstrip(".")


def _chart(spread: Spread) -> str:
    labels = [plain(low) if low == high else f"{plain(low)} – {plain(high)}" for low, high, _n in spread.bars]
    counts = [count for _low, _high, count in spread.bars]
    colours = ["var(--color-primary-600)"] * len(counts)
    if spread.missing:
        labels, counts = [*labels, translate("missing")], [*counts, spread.missing]
        colours.append("var(--color-base-400)")
    series = {"label": translate("people"), "data": counts, "backgroundColor": colours, "borderRadius": 4}
    return json.dumps({"labels": labels, "datasets": [series]})


def _customer_shown(openid: str, variable: Variable) -> dict[str, Any]:
    if not openid:
        return {}
    customer = Customer.objects.filter(openid=openid, erased_at__isnull=True).first()
    if customer is None:
        return {"openid": openid, "customer_fault": _("Nobody is known by this openid.")}
    try:
        value, agreed = variable_of(customer, variable, current_business_date())
    except PolicyMissing:
        value, agreed = None, True
    shown = translate("missing") if value is None else plain(value)
    return {"openid": openid, "customer": customer, "value": shown, "is_missing": value is None, "agreed": agreed}
