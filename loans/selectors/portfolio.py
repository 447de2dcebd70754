"""Questions to the figures of the portfolio: small tables the night wrote, each as it was known on its evening."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import TruncMonth

from loans.maths.delinquency import (
    BUCKETS,
    CLASS_DAYS,
    CLASSES,
    NPL_CLASSES,
    Band,
    five_classes,
    is_past_limit,
    npl_ratio,
)
from loans.maths.roll import WRITTEN_OFF, Cell, Roll, roll_matrix
from loans.maths.vintage import Curve, curves_ever, curves_now, month_of
from loans.models import PortfolioFigure, RollFigure, SegmentFigure, VintageFlow
from risk.errors import PolicyMissing
from risk.models import RegulationParameter
from risk.selectors.policy import regulation
from weilidai.lib.models import BusinessDay, JobRun
from weilidai.lib.money import ZERO, round_money, round_rate

Name = RegulationParameter.Name
CLASS_NAMES = (Name.SPECIAL_MENTION_DAYS, Name.SUBSTANDARD_DAYS, Name.DOUBTFUL_DAYS, Name.LOSS_DAYS)
# Where no dated figure covers the day the shipped one holds: no alert is lost for want of a row.
NPL_LIMIT = Decimal("0.012")
WHOLE_BOOK = ""
NPL_KIND = "past_90"


def class_bands(as_of: date) -> tuple[Band, ...]:
    """The five classes in force on a date (R54)."""
    days = [int(_figure(name, as_of, Decimal(shipped))) for name, shipped in zip(CLASS_NAMES, CLASS_DAYS, strict=True)]
    return five_classes(days)


def npl_limit(as_of: date) -> Decimal:
    """The ratio past which an alert is raised (R53)."""
    return _figure(Name.NPL_RATIO_ALERT, as_of, NPL_LIMIT)


def _figure(name: str, as_of: date, shipped: Decimal) -> Decimal:
    try:
        return regulation(name, as_of)
    except PolicyMissing:
        return shipped


def newest_closed() -> date | None:
    """The last business date that is closed: the latest that can be asked for."""
    last: date | None = BusinessDay.objects.filter(state=BusinessDay.State.CLOSED).aggregate(last=Max("date"))["last"]
    return last


def is_written(day: date) -> bool:
    """Whether the figures of a day stand; an empty book has none and its night is done all the same."""
    if PortfolioFigure.objects.filter(business_date=day).exists():
        return True
    return JobRun.objects.filter(job="end_of_day.portfolio", business_date=day, state=JobRun.State.DONE).exists()


def _of_product(rows: QuerySet[Any], product: str) -> QuerySet[Any]:
    return rows.filter(product_id=product) if product else rows


@dataclass(frozen=True)
class NplLine:
    """Outstanding principal of a day, all and non-performing; `product` is empty for the whole book."""

    day: date
    product: str
    total: Decimal
    bad: Decimal
    overdue: Decimal

    @property
    def ratio(self) -> Decimal:
        return npl_ratio([("bad", self.bad), ("good", self.total - self.bad)], {"bad"})

    def is_past(self, limit: Decimal) -> bool:
        return is_past_limit(self.bad, self.total, limit)


def npl_lines(day: date) -> list[NplLine]:
    """Of one day: each product, then the whole book."""
    return npl_trend(day, day)


def npl_trend(since: date, until: date, product: str = "") -> list[NplLine]:
    """Day by day, each product and then the whole book; of one product only that."""
    rows = PortfolioFigure.objects.filter(business_date__gte=since, business_date__lte=until)
    rows = _of_product(rows, product).exclude(bucket=WRITTEN_OFF).order_by()
    sums: dict[tuple[date, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    amounts = rows.values_list("business_date", "product_id", "risk_class")
    for day, code, risk_class, amount in amounts.annotate(amount=Sum("outstanding_principal_amount")):
        for key in (code,) if product else (code, WHOLE_BOOK):
            sums[day, key][risk_class] += round_money(amount)
    order = sorted(sums, key=lambda key: (key[0], key[1] == WHOLE_BOOK, key[1]))
    return [_npl_line(day, code, sums[day, code]) for day, code in order]


def _npl_line(day: date, product: str, by_class: dict[str, Decimal]) -> NplLine:
    return NplLine(
        day,
        product,
        total=sum(by_class.values(), ZERO),
        bad=sum((amount for code, amount in by_class.items() if code in NPL_CLASSES), ZERO),
        overdue=sum((amount for code, amount in by_class.items() if code != CLASSES[0]), ZERO),
    )


@dataclass(frozen=True)
class BandLine:
    """Loans of one class or bucket; `share` is of the outstanding principal of the lines beside it."""

    code: str
    count: int
    amount: Decimal
    share: Decimal


def class_lines(day: date, product: str = "") -> list[BandLine]:
    """Every class, also those without a loan."""
    return _band_lines(day, product, "risk_class", CLASSES)


def bucket_lines(day: date, product: str = "") -> list[BandLine]:
    """Every bucket, also those without a loan."""
    return _band_lines(day, product, "bucket", [band.code for band in BUCKETS])


def _band_lines(day: date, product: str, column: str, codes: Iterable[str]) -> list[BandLine]:
    rows = _of_product(PortfolioFigure.objects.filter(business_date=day), product).exclude(bucket=WRITTEN_OFF)
    sums = (
        rows.order_by().values_list(column).annotate(n=Sum("loans_count"), amount=Sum("outstanding_principal_amount"))
    )
    found = {code: (count, round_money(amount)) for code, count, amount in sums}
    total = sum((amount for _, amount in found.values()), ZERO)
    return [
        BandLine(code, count, amount, npl_ratio([("part", amount), ("rest", total - amount)], {"part"}))
        for code in codes
        for count, amount in [found.get(code, (0, ZERO))]
    ]


def written_off(day: date, product: str = "") -> tuple[int, Decimal]:
    """Loans written off by the end of the day, and what they still owe."""
    rows = _of_product(PortfolioFigure.objects.filter(business_date=day, bucket=WRITTEN_OFF), product)
    found = rows.aggregate(count=Sum("loans_count"), amount=Sum("outstanding_principal_amount"))
    return found["count"] or 0, round_money(found["amount"] or ZERO)


def vintage_curves(
    day: date, *, kind: str = NPL_KIND, ever: bool = True, product: str = "", months: int = 12
) -> list[Curve]:
    """The newest `months` vintages as known on `day`: the share of the principal paid out that ever went past, or
    stands past, the threshold of `kind` (written off counts)."""
    flows = _of_product(VintageFlow.objects.filter(business_date__lte=day), product).order_by()
    first = _months_back(month_of(day), months - 1)
    paid_out: dict[date, Decimal] = defaultdict(lambda: ZERO)
    paid = flows.filter(vintage_month__gte=first, kind__in=[VintageFlow.Kind.PAID_OUT, VintageFlow.Kind.RETURNED])
    for vintage, told, amount in paid.values_list("vintage_month", "kind").annotate(total=Sum("amount")):
        paid_out[vintage] += round_money(amount) * (1 if told == VintageFlow.Kind.PAID_OUT else -1)
    if ever or kind == VintageFlow.Kind.WRITTEN_OFF:
        rows = flows.filter(kind=kind, vintage_month__in=list(paid_out)).values_list("vintage_month", "business_date")
        crossed = [(vintage, on, round_money(total)) for vintage, on, total in rows.annotate(total=Sum("amount"))]
        return curves_ever(paid_out, crossed, day, months - 1)
    return curves_now(paid_out, _standing(day, kind, product, first), day, months - 1)


def _months_back(month: date, number: int) -> date:
    for _ in range(number):
        month = month_of(month - timedelta(days=1))
    return month


def _standing(day: date, kind: str, product: str, first: date) -> dict[tuple[date, date], Decimal]:
    """Principal past the threshold or written off, by vintage, at each month's end and on `day`."""
    days_min = int(kind.removeprefix("past_")) + 1
    past = [band.code for band in BUCKETS if band.days_min >= days_min]
    ends, month = [day], month_of(day)
    while month > first:
        ends.append(month - timedelta(days=1))
        month = month_of(ends[-1])
    rows = PortfolioFigure.objects.filter(business_date__in=ends, bucket__in=[*past, WRITTEN_OFF])
    rows = _of_product(rows.filter(vintage_month__gte=first), product).order_by()
    sums = rows.values_list("vintage_month", "business_date").annotate(total=Sum("outstanding_principal_amount"))
    return {(vintage, on): round_money(total) for vintage, on, total in sums}


