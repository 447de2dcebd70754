"""How a challenger in shadow compares with the live scorecard: figures over its shadow decisions."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F, IntegerField
from django.db.models.functions import Cast, Floor

from risk.models import Outcome, Scorecard, ShadowDecision

BAND = 10


@dataclass(frozen=True)
class Comparison:
    """`matrix[live outcome][challenger's outcome]` and `bands[live band][challenger's band]`, both counts."""

    judged: int
    failed: int
    agreed: int
    matrix: dict[str, dict[str, int]]
    bands: dict[int, dict[int, int]]
    live_mean: Any
    mean: Any


def shadow_comparison(scorecard: Scorecard) -> Comparison:
    """Over everything the challenger judged so far."""
    rows = ShadowDecision.objects.filter(scorecard=scorecard)
    good = rows.filter(score__isnull=False)
    outcomes = [str(outcome) for outcome in Outcome]
    matrix = {live: dict.fromkeys(outcomes, 0) for live in outcomes}
    for row in good.order_by().values("live_outcome", "outcome").annotate(n=Count("pk")):
        matrix[row["live_outcome"]][row["outcome"]] = row["n"]
    means = good.aggregate(n=Count("pk"), live=Avg("live_score"), mean=Avg("score"))
    return Comparison(
        judged=means["n"],
        failed=rows.filter(score__isnull=True).count(),
        agreed=sum(matrix[outcome][outcome] for outcome in outcomes),
        matrix=matrix,
        bands=_bands(good),
        live_mean=means["live"],
        mean=means["mean"],
    )


def _bands(rows: Any) -> dict[int, dict[int, int]]:
    counted = (
        rows.annotate(
            live_band=Cast(Floor(F("live_score") / BAND), IntegerField()),
            band=Cast(Floor(F("score") / BAND), IntegerField()),
        )
        .order_by()
        .values("live_band", "band")
        .annotate(n=Count("pk"))
    )
    last = 100 // BAND - 1
    found: dict[int, dict[int, int]] = {}
    for row in counted:
        # 100 points belong to the last band.
        live, other = min(row["live_band"], last), min(row["band"], last)
        cells = found.setdefault(live, {})
        cells[other] = cells.get(other, 0) + row["n"]
    return found
