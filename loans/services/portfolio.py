"""What the night keeps of the portfolio, and the watch over its bad-loan ratio (R53)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models, transaction

from accounts.models import StaffUser
from loans.models import PortfolioFigure, RollFigure, SegmentFigure, VintageFlow
from loans.selectors.portfolio import NplLine, class_bands, npl_limit, npl_lines
from loans.selectors.portfolio_tape import figures_of, flows_of, rolls_of, segments_of
from risk.models import Alert, AlertSeverity
from risk.rules.alerts import MONITORING
from risk.services.alert import alert_raise
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.models import BusinessDay

NPL_RATIO = "npl_ratio"
ALL_PRODUCTS = "all"


@transaction.atomic
def portfolio_write(day: date) -> dict[str, int]:
    """The figures of a day from the tape; a day written again, however late or often at once, is written the same."""
    BusinessDay.objects.select_for_update(no_key=True).filter(date=day).first()
    return {
        "figures": _replace(PortfolioFigure, day, figures_of(day, class_bands(day))),
        "flows": _replace(VintageFlow, day, flows_of(day)),
        "rolls": _replace(RollFigure, day, rolls_of(day)),
        "segments": _replace(SegmentFigure, day, segments_of(day)),
    }


def _replace(model: type[models.Model], day: date, rows: Sequence[models.Model]) -> int:
    model._default_manager.filter(business_date=day).delete()
    model._default_manager.bulk_create(rows, batch_size=500)
    return len(rows)


def npl_watch(*, as_of: date, at: datetime) -> int:
    """An alert where the ratio of a product or of the whole book has gone past the limit: on the evening it does so
    and, while it stays there, at the end of each month. Returns how many were raised; run again: 0.
    """
    limit = npl_limit(as_of)
    before = {line.product: line for line in npl_lines(as_of - timedelta(days=1))}
    limit_before = npl_limit(as_of - timedelta(days=1))
    raised = 0
    for line in npl_lines(as_of):
        earlier = before.get(line.product)
        was_past = earlier is not None and earlier.is_past(limit_before)
        if line.is_past(limit) and (not was_past or (as_of + timedelta(days=1)).day == 1):
            raised += _raise(line, limit, as_of, at)
    return raised


def _raise(line: NplLine, limit: Any, as_of: date, at: datetime) -> bool:
    name = line.product or ALL_PRODUCTS
    key = f"{NPL_RATIO}:{name}:{as_of.isoformat()}"
    if Alert.objects.filter(dedupe_key=key).exists():
        return False
    alert_raise(
        customer=None,
        rule=NPL_RATIO,
        layer=MONITORING,
        severity=AlertSeverity.HIGH,
        evidence={
            "product": name,
            "date": as_of.isoformat(),
            "npl_ratio": str(line.ratio),
            "npl_limit": str(limit),
            "npl_principal": str(line.bad),
            "outstanding_principal": str(line.total),
        },
        dedupe_key=key,
        as_of=as_of,
        at=at,
        actor=Actor.system("end_of_day"),
    )
    return True


def portfolio_exported(
    *, view: str, day: date, product: str, rows: int, form: str, user: StaffUser, at: datetime
) -> None:
    """Who took which figures out of the house."""
    subject = PortfolioFigure(pk=0, business_date=day)
    audit_record(
        action="portfolio.export", actor=Actor.of(user), subject=subject, at=at, as_of=day,
        after={"view": view, "product": product or ALL_PRODUCTS, "rows": rows, "format": form},
    )  # fmt: skip
