"""What the page of a run over all lines shows: figures, charts and tables from its summary alone."""

import json
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from risk.models import LimitRaiseRun, RaiseSource, TierCode
from risk.models.line_run import LineRun
from risk.rules.raises import BAND_ENDS
from risk.rules.reasons import reason_text
from risk.selectors.line_runs import rehearsal_of, run_progress
from weilidai.lib.backoffice.charts import chart_options

Summary = dict[str, int]
Row = tuple[str, str, str]
WHY_NOT: dict[str, Any] = {
    "nothing_owed": gettext_lazy("Nothing owed"),
    "no_room": gettext_lazy("No room in the tier, the product or the law"),
    "overdue": gettext_lazy("Overdue as the month began"),
    "frozen": gettext_lazy("Line frozen"),
    "no_terms": gettext_lazy("Product or tier no longer offered"),
}
OLD, NEW = "var(--color-base-400)", "var(--color-primary-600)"


def run_context(run: LineRun) -> dict[str, Any]:
    """Ready to render; while the run is at work, how far it has come."""
    context: dict[str, Any] = {"run": run, "progress": run_progress(run), "rehearsal": rehearsal_of(run)}
    if not run.summary.get("lines"):
        return context
    shown = _raises_shown if isinstance(run, LimitRaiseRun) else _review_shown
    return context | shown(run.summary) | {"rows_url": "" if run.is_dry_run else _rows_url(run)}


def _rows_url(run: LineRun) -> str:
    name = "limitraise" if isinstance(run, LimitRaiseRun) else "ratereview"
    span = f"{run.PERIOD}_from={run.period}&{run.PERIOD}_to={run.period}"
    return f"{reverse(f'admin:risk_{name}_changelist')}?{span}"


# --- The review --------------------------------------------------------------------------------------------------


def _review_shown(summary: Summary) -> dict[str, Any]:
    changes = {int(key.split(":")[1]): count for key, count in summary.items() if key.startswith("change:")}
    bars = [(f"{step / 10_000:+.4f}" if step else "0", changes[step]) for step in sorted(changes)]
    tiers = dict(TierCode.choices)
    moves = [(" → ".join(str(tiers.get(code, code)) for code in key.split(">")), count)
             for key, count in _named(summary, "tier:")]  # fmt: skip
    changed = sum(count for step, count in changes.items() if step)
    cards = [(_("Lines"), f"{summary['lines']:,}", ""), _share_card(_("Rates that change"), changed, summary)]
    if "rate_before" in summary:
        before, after = (f"{summary[name] / summary['lines'] / 10_000:.4f} %" for name in ("rate_before", "rate_after"))
        cards += [(_("Mean daily rate"), after, _("before: {figure}").format(figure=before)), _limits_card(summary)]
    return {
        "cards": cards,
        "charts": [_chart(_("Lines by change of the daily rate, percent"), [label for label, count in bars],
                          {_("Lines"): ([count for label, count in bars], NEW)})],
        "tables": [
            (_("Reasons"), [_count_row(reason_text(code), count) for code, count in _named(summary, "reason:")]),
            (_("Tiers"), [_count_row(name, count) for name, count in moves]),
        ],
    }  # fmt: skip


# --- Raises ------------------------------------------------------------------------------------------------------


def _raises_shown(summary: Summary) -> dict[str, Any]:
    raised = summary.get("raised", 0)
    more = summary.get("limit_after", 0) - summary.get("limit_before", 0)
    cards = [
        (_("Lines"), f"{summary['lines']:,}", ""),
        _share_card(_("Lines raised"), raised, summary),
        (_("Mean raise"), _yuan(more // raised) if raised else "–", _("of the lines raised")),
        _limits_card(summary),
    ]
    sources = [(str(label), f"{summary.get(code, 0):,}", _yuan(summary.get(f"amount:{code}", 0)))
               for code, label in RaiseSource.choices if summary.get(code)]  # fmt: skip
    why_not = [_count_row(str(label), summary[code]) for code, label in WHY_NOT.items() if summary.get(code)]
    return {
        "cards": cards,
        "charts": [*_raise_chart(summary), *_limits_chart(summary)],
        "tables": [(_("Raised for"), sources), (_("Why not"), why_not)],
    }


def _raise_chart(summary: Summary) -> list[dict[str, str]]:
    bands = [band for band in _bands(summary, "raise") if band]
    if not bands:
        return []
    counts = [summary.get(f"raise:{band}", 0) for band in bands]
    title = _("Lines by raise of the limit, yuan")
    return [_chart(title, [_band_label(band) for band in bands], {_("Lines"): (counts, NEW)})]


def _limits_chart(summary: Summary) -> list[dict[str, str]]:
    bands = sorted({*_bands(summary, "before"), *_bands(summary, "after")})
    if not bands:
        return []
    before, after = ([summary.get(f"{side}:{band}", 0) for band in bands] for side in ("before", "after"))
    series = {_("Before"): (before, OLD), _("After"): (after, NEW)}
    return [_chart(_("Lines by limit, yuan"), [_band_label(band) for band in bands], series)]


def _bands(summary: Summary, name: str) -> list[int]:
    """From the lowest band that holds a line to the highest, without gaps."""
    found = [int(key.split(":")[1]) for key in summary if key.startswith(f"{name}:")]
    return list(range(min(found), max(found) + 1)) if found else []


def _band_label(band: int) -> str:
    if band == 0:
        return "0"
    low = BAND_ENDS[band - 1]
    return f"{low:,}–{BAND_ENDS[band]:,}" if band < len(BAND_ENDS) else f"> {low:,}"


# --- Both --------------------------------------------------------------------------------------------------------


def _limits_card(summary: Summary) -> Row:
    before, after = summary.get("limit_before", 0), summary.get("limit_after", 0)
    more = _("before: {figure}").format(figure=_yuan(before))
    return (
        _("All limits together"),
        _yuan(after),
        f"{more} (+{100 * (after - before) / before:.2f} %)" if before else "",
    )


def _share_card(name: str, part: int, summary: Summary) -> Row:
    return (name, f"{part:,}", f"{100 * part / summary['lines']:.1f} %")


def _count_row(name: str, count: int) -> Row:
    return (name, f"{count:,}", "")


def _yuan(fen: int) -> str:
    return f"¥ {fen // 100:,}"


def _named(summary: Summary, prefix: str) -> list[tuple[str, int]]:
    rows = [(key.removeprefix(prefix), count) for key, count in summary.items() if key.startswith(prefix)]
    return sorted(rows, key=lambda row: -row[1])


def _chart(title: str, labels: list[str], series: dict[str, tuple[list[int], str]]) -> dict[str, str]:
    datasets = [{"label": label, "data": data, "backgroundColor": colour, "borderRadius": 4}
                for label, (data, colour) in series.items()]  # fmt: skip
    data = json.dumps({"labels": labels, "datasets": datasets})
    return {"title": title, "data": data, "options": chart_options(legend=len(series) > 1)}
