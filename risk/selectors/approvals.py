"""Approvals and the funnel, counted from flags kept with each decision: one aggregate over one index (R7, R8).

Decisions made before the flags were kept have none and are left out; a page says how many.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import Floor

from risk.models import Alert, AlertState, ApplicationState, CreditApplication, Decision, Outcome

VISIBLE_RULES = ("meets_score", "meets_real_name", "meets_age", "meets_activity")
MEETS_ALL = Q(meets_score=True, meets_real_name=True, meets_age=True, meets_activity=True)
DECIDED = Q(outcome__in=[Outcome.APPROVED, Outcome.REJECTED])
SCORE_STEP = 5


@dataclass(frozen=True)
class Approvals:
    """Of those who met every visible rule: how many were decided, how many of them approved."""

    product: str
    decided: int
    approved: int
    day: date | None = None

    @property
    def rate(self) -> Decimal | None:
        """A fraction; None where nothing was decided."""
        return Decimal(self.approved) / Decimal(self.decided) if self.decided else None


def _counts(since: date, until: date, *by: str) -> list[dict[str, Any]]:
    rows = Decision.objects.filter(MEETS_ALL, DECIDED, business_date__gte=since, business_date__lte=until)
    counted = rows.values(*by).annotate(decided=Count("pk"), approved=Count("pk", filter=Q(outcome=Outcome.APPROVED)))
    return list(counted.order_by(*by))


def approvals_by_day(since: date, until: date) -> list[Approvals]:
    """Per day and product, both days included. A referral counts on the day a person decided it."""
    return [
        Approvals(row["product_id"], row["decided"], row["approved"], row["business_date"])
        for row in _counts(since, until, "business_date", "product_id")
    ]


def approvals_window(as_of: date, days: int) -> dict[str, Approvals]:
    """Per product over the `days` that end with `as_of`."""
    since = as_of - timedelta(days=days - 1)
    return {
        row["product_id"]: Approvals(row["product_id"], row["decided"], row["approved"])
        for row in _counts(since, as_of, "product_id")
    }


@dataclass(frozen=True)
class Funnel:
    """How many applicants met each condition, one by one and together. A person's second look is not a second one."""

    product: str
    applicants: int
    meets_score: int
    meets_real_name: int
    meets_age: int
    meets_activity: int
    meets_all: int
    approved: int
    without_flags: int

    def share(self, name: str) -> Decimal | None:
        """Of all applicants, a fraction."""
        return Decimal(getattr(self, name)) / Decimal(self.applicants) if self.applicants else None


def funnel(since: date, until: date) -> list[Funnel]:
    """Per product, both days included; one query."""
    first = Q(answers__isnull=True)
    known = first & Q(meets_score__isnull=False)
    counted: Any = (
        Decision.objects.filter(business_date__gte=since, business_date__lte=until)
        .values("product_id")
        .annotate(
            applicants=Count("pk", filter=known),
            without_flags=Count("pk", filter=first & Q(meets_score__isnull=True)),
            meets_all=Count("pk", filter=known & MEETS_ALL),
            approved=Count("pk", filter=Q(outcome=Outcome.APPROVED, meets_score__isnull=False)),
            **{f"n_{name}": Count("pk", filter=known & Q(**{name: True})) for name in VISIBLE_RULES},
        )
        .order_by("product_id")
    )
    return [
        Funnel(
            product=row["product_id"],
            **{name: row[name] for name in ("applicants", "without_flags", "meets_all", "approved")},
            **{name: row[f"n_{name}"] for name in VISIBLE_RULES},
        )
        for row in counted
    ]


def score_distribution(since: date, until: date) -> list[tuple[int, int]]:
    """Number of first decisions per band of `SCORE_STEP` points, every band from 0 to 100."""
    rows = (
        Decision.objects.filter(business_date__gte=since, business_date__lte=until, answers__isnull=True)
        .annotate(band=Floor(F("score") / SCORE_STEP))
        .values("band")
        .annotate(n=Count("pk"))
        .order_by("band")
    )
    found = {int(row["band"]) * SCORE_STEP: row["n"] for row in rows}
    return [(low, found.get(low, 0)) for low in range(0, 101, SCORE_STEP)]


def alerts_by_rule(since: date, until: date) -> list[dict[str, Any]]:
    """Alerts raised in the period by rule: all, still waiting, and how many turned out to be something."""
    found = Q(outcome__in=["confirmed_fraud", "suspicious"])
    rows: Any = (
        Alert.objects.filter(business_date__gte=since, business_date__lte=until)
        .values("rule")
        .annotate(
            raised=Count("pk"),
            waiting=Count("pk", filter=~Q(state=AlertState.CLOSED)),
            closed=Count("pk", filter=Q(state=AlertState.CLOSED)),
            found=Count("pk", filter=found),
        )
        .order_by("-raised", "rule")
    )
    return list(rows)


# Hours, with the last band open.
BACKLOG_BANDS = (4, 24, 72)


def referral_backlog(at: datetime) -> list[int]:
    """How many referred applications wait up to 4 hours, 24 hours, 3 days, and longer."""
    edges = [at - timedelta(hours=hours) for hours in BACKLOG_BANDS]
    counts = CreditApplication.objects.filter(state=ApplicationState.REFERRED).aggregate(
        a=Count("pk", filter=Q(decided_at__gt=edges[0])),
        b=Count("pk", filter=Q(decided_at__lte=edges[0], decided_at__gt=edges[1])),
        c=Count("pk", filter=Q(decided_at__lte=edges[1], decided_at__gt=edges[2])),
        d=Count("pk", filter=Q(decided_at__lte=edges[2])),
    )
    return [counts[name] for name in "abcd"]
