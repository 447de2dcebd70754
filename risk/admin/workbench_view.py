"""What the page of a workbench run shows, from the run's own figures."""

import json
from typing import Any
from uuid import UUID

import numpy as np
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from risk.models import WorkbenchRun
from risk.rules.workbench.measures import MeasureUndefined, psi
from risk.variables.catalogue import described
from weilidai.lib.backoffice.charts import chart_options

GROUP_WORDS = {
    "male": gettext_lazy("male"),
    "female": gettext_lazy("female"),
    "unknown": gettext_lazy("unknown"),
    "sex": gettext_lazy("sex"),
    "age": gettext_lazy("age"),
}
STABLE, MOVED = 0.1, 0.25


def run_context(run: WorkbenchRun, against: str) -> dict[str, Any]:
    """Cards, charts, tables. `against` is the id of another run whose people are compared (PSI)."""
    context: dict[str, Any] = {"run": run, "title": str(run)}
    if run.state != WorkbenchRun.State.DONE or not run.report or not run.card:
        return context
    report = run.report
    return context | {
        "report": report,
        "measures": [(name, f"{report[key]:.4f}") for name, key in (("AUC", "auc"), ("KS", "ks"), ("Gini", "gini"))],
        "outside": _outside(run.card),
        "roc_chart": _roc(report),
        "ks_chart": _cumulative(report),
        "bands_chart": _bands(report),
        "chart_options": chart_options(),
        "fairness": [_fair(row) for row in report["fairness"]],
        "comparison": _comparison(report.get("comparison")),
        "variables": [_variable(variable) for variable in run.card["variables"]],
        "base_points": run.card["base_points"],
        "psi": _psi(run, against),
        "others": WorkbenchRun.objects.filter(state="done").exclude(pk=run.pk).defer("card", "report")[:20],
        "against": against,
    }


def _line(label: str, values: list[float], shade: int) -> dict[str, Any]:
    colour = f"var(--color-primary-{shade})"
    return {"label": label, "data": values, "borderColor": colour, "backgroundColor": colour, "pointRadius": 0}


def _percents(values: list[float]) -> list[float]:
    return [round(value * 100, 1) for value in values]


def _roc(report: dict[str, Any]) -> str:
    points = report["roc"]
    lines = [_line(_("This scorecard"), _percents([y for _x, y in points]), 600)]
    if "champion" in report:
        lines.append(_line(_("Champion"), _percents([y for _x, y in report["champion"]["roc"]]), 300))
    chance = _line(_("Chance"), _percents([x for x, _y in points]), 0)
    lines.append({**chance, "borderColor": "var(--color-base-400)", "borderDash": [6, 4]})
    return json.dumps({"labels": _percents([x for x, _y in points]), "datasets": lines})


def _cumulative(report: dict[str, Any]) -> str:
    both = report["cumulative"]
    steps = _percents([n / (len(both["good"]) - 1) for n in range(len(both["good"]))])
    lines = [_line(_("Defaulted"), _percents(both["bad"]), 800), _line(_("Paid back"), _percents(both["good"]), 400)]
    return json.dumps({"labels": steps, "datasets": lines})


def _bands(report: dict[str, Any]) -> str:
    rows = report["bands"]
    series = ((_("Defaulted"), "bad_rate", 600), (_("Predicted"), "predicted", 300))
    datasets = [
        {
            "label": name,
            "data": _percents([row[key] for row in rows]),
            "backgroundColor": f"var(--color-primary-{shade})",
            "borderRadius": 4,
        }
        for name, key, shade in series
    ]
    return json.dumps({"labels": [f"{row['low']:.0f}–{row['high']:.0f}" for row in rows], "datasets": datasets})


def _outside(card: dict[str, Any]) -> list[tuple[str, str]]:
    held, crossed = card["holdout"], card["cross_validation"]
    return [
        (_("AUC on the hold-out"), f"{held['auc']:.4f}"),
        (_("KS on the hold-out"), f"{held['ks']:.4f}"),
        (_("AUC, mean of 5 folds"), f"{crossed['auc_mean']:.4f}"),
    ]


def _fair(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "dimension": GROUP_WORDS[row["dimension"]],
        "group": GROUP_WORDS.get(row["group"], row["group"]),
        "count": row["count"],
        "approved": f"{row['approval_share']:.1%}",
        "defaulted": "–" if row["default_rate"] is None else f"{row['default_rate']:.1%}",
        "auc": "–" if row["auc"] is None else f"{row['auc']:.4f}",
        "points": f"{row['mean_points']:.1f}",
        "impact": f"{row['impact']:.2f}",
        "looked_at": row["impact"] < 0.8,
    }


def _comparison(found: dict[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    words = {
        "both_approve": _("Both approve"),
        "swap_in": _("Only the challenger approves"),
        "swap_out": _("Only the champion approves"),
        "both_refuse": _("Both refuse"),
    }
    rows = [(word, found["swap"][key]["count"], found["swap"][key]["bad"]) for key, word in words.items()]
    return {
        "measures": [(name, found["champion"][key], found["challenger"][key])
                     for name, key in (("AUC", "auc"), ("KS", "ks"), ("Gini", "gini"))],
        "swap": [(word, count, f"{bad / count:.1%}" if count else "–") for word, count, bad in rows],
        "share": f"{found['approve_share']:.0%}",
    }  # fmt: skip


def _variable(variable: dict[str, Any]) -> dict[str, Any]:
    bins = [(_within(entry["within"]), entry) for entry in variable["bins"]]
    rows = [*bins, (_("unknown"), variable["missing"])]
    return {
        "name": variable["name"],
        "url": reverse("admin:risk_variable", args=[variable["name"]]) if variable["name"] in described() else "",
        "iv": f"{variable['iv']:.3f}",
        "rows": [
            (word, entry["count"], f"{entry['bad'] / entry['count']:.1%}" if entry["count"] else "–",
             f"{entry['woe']:.3f}", f"{entry['iv']:.4f}", entry["points"], entry["capacity"])
            for word, entry in rows
        ],
    }  # fmt: skip


def _within(cell: dict[str, list[str | None]]) -> str:
    parts = []
    for name, (low, high) in cell.items():
        parts.append(f"{low} ≤ {name} < {high}" if low and high else f"{name} ≥ {low}" if low else f"{name} < {high}")
    return " · ".join(parts) or _("everybody")


def _psi(run: WorkbenchRun, against: str) -> dict[str, Any] | None:
    """PSI of the points of two runs' people; None without another run."""
    try:
        other = WorkbenchRun.objects.filter(pk=UUID(against), state="done").first() if against else None
    except ValueError:
        other = None
    if other is None or other.report is None or run.report is None:
        return None
    try:
        value = psi(np.array(other.report["band_counts"]), np.array(run.report["band_counts"]))
    except MeasureUndefined:
        return None
    word = _("stable") if value < STABLE else _("shifted a little") if value < MOVED else _("other people")
    return {"value": f"{value:.4f}", "word": word, "other": str(other)}
