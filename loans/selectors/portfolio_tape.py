"""The book as the tape told it at the end of a day, added up by the database (R53, R54).

A million loans are never held here: each question is a statement or two that answer with a few hundred sums. The rows
made here are what the night stores; `loans/books/portfolio.py` makes them again and compares.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When

from loans.maths.delinquency import BUCKETS, Band, Cut, band_of, cuts
from loans.maths.roll import NEW, SETTLED, WRITTEN_OFF
from loans.maths.vintage import PAST_DAYS, Span, first_past, is_month_end, month_of
from loans.models import PortfolioFigure, RollFigure, SegmentFigure, VintageFlow
from risk.models import Decision, LoanTape, Outcome
from risk.selectors.tape import OWING, tape_as_of
from weilidai.lib.money import ZERO, round_money

ACTIVE = "active"
FAILED = "failed"
BATCH = 500
Kind = VintageFlow.Kind
PAST_KINDS: dict[VintageFlow.Kind, int | None] = {
    **dict(zip((Kind.PAST_30, Kind.PAST_60, Kind.PAST_90), PAST_DAYS, strict=True)),
    Kind.WRITTEN_OFF: None,
}


def covering(day: date) -> QuerySet[LoanTape]:
    """The rows that held on the evening of `day`. Where nothing changed since, those are the newest: one index."""
    if LoanTape.objects.filter(valid_to__gte=day).exists():
        return tape_as_of(day)
    return LoanTape.objects.filter(business_date__lte=day, valid_to__isnull=True)


def _cut_of(day: date, pieces: Sequence[Cut]) -> Case:
    """Which of `pieces` a row stands in on `day`, by its number; rising due dates are falling days past due."""
    whens = [
        When(unpaid_due_date__gt=day - timedelta(days=later.days_min), then=Value(number))
        for number, later in enumerate(pieces[1:])
    ]
    return Case(When(unpaid_due_date__isnull=True, then=Value(0)), *whens, default=Value(len(pieces) - 1))


def _floor_of(day: date) -> Case:
    """How many days past due a rearranged loan under observation is classed as at least."""
    return Case(When(class_floor_until_date__gte=day, then=F("class_floor_days")), default=Value(0))


def figures_of(day: date, classes: Sequence[Band]) -> list[PortfolioFigure]:
    """The open book by product, month of payout, bucket and class."""
    pieces = cuts(classes)
    rows = (
        covering(day)
        .filter(state__in=OWING)
        .order_by()
        .annotate(cut=_cut_of(day, pieces), floor=_floor_of(day))
        .values_list("product_id", "start_date", "state", "cut", "floor")
        .annotate(count=Count("pk"), amount=Sum("outstanding_principal_amount"))
    )
    sums: dict[tuple[str, date, str, str], list[Any]] = defaultdict(lambda: [0, ZERO])
    for product, start, state, number, floor, count, amount in rows:
        piece = pieces[number]
        bucket, risk_class = piece.bucket, band_of(max(piece.days_min, floor), classes)
        if state != ACTIVE:
            bucket = risk_class = WRITTEN_OFF
        total = sums[product, month_of(start), bucket, risk_class]
        total[0] += count
        total[1] += round_money(amount)
    return [
        PortfolioFigure(
            business_date=day,
            product_id=product,
            vintage_month=vintage,
            bucket=bucket,
            risk_class=risk_class,
            loans_count=count,
            outstanding_principal_amount=amount,
        )
        for (product, vintage, bucket, risk_class), (count, amount) in sorted(sums.items())
    ]


def _first_rows(day: date) -> QuerySet[Any]:
    """Rows written on `day`, each with whether its loan was on the tape before."""
    before = LoanTape.objects.filter(loan_id=OuterRef("loan_id"), business_date__lt=day)
    return LoanTape.objects.filter(business_date=day).annotate(known=Exists(before)).order_by()


def flows_of(day: date) -> list[VintageFlow]:
    """What the day did to each month of payout: paid out, returned, for the first time past a threshold."""
    sums: dict[tuple[str, date, str], list[Any]] = defaultdict(lambda: [0, ZERO])

    def add(product: str, start: date, kind: str, count: int, amount: Decimal) -> None:
        total = sums[product, month_of(start), str(kind)]
        total[0] += count
        total[1] += round_money(amount)

    entered = _first_rows(day).filter(Q(known=False) & ~Q(state=FAILED) | Q(known=True, state=FAILED))
    paid = entered.values_list("product_id", "start_date", "known").annotate(
        count=Count("pk"), amount=Sum("principal_amount")
    )
    for product, start, known, count, amount in paid:
        add(product, start, Kind.RETURNED if known else Kind.PAID_OUT, count, amount)
    for product, start, spans in _may_have_crossed(day):
        for kind, days in PAST_KINDS.items():
            crossing = first_past(spans, days)
            if crossing is not None and crossing.day == day:
                add(product, start, kind, 1, crossing.outstanding)
    return [
        VintageFlow(
            business_date=day, product_id=product, vintage_month=vintage, kind=kind, loans_count=count, amount=amount
        )
        for (product, vintage, kind), (count, amount) in sorted(sums.items())
    ]


def _may_have_crossed(day: date) -> Iterator[tuple[str, date, list[Span]]]:
    """Loans that reach a threshold on `day`, or of which something was entered that puts them past one: product, day
    of payout and what the tape told of them up to the day, some hundred loans at a time."""
    reaching = Q(unpaid_due_date__in=[day - timedelta(days=days + 1) for days in PAST_DAYS])
    late = Q(business_date=day, unpaid_due_date__lt=day - timedelta(days=PAST_DAYS[0]))
    given_up = Q(business_date=day, state=WRITTEN_OFF)
    candidates = covering(day).filter(state__in=OWING).filter(reaching | late | given_up).order_by()
    loans = list(candidates.values_list("loan_id", flat=True))
    for start in range(0, len(loans), BATCH):
        rows = LoanTape.objects.filter(loan_id__in=loans[start : start + BATCH], business_date__lte=day)
        for _, found in groupby(rows.order_by("loan_id", "business_date"), key=lambda row: row.loan_id):
            told = list(found)
            # A loan belongs to the month it was first told to be paid out in.
            yield told[0].product_id, told[0].start_date, [span_of(row) for row in told]


def span_of(row: LoanTape) -> Span:
    return Span(
        row.business_date, row.valid_to, row.state, row.unpaid_due_date, row.outstanding_principal_amount
    )  # fmt: skip


def loan_spans(loan_id: UUID, until: date) -> list[Span]:
    """What the tape told of a loan up to the evening of `until`."""
    rows = LoanTape.objects.filter(loan_id=loan_id, business_date__lte=until)
    return [span_of(row) for row in rows.order_by("business_date")]


def _bucket_of(day: date) -> Case:
    """Bucket of a row on `day`, or the state of a loan that owes nothing or was written off."""
    whens = [
        When(unpaid_due_date__gt=day - timedelta(days=later.days_min), then=Value(band.code))
        for band, later in pairwise(BUCKETS)
    ]
    return Case(
        When(~Q(state=ACTIVE), then=F("state")),
        When(unpaid_due_date__isnull=True, then=Value(BUCKETS[0].code)),
        *whens,
        default=Value(BUCKETS[-1].code),
        output_field=CharField(),
    )


ROLLS = """
SELECT later.product_id, COALESCE(former.bucket, %s), later.bucket, COUNT(*),
       SUM(COALESCE(former.outstanding_principal_amount, later.outstanding_principal_amount))