def roll_months(day: date, months: int = 24) -> list[date]:
    """The ends of the newest months whose rolls are known on `day`, newest first."""
    rows = RollFigure.objects.filter(business_date__lte=day).order_by("-business_date")
    return list(rows.values_list("business_date", flat=True).distinct()[:months])


def roll_cells(ends: Iterable[date], product: str = "") -> dict[date, list[Cell]]:
    """What moved in the months that end on `ends`."""
    rows = _of_product(RollFigure.objects.filter(business_date__in=list(ends)), product).order_by()
    sums = rows.values_list("business_date", "source_bucket", "target_bucket").annotate(
        n=Sum("loans_count"), total=Sum("amount")
    )
    found: dict[date, list[Cell]] = defaultdict(list)
    for end, source, target, count, total in sums:
        found[end].append(Cell(source, target, count, round_money(total)))
    return found


def rolls(ends: Iterable[date], product: str = "") -> list[Roll]:
    """The matrix of some months together."""
    return roll_matrix(cell for cells in roll_cells(ends, product).values() for cell in cells)


SEGMENTS = {"product": "product_id", "occupation": "occupation", "tier": "tier", "month": "month"}


@dataclass(frozen=True)
class SegmentLine:
    """Approvals and prices of one segment; rates are fractions a day, None where there is nothing to take a mean of."""

    segment: str
    decided: int
    approved: int
    approval_share: Decimal | None
    limit_mean: Decimal | None
    approved_rate_mean: Decimal | None
    loans: int
    principal: Decimal
    loan_rate_mean: Decimal | None


