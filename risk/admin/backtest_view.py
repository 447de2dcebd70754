"""What the page of a back-test shows, from the figures of the run alone."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Occupation
from risk.models import BacktestRun, Outcome, Product, TierCode
from risk.rules.alerts import layer_word
from risk.rules.backtest import CAUSES
from risk.rules.backtest_figures import LIMIT_ENDS, LOAN_GROUPS, RATE_ENDS
from risk.rules.screening import LAYER_CODES, VERDICTS
from risk.rules.screening.words import EVENT_WORDS, VERDICT_WORDS
from risk.rules.workbench.fairness import FOUR_FIFTHS
from weilidai.lib.backoffice.charts import chart_options

RATE_STEPS_A_PERCENT = 10_000
WORDS: dict[str, Any] = {
    **VERDICT_WORDS,
    **{str(outcome): outcome.label for outcome in Outcome},
    **{str(tier): tier.label for tier in TierCode},
    **{str(occupation): occupation.label for occupation in Occupation},
    **EVENT_WORDS,
    "male": gettext_lazy("male"),
    "female": gettext_lazy("female"),
    "unknown": gettext_lazy("unknown"),
    "none": "–",
}
DIMENSIONS: dict[str, Any] = {
    "event": gettext_lazy("Event"),
    "product": gettext_lazy("Product"),
    "tier": gettext_lazy("Tier"),
    "occupation": gettext_lazy("Occupation"),
    "age": gettext_lazy("Age"),
    "sex": gettext_lazy("Sex"),
}
# Groups that must play no part: their shares are compared.
PROTECTED = ("age", "sex")
LOAN_WORDS: dict[str, Any] = {
    "refused": gettext_lazy("Would now be refused"),
    "asked": gettext_lazy("Would first go to a person or a proof"),
    "less": gettext_lazy("Would now get a smaller limit"),
    "kept": gettext_lazy("As before"),
    "line_refused": gettext_lazy("On lines whose application would now be refused"),
    "line_asked": gettext_lazy("On lines whose application would first go to a person"),
}


@dataclass(frozen=True)
class Group:
    """People of one kind: how many were let through then and would be by the draft, in percent of those judged."""

    dimension: str
    name: str
    judged: int
    old: str
    new: str
    better: int
    worse: int
    impact: str
    looked_at: bool


def word_of(code: str) -> str:
    return str(WORDS.get(code, code))


def run_context(run: BacktestRun) -> dict[str, Any]:
    """Cards, matrix, charts and tables; while it runs, how far it has come."""
    figures: dict[str, int] = run.figures
    context: dict[str, Any] = {
        "run": run,
        "title": _("Back-test of {name}").format(name=run.policy_name),
        "is_open": run.state in (BacktestRun.State.WAITING, BacktestRun.State.RUNNING),
        "progress_width": 100 * run.judged_count // run.total_count if run.total_count else 0,
        "policy_url": reverse(f"admin:risk_{_model_name(run)}_change", args=[run.policy_id]),
        "changes_url": changes_url(run),
    }
    if run.state != BacktestRun.State.DONE:
        return context
    judged = figures.get("judged", 0)
    is_pipeline = run.kind == BacktestRun.Kind.SCREENING
    return context | {
        "is_pipeline": is_pipeline,
        "judged": judged,
        "changed": figures.get("changed", 0),
        "cards": _cards(run, judged),
        "matrix": _matrix(run, "outcome", VERDICTS if is_pipeline else [str(outcome) for outcome in Outcome]),
        "credit": _matrix(run, "credit", [str(outcome) for outcome in Outcome]) if is_pipeline else None,
        "limits_chart": _steps_chart(figures, "limit", LIMIT_ENDS, _limit_label),
        "rates_chart": _steps_chart(figures, "rate", RATE_ENDS, _rate_label),
        "layers_chart": _layers_chart(figures),
        "alerts": (figures.get("alerts:old", 0), figures.get("alerts:new", 0)),
        "groups": _groups(figures),
        "loans": [_loan_row(figures, group) for group in LOAN_GROUPS if f"loans:{group}:count" in figures],
        "unjudged": _unjudged(figures),
        "chart_options": chart_options(legend=False),
        "legend_options": chart_options(),
    }


def _model_name(run: BacktestRun) -> str:
    return {"screening": "screeningpolicy", "scorecard": "scorecard", "terms": "productterms"}[run.kind]


def changes_url(run: BacktestRun, **filters: str) -> str:
    """The list of what changed in a run."""
    query = urlencode({"run__id__exact": run.pk, **filters})
    return f"{reverse('admin:risk_backtestchange_changelist')}?{query}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _yuan(fen: int) -> str:
    return f"{Decimal(fen) / 100:,.2f}"


def _named(figures: dict[str, int], prefix: str) -> list[tuple[list[str], int]]:
    return [(name.split(":")[1:], count) for name, count in figures.items() if name.startswith(f"{prefix}:")]


def way_count(run: BacktestRun, way: str) -> int:
    """Changed decisions that are better or worse for the customer: every one has a product."""
    return sum(count for (dimension, *rest), count in _named(run.figures, "group")
               if dimension == "product" and rest[-1] == way)  # fmt: skip


def _cards(run: BacktestRun, judged: int) -> list[tuple[str, str, str]]:
    figures, changed = run.figures, run.figures.get("changed", 0)
    unjudged = sum(count for _parts, count in _named(figures, "unjudged"))
    cards = [
        (_("Judged again"), f"{judged:,}", ""),
        (_("Would change"), f"{changed:,}", _share(changed, judged)),
        (_("Better for the customer"), f"{way_count(run, 'better'):,}", ""),
        (_("Worse for the customer"), f"{way_count(run, 'worse'):,}", ""),
        (_("Cannot be judged"), f"{unjudged:,}", _share(unjudged, judged + unjudged)),
    ]
    if run.kind == BacktestRun.Kind.SCREENING:
        alerts = f"{figures.get('alerts:old', 0):,} → {figures.get('alerts:new', 0):,}"
        transfers = f"{figures.get('transfers:old', 0):,} → {figures.get('transfers:new', 0):,}"
        return [*cards, (_("Alerts asked for"), alerts, ""), (_("Large transfers told by feeds"), transfers, "")]
    limits = [f"{figures.get(f'limit_sum:{side}', 0) // 100:,}" for side in ("old", "new")]
    return [*cards, (_("Limits granted, yuan"), " → ".join(limits), "")]


def _matrix(run: BacktestRun, name: str, codes: Iterable[str]) -> dict[str, Any]:
    """Then in rows, by the draft in columns; a cell that changed leads to its decisions."""
    found = {parts[0]: count for parts, count in _named(run.figures, name)}
    codes = [code for code in codes if any(code in pair.split(">") for pair in found)] or list(codes)
    rows = []
    for old in codes:
        cells = []
        for new in codes:
            count = found.get(f"{old}>{new}", 0)
            url = changes_url(run, old_outcome=old, new_outcome=new) if count and old != new else ""
            cells.append({"count": f"{count:,}" if count else "·", "same": old == new,
                          "url": url if name == "outcome" else ""})  # fmt: skip
        rows.append((word_of(old), cells))
    return {"head": [word_of(code) for code in codes], "rows": rows}


def _limit_label(low: int, high: int | None) -> str:
    return f"{low:,}–{high:,}" if high is not None else f"> {low:,}"


def _rate_label(low: int, high: int | None) -> str:
    ends = [f"{end / RATE_STEPS_A_PERCENT:.4f}" for end in (low, high) if end is not None]
    return "–".join(ends) + " %" if high is not None else f"> {ends[0]} %"


def _steps_chart(figures: dict[str, int], name: str, ends: tuple[int, ...], label: Any) -> str:
    """Down on the left, unchanged in the middle, up on the right; empty where no offer can be compared."""
    counts = {int(parts[0]): count for parts, count in _named(figures, name)}
    if not counts:
        return ""
    bounds = (0, *ends)
    numbers = [n for n in range(-len(bounds), len(bounds) + 1) if min(counts) <= n <= max(counts)]
    labels = []
    for n in numbers:
        low, high = bounds[abs(n) - 1], (bounds[abs(n)] if abs(n) < len(bounds) else None)
        labels.append(_("unchanged") if n == 0 else ("− " if n < 0 else "+ ") + label(low, high))
    colours = ["var(--color-base-400)" if n == 0 else "var(--color-primary-600)" for n in numbers]
    bars = [counts.get(n, 0) for n in numbers]
    dataset = {"label": _("Decisions"), "data": bars, "backgroundColor": colours, "borderRadius": 4}
    return json.dumps({"labels": labels, "datasets": [dataset]})


def _layers_chart(figures: dict[str, int]) -> str:
    layers = [code for code in LAYER_CODES if any(f"hits:{code}:{side}" in figures for side in ("old", "new"))]
    if not layers:
        return ""
    series = ((_("Then"), "old", "var(--color-base-400)"), (_("By the draft"), "new", "var(--color-primary-600)"))
    datasets = [
        {"label": name, "data": [figures.get(f"hits:{code}:{side}", 0) for code in layers],
         "backgroundColor": colour, "borderRadius": 4}
        for name, side, colour in series
    ]  # fmt: skip
    return json.dumps({"labels": [layer_word(code) for code in layers], "datasets": datasets})


def _groups(figures: dict[str, int]) -> list[Group]:
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for (dimension, value, measure), count in _named(figures, "group"):
        counts.setdefault((dimension, value), {})[measure] = count
    best: dict[str, float] = {}
    for (dimension, value), row in counts.items():
        if value == "unknown":
            # Nobody is compared with people of whom nothing is known.
            continue
        best[dimension] = max(best.get(dimension, 0.0), row.get("new", 0) / row["judged"])
    order, products = list(DIMENSIONS), {product.pk: product.name for product in Product.objects.all()}
    return [
        _group(dimension, products.get(value, value), row, best.get(dimension, 0.0))
        for (dimension, value), row in sorted(counts.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
    ]


def _group(dimension: str, value: str, row: dict[str, int], best: float) -> Group:
    judged = row["judged"]
    impact = row.get("new", 0) / judged / best if best else None
    is_compared = dimension in PROTECTED and value != "unknown" and impact is not None
    return Group(
        dimension=str(DIMENSIONS[dimension]),
        name=word_of(value),
        judged=judged,
        old=_share(row.get("old", 0), judged),
        new=_share(row.get("new", 0), judged),
        better=row.get("better", 0),
        worse=row.get("worse", 0),
        impact=f"{impact:.2f}" if is_compared else "–",
        looked_at=is_compared and impact is not None and impact < FOUR_FIFTHS,
    )


def _loan_row(figures: dict[str, int], group: str) -> dict[str, str]:
    def of(measure: str) -> int:
        return figures.get(f"loans:{group}:{measure}", 0)

    return {
        "name": str(LOAN_WORDS[group]),
        "count": f"{of('count'):,}",
        "principal": _yuan(of("principal")),
        "over30": f"{of('over30'):,} ({_share(of('over30'), of('count'))})",
        "over90": f"{of('over90'):,} ({_share(of('over90'), of('count'))})",
        "outstanding": _yuan(of("outstanding")),
        "npl": f"{_yuan(of('npl'))} ({_share(of('npl'), of('outstanding'))})",
    }


def _unjudged(figures: dict[str, int]) -> list[tuple[str, str, int]]:
    rows = [
        (str(CAUSES.get(cause, cause)), layer_word(detail) if cause in ("layer_missing", "span_missing") else detail, n)
        for (cause, detail), n in _named(figures, "unjudged")
    ]
    return sorted(rows, key=lambda row: -row[2])
