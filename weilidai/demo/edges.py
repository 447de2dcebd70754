"""The rows of people who stand on an edge: ordinary rows with the one trait set that the edge is about."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import chain
from typing import Any

from weilidai.demo.assumptions import Edge

Row = dict[str, Any]


def edge_rows(edge: Edge, kind: str, rows: Iterator[Row], through: date) -> Iterator[Row]:
    """Rows of one feed of one such person, made from `rows` of anybody."""
    shape = SHAPES.get(kind)
    return rows if shape is None else shape(edge, rows, through)


def _scores(edge: Edge, rows: Iterator[Row], through: date) -> Iterator[Row]:
    for row in rows:
        yield {**row, "score": edge.score if row["name"] == "wechat_pay" else row["score"]}


def _activity(edge: Edge, rows: Iterator[Row], through: date) -> Iterator[Row]:
    last_of_month = through.replace(day=1) - timedelta(days=1)
    quiet_day = str(last_of_month) if edge.quiet_month else ""
    for row in rows:
        yield {**row, "opens": edge.opens - (row["date"] == quiet_day)}


def _payments(edge: Edge, rows: Iterator[Row], through: date) -> Iterator[Row]:
    for row in rows:
        amount = {"red_packet_sent": "188.00", "red_packet_received": "6.60"}.get(row["kind"], row["amount"])
        yield {**row, "amount": amount} if edge.generous else row


def _assets(edge: Edge, rows: Iterator[Row], through: date) -> Iterator[Row]:
    for row in rows:
        yield {**row, "current_fund_mean": str(edge.assets), "wealth_products": "0.00", "deposits": "0.00"}


def _logins(edge: Edge, rows: Iterator[Row], through: date) -> Iterator[Row]:
    if not edge.device_hops:
        yield from ({**row, "device": f"edge-{edge.name}-d0"} for row in rows)
        return
    first = next(rows)
    # The first login twice, so that the twelve logins of anybody become twelve changes of device (R18).
    for number, row in enumerate(chain((first, first), rows)):
        yield {**row, "device": f"edge-{edge.name}-d{number}"}


def _bureau(edge: Edge, rows: Iterator[Row], through: date) -> Iterator[Row]:
    for row in rows:
        yield {**row, "worst_dpd_24m": 0, "on_deny_list": edge.deny_listed}


def _auxiliary(edge: Edge, rows: Iterator[Row], through: date) -> Iterator[Row]:
    for row in rows:
        if row["item"] == "employment":
            yield {**row, "state": "contradicted" if edge.contradicted else "verified"}
            if edge.housing_fund_months:
                yield {**row, "item": "housing_fund", "months": edge.housing_fund_months, "state": "verified"}
        elif row["item"] != "housing_fund":
            yield row


SHAPES: dict[str, Callable[[Edge, Iterator[Row], date], Iterator[Row]]] = {
    "scores": _scores,
    "activity": _activity,
    "payments": _payments,
    "assets": _assets,
    "logins": _logins,
    "bureau": _bureau,
    "auxiliary": _auxiliary,
}