def segment_lines(since: date, until: date, by: str, product: str = "") -> list[SegmentLine]:
    """Both days included, by one of `SEGMENTS`. A tier is known only of who was approved."""
    rows = _of_product(SegmentFigure.objects.filter(business_date__gte=since, business_date__lte=until), product)
    sums = (
        rows.annotate(month=TruncMonth("business_date"))
        .order_by()
        .values(SEGMENTS[by])
        .annotate(
            decided=Sum("decided_count"), approved=Sum("approved_count"), limits=Sum("limit_amount"),
            rates=Sum("rate_sum"), loans=Sum("loans_count"), principal=Sum("principal_amount"),
            priced=Sum("priced_amount"),
        )
    )  # fmt: skip
    lines = [_segment_line(_segment_name(row[SEGMENTS[by]]), row) for row in sums]
    return sorted(lines, key=lambda line: line.segment)


def _segment_name(value: Any) -> str:
    return f"{value:%Y-%m}" if isinstance(value, date) else str(value)


def _segment_line(name: str, row: dict[str, Any]) -> SegmentLine:
    decided, approved, principal = row["decided"], row["approved"], round_money(row["principal"])
    return SegmentLine(
        name,
        decided,
        approved,
        _rate(Decimal(approved), decided),
        round_money(row["limits"] / approved) if approved else None,
        _rate(row["rates"], approved),
        row["loans"],
        principal,
        _rate(row["priced"], principal),
    )


def _rate(total: Decimal, number: Decimal | int) -> Decimal | None:
    return round_rate(total / number) if number else None
