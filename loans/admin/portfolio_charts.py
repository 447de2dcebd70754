"""The charts of the portfolio's page, from the same lines as the tables beneath them."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as translate

from loans.maths.delinquency import CLASSES
from loans.maths.roll import BUCKET_CODES, WRITTEN_OFF
from loans.selectors.loan_history import Standings
from loans.selectors.portfolio import npl_limit
from loans.selectors.portfolio_tables import CLASS_WORDS, Asked, Report, bucket_word, product_names, segment_word
from weilidai.lib.backoffice.charts import chart_options

# Told apart in both modes and in print: the theme's green, then other hues.
HUES = ("#059669", "#2563eb", "#d97706", "#9333ea", "#dc2626", "#0891b2", "#65a30d", "#db2777", "#475569", "#92400e",
        "#7c3aed", "#0d9488")  # fmt: skip
# From good to bad.
RISING = ("#059669", "#84cc16", "#facc15", "#f59e0b", "#f97316", "#ef4444", "#b91c1c", "#7f1d1d", "#475569", "#94a3b8")
Chart = dict[str, Any]


def _chart(title: str, kind: str, labels: list[str], datasets: list[Chart], **options: bool) -> Chart:
    data = json.dumps({"labels": labels, "datasets": datasets})
    return {"title": title, "kind": kind, "data": data, "options": chart_options(**options)}


def _percent(share: Decimal | None) -> float | None:
    """A chart's coordinate in percent: nothing is computed from it."""
    return None if share is None else round(float(share) * 100, 4)


def _line(label: str, values: list[float | None], hue: str) -> Chart:
    return {"label": label, "data": values, "borderColor": hue, "backgroundColor": hue, "spanGaps": True}


def _bars(label: str, values: list[float | None], hue: str | list[str]) -> Chart:
    return {"label": label, "data": values, "backgroundColor": hue, "borderRadius": 3}


def npl_charts(asked: Asked, report: Report) -> list[Chart]:
    """The ratio of each product and of the whole book beside the limit."""
    lines, names = report.source, product_names()
    days = sorted({line.day for line in lines})
    codes = sorted({line.product for line in lines}, key=lambda code: (code != "", code))
    ratios = {(line.day, line.product): line.ratio for line in lines}
    drawn = [
        _line(
            names.get(code, code or translate("All products")), [_percent(ratios.get((day, code))) for day in days], hue
        )
        for code, hue in zip(codes, HUES, strict=False)
    ]
    limit = _line(translate("Limit"), [_percent(npl_limit(day)) for day in days], "#dc2626")
    drawn.append({**limit, "borderDash": [6, 4], "pointRadius": 0})
    return [_chart(translate("NPL ratio day by day, percent"), "line", [f"{day:%m-%d}" for day in days], drawn)]


def class_charts(asked: Asked, report: Report) -> list[Chart]:
    classes, buckets = report.source

    def yuan(lines: Any) -> list[float | None]:
        return [float(line.amount) for line in lines]

    shades = (RISING[0], RISING[2], RISING[4], RISING[5], RISING[7])
    return [
        _chart(
            translate("Outstanding principal by class, yuan"),
            "bar",
            [str(CLASS_WORDS[line.code]) for line in classes],
            [_bars(translate("Outstanding principal"), yuan(classes), list(shades))],
            legend=False,
        ),
        _chart(
            translate("Overdue principal by bucket, yuan"),
            "bar",
            [bucket_word(line.code) for line in buckets[1:]],
            [_bars(translate("Outstanding principal"), yuan(buckets[1:]), list(RISING[1:8]))],
            legend=False,
        ),
    ]


def vintage_charts(asked: Asked, report: Report) -> list[Chart]:
    curves = report.source
    width = max(len(curve.points) for curve in curves)
    drawn = [
        _line(f"{curve.vintage:%Y-%m}", [_percent(share) for *_rest, share in curve.points], hue)
        for curve, hue in zip(reversed(curves), HUES * 3, strict=False)
    ]
    title = translate("Share of the principal paid out, percent, by months on book")
    return [_chart(title, "line", [str(number) for number in range(width)], drawn)]


def roll_charts(asked: Asked, report: Report) -> list[Chart]:
    """One stacked bar per bucket: where its loans went."""
    rolls, targets = report.source
    order = [*BUCKET_CODES, WRITTEN_OFF, "settled"]
    drawn = []
    for target in targets:
        shares = [roll.shares.get(target) for roll in rolls]
        values = [
            None if share is None else _percent(share.count_share if asked.by_count else share.amount_share)
            for share in shares
        ]
        drawn.append(_bars(bucket_word(target), values, RISING[order.index(target)]))
    labels = [bucket_word(roll.source) for roll in rolls]
    return [_chart(translate("Where each bucket went, percent"), "bar", labels, drawn, stacked=True)]


def pricing_charts(asked: Asked, report: Report) -> list[Chart]:
    lines = report.source
    labels = [segment_word(line.segment) for line in lines]
    shares = [_percent(line.approval_share) for line in lines]
    rates = (
        (translate("Approved"), [_percent(line.approved_rate_mean) for line in lines], HUES[0]),
        (translate("Loans, by principal"), [_percent(line.loan_rate_mean) for line in lines], HUES[1]),
    )
    return [
        _chart(translate("Approved of those decided, percent"), "bar", labels,
               [_bars(translate("Approval share"), shares, HUES[0])], legend=False),
        _chart(translate("Daily rate, percent"), "bar", labels, [_bars(*each) for each in rates]),
    ]  # fmt: skip


def arrears_charts(found: Standings) -> list[Chart]:
    """Of one loan: days past due evening by evening, what it owed at each month's end in the colour of its class."""
    days = {"label": translate("Days past due"), "data": [days for _, days in found.evenings], "pointRadius": 0,
            "borderColor": RISING[5], "backgroundColor": RISING[5]}  # fmt: skip
    words = {**CLASS_WORDS, "": translate("Settled or written off")}
    shades = dict(zip((*CLASSES, ""), (RISING[0], RISING[2], RISING[4], RISING[5], RISING[7], RISING[8]), strict=True))
    months = [
        {**_bars(str(words[code]), values, shades[code]), "skipNull": True}
        for code in words
        for values in [[float(line.outstanding) if line.risk_class == code else None for line in found.months]]
        if any(value is not None for value in values)
    ]
    return [
        _chart(translate("Days past due, evening by evening"), "line", [f"{day}" for day, _ in found.evenings], [days],
               legend=False),
        _chart(translate("Outstanding principal at each month's end by class, yuan"), "bar",
               [f"{line.day:%Y-%m}" for line in found.months], months),
    ]  # fmt: skip


CHARTS: dict[str, Callable[[Asked, Report], list[Chart]]] = {
    "npl": npl_charts,
    "classes": class_charts,
    "vintage": vintage_charts,
    "roll": roll_charts,
    "pricing": pricing_charts,
}