FROM ({later}) later LEFT JOIN ({former}) former ON former.loan_id = later.loan_id
GROUP BY 1, 2, 3
"""


def rolls_of(day: date) -> list[RollFigure]:
    """Where each loan stood at the end of the month before `day` and where on `day`; nothing on other days.

    The two subqueries come from the models, their values stay parameters.
    """
    if not is_month_end(day):
        return []
    before = month_of(day) - timedelta(days=1)
    columns = ("loan_id", "product_id", "bucket", "outstanding_principal_amount")
    still = covering(day).filter(Q(state__in=OWING) | Q(business_date__gt=before))
    later = still.exclude(state=FAILED).order_by().annotate(bucket=_bucket_of(day)).values(*columns)
    former = tape_as_of(before).order_by().annotate(bucket=_bucket_of(before)).values(*columns)
    # Who owes nothing and is not heard of again rolls nowhere.
    former = former.filter(Q(state__in=OWING) | Q(valid_to__lt=day))
    (later_sql, later_values), (former_sql, former_values) = (
        query.query.sql_with_params() for query in (later, former)
    )
    with connection.cursor() as cursor:
        cursor.execute(ROLLS.format(later=later_sql, former=former_sql), [NEW, *later_values, *former_values])
        found = cursor.fetchall()
    return [
        RollFigure(
            business_date=day,
            product_id=product,
            source_bucket=source,
            target_bucket=target,
            loans_count=count,
            amount=round_money(Decimal(str(amount))),
        )
        for product, source, target, count, amount in sorted(found, key=lambda row: row[:3])
        if not source == target == SETTLED
    ]


def segments_of(day: date) -> list[SegmentFigure]:
    """Decisions and payouts of the day by product, occupation and tier."""
    found: dict[tuple[str, str, str], SegmentFigure] = {}

    def segment(product: str, declared: str, registered: str, tier: str) -> SegmentFigure:
        key = (product, declared or registered, tier)
        fresh = SegmentFigure(
            business_date=day, product_id=product, occupation=key[1], tier=tier, limit_amount=ZERO,
            rate_sum=Decimal(0), principal_amount=ZERO, priced_amount=Decimal(0),
        )  # fmt: skip
        return found.setdefault(key, fresh)

    people = ("customer__declared_occupation", "customer__registered_occupation")
    decided = (
        Decision.objects.filter(business_date=day, outcome__in=[Outcome.APPROVED, Outcome.REJECTED])
        .order_by()
        .values_list("product_id", *people, "tier", "outcome", "daily_rate")
        .annotate(count=Count("pk"), limits=Sum("limit_amount"))
    )
    for product, declared, registered, tier, outcome, rate, count, limits in decided:
        row = segment(product, declared, registered, tier)
        row.decided_count += count
        if outcome == Outcome.APPROVED:
            row.approved_count += count
            row.limit_amount += round_money(limits or ZERO)
            row.rate_sum += (rate or ZERO) * count
    paid = (
        _first_rows(day)
        .filter(known=False)
        .exclude(state=FAILED)
        .values_list("product_id", *people, "credit_line__tier", "daily_rate")
        .annotate(count=Count("pk"), principal=Sum("principal_amount"))
    )
    for product, declared, registered, tier, rate, count, principal in paid:
        row = segment(product, declared, registered, tier)
        row.loans_count += count
        row.principal_amount += round_money(principal)
        row.priced_amount += round_money(principal) * rate
    return [found[key] for key in sorted(found)]
