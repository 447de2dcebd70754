"""What is learned on labelled people, in variables every live customer has: the capacity dimension (R15, R17). Pure.

A card client's file is told in the platform's own names, figures without a currency only: ratios, counts of months,
days past due. The points of a fit become bins of a dimension, brought to its weight.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from risk.rules.workbench.card import CENT, CardInvalid
from risk.rules.workbench.clients import STEP, Client, Value, Values
from risk.variables.catalogue import described

MONTH_DAYS = 30
CAPACITY = "capacity"
TREND_FACTOR = (6, 35)
REASONS = {
    "card_utilisation": "debts_elsewhere",
    "worst_dpd_24m": "credit_record",
    "card_repayment_amount_share_1m_3m": "card_repayments",
    "card_repayment_amount_share_3m_6m": "card_repayments",
    "card_repayment_amount_trend_6m": "card_repayments",
    "card_repayment_active_months_6m": "card_repayments",
}
REASONS_OF_SOURCES = {
    "payments": "card_repayments",
    "assets": "assets",
    "auxiliary": "verified_items",
    "bureau": "debts_elsewhere",
}


def platform_values(client: Client) -> Values:
    """The client's six months as the catalogue would tell them."""
    paid, status = client.paid, [value for value in client.status if value is not None]
    late = max(status, default=None)
    return {
        "card_utilisation": _ratio(client.bills[0], client.limit),
        "worst_dpd_24m": None if late is None else max(late, Decimal(0)) * MONTH_DAYS,
        "card_repayment_amount_share_1m_3m": _ratio(paid[0], _sum(paid[:3])),
        "card_repayment_amount_share_3m_6m": _ratio(_sum(paid[:3]), _sum(paid)),
        "card_repayment_amount_trend_6m": _trend(paid),
        "card_repayment_active_months_6m": _active(paid),
    }


def _sum(values: tuple[Value, ...]) -> Value:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def _ratio(above: Value, below: Value) -> Value:
    return None if above is None or not below else (above / below).quantize(STEP, ROUND_HALF_EVEN)


def _active(paid: tuple[Value, ...]) -> Value:
    known = [value for value in paid if value is not None]
    return Decimal(sum(value > 0 for value in known)) if known else None


def _trend(paid: tuple[Value, ...]) -> Value:
    """The catalogue's slope as a share of the mean; months come newest first."""
    total = _sum(paid)
    if not total:
        return None
    oldest_first = [value or Decimal(0) for value in reversed(paid)]
    slope = sum((value * (2 * n - 5) for n, value in enumerate(oldest_first)), Decimal(0))
    return (slope * TREND_FACTOR[0] / (total * TREND_FACTOR[1])).quantize(STEP, ROUND_HALF_EVEN)


def reason_of(name: str) -> str:
    """The customer's reason where this variable costs points."""
    return REASONS.get(name) or REASONS_OF_SOURCES.get(described()[name].source, "assets")


def dimension_variables(card: dict[str, Any], weight: Decimal) -> list[dict[str, Any]]:
    """The fit as variables of a scorecard's dimension: the worst bins give 0, the best ones sum to the weight.

    Raises `CardInvalid` on a fit over anything else than single variables of the platform.
    """
    fitted = [variable for variable in card["variables"] if len(variable["bins"]) > 1]
    for variable in fitted:
        if len(variable["of"]) != 1 or variable["of"][0] not in described():
            raise CardInvalid(f"{variable['name']}: no live customer has this")
    bins = [_rising(variable) for variable in fitted]
    spans = [_span(rows) for rows in bins]
    tops = _tops(spans, weight)
    return [
        _variable(variable["of"][0], variable["missing"], rows, top)
        for variable, rows, top in zip(fitted, bins, tops, strict=True)
        if top
    ]


def _rising(variable: dict[str, Any]) -> list[dict[str, Any]]:
    name = variable["of"][0]

    def low(entry: dict[str, Any]) -> Decimal:
        bound = entry["within"].get(name, [None, None])[0]
        return Decimal("-Infinity") if bound is None else Decimal(bound)

    return sorted(variable["bins"], key=low)


def _span(rows: list[dict[str, Any]]) -> Decimal:
    points = [Decimal(entry["points"]) for entry in rows]
    return max(points) - min(points)


def _tops(spans: list[Decimal], weight: Decimal) -> list[Decimal]:
    """Each variable's best points; what rounding left over goes to the one with the most to give."""
    whole = sum(spans, Decimal(0))
    if not whole:
        raise CardInvalid("no variable tells the bins apart")
    tops = [(weight * span / whole).quantize(CENT, ROUND_HALF_EVEN) for span in spans]
    tops[spans.index(max(spans))] += weight - sum(tops, Decimal(0))
    return tops


def _variable(name: str, missing: dict[str, Any], rows: list[dict[str, Any]], top: Decimal) -> dict[str, Any]:
    low, span = min(Decimal(entry["points"]) for entry in rows), _span(rows)

    def scaled(entry: dict[str, Any]) -> str:
        share = min(max((Decimal(entry["points"]) - low) / span, Decimal(0)), Decimal(1))
        return str((share * top).quantize(CENT, ROUND_HALF_EVEN))

    inner = [{"below": entry["within"][name][1], "points": scaled(entry)} for entry in rows[:-1]]
    return {
        "name": name,
        "reason": reason_of(name),
        "missing": scaled(missing),
        "bins": [*inner, {"points": scaled(rows[-1])}],
    }
