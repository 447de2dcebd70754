"""What the whole book has earned by a date: one statement over the columns, a replay only where columns cannot tell.

Loans that ended stand still; nights have folded what they earned into rows of sums, and only the others are asked.
PostgreSQL computes the closed form of `loans/maths/running.py` itself, in exact decimals; elsewhere the same formula
runs over the rows as they stream by.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from loans.maths.running import Earned, Running, earned_on
from loans.models import FoldedEarnings, Loan, LoanEvent, LoanPlan, LoanState, ProductAccrual
from loans.selectors.position import loan_position
from risk.models import PenaltyMethod
from weilidai.lib.money import ZERO, round_money
from weilidai.lib.partitions import Span

BATCH = 500
STREAM = 5000
# Ended loans that one night folds of a range, on PostgreSQL of each product: a book full of them takes some nights.
FOLD_MAX = 5_000
KINDS = (ProductAccrual.Kind.INTEREST, ProductAccrual.Kind.FEE, ProductAccrual.Kind.PENALTY)
Sums = dict[tuple[str, str], Decimal]

COLUMNS = (
    "product_id", "state", "plan", "with_interest", "outstanding_principal_amount", "daily_rate",
    "segment_start_date", "interest_settled_amount", "fee_charged_amount", "exposure_amount",
    "penalty_claimed_amount", "penalty_paid_amount", "cost_cap_rate",
)  # fmt: skip

# The penalty charged, of columns of these names; `exposure` as of the date asked about.
PENALTY = """
CASE WHEN penalty_claimed_amount = 0 THEN 0
     WHEN cost_cap_rate IS NULL THEN penalty_claimed_amount
     ELSE greatest(penalty_paid_amount, least(penalty_claimed_amount, greatest(0, trunc(
          cost_cap_rate * exposure / 365 - interest - fee, 2)))) END
"""
LATER = "SELECT loan_id FROM loans_loanevent WHERE business_date > %(day)s AND loan_id BETWEEN %(first)s AND %(last)s"
# Not folded as the night of %(day)s has it: what was unfolded since then still stands among the folded sums.
OPEN = "folded_date IS NULL AND (unfolded_date IS NULL OR unfolded_date <= %(day)s)"
# The condition of the index `loan_with_history`, as it is written there.
HISTORY = (
    "(exposure_amount IS NULL OR penalty_method = 'rate_uplift' OR rearranged_date IS NOT NULL"
    " OR (plan = 'instalments' AND with_interest))"
)
# The sums of the loans told by their columns, with the keys of some of them that have ended, and the keys of the
# others, who are found by indexes.
# %(on)s is the date the figures hold on, %(day)s the last day whose events count. One statement is one snapshot: a loan
# paid meanwhile is told by its columns or is among the rest, never both.
CLOSED_FORM = (
    """
SELECT product_id, sum(interest), sum(fee), sum({penalty}), ARRAY[]::uuid[] AS rest,
       (array_agg(id) FILTER (WHERE state <> 'active'))[1:%(most)s] AS ended
FROM (
    SELECT id, state, product_id, fee_charged_amount AS fee, penalty_claimed_amount, penalty_paid_amount, cost_cap_rate,
           coalesce(exposure_amount, 0) + CASE WHEN state = 'active' AND penalty_claimed_amount <> 0
               THEN outstanding_principal_amount * (%(on)s::date - segment_start_date) ELSE 0 END AS exposure,
           CASE WHEN state = 'active' AND (plan = 'single' OR with_interest)
               THEN interest_settled_amount
                    + round(outstanding_principal_amount * (daily_rate * (%(on)s::date - segment_start_date)), 2)
               ELSE interest_settled_amount END AS interest
    FROM loans_loan
    WHERE start_date <= %(day)s AND id BETWEEN %(first)s AND %(last)s AND {open}
      AND CASE WHEN state = 'active' THEN exposure_amount IS NOT NULL AND rearranged_date IS NULL
                    AND NOT (with_interest AND plan = 'instalments')
                    AND (penalty_method <> 'rate_uplift' OR coalesce(next_due_date >= %(on)s, false))
               ELSE true END
      AND id NOT IN ({later})
) figures
GROUP BY product_id
UNION ALL
SELECT '', 0, 0, 0, ARRAY(
    SELECT id FROM loans_loan WHERE start_date <= %(day)s AND id IN ({later}) AND {open}
    UNION
    SELECT id FROM loans_loan
    WHERE start_date <= %(day)s AND id BETWEEN %(first)s AND %(last)s AND {history} AND state = 'active' AND {open}
      AND (penalty_method <> 'rate_uplift' OR next_due_date IS NULL OR next_due_date < %(on)s
           OR exposure_amount IS NULL OR rearranged_date IS NOT NULL OR with_interest AND plan = 'instalments')
), NULL
""".replace("{penalty}", PENALTY)
    .replace("{later}", LATER)
    .replace("{open}", OPEN)
    .replace("{history}", HISTORY)
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the columns of a range tell: cumulative sums, the keys of loans that are not in them because they have to be
    replayed, and the keys of loans in them that have ended and may be folded, some `FOLD_MAX` at most.
    """

    sums: Sums
    rest: list[UUID]
    ended: list[UUID]


def unfolded(day: date) -> QuerySet[Loan]:
    """The loans the night of `day` asks one by one, the others stand in `folded_by`.

    One that was unfolded later still stands there for that night: so it does not matter what its ranges see first.
    """
    since = Q(unfolded_date__isnull=True) | Q(unfolded_date__lte=day)
    return Loan.objects.filter(since, start_date__lte=day, folded_date__isnull=True)


def folded_by(day: date) -> Sums:
    """What the loans had earned that were folded as the night of `day` has it."""
    rows = FoldedEarnings.objects.filter(business_date__lte=day).order_by().values_list("product_id")
    sums: Sums = defaultdict(lambda: ZERO)
    for product, *amounts in rows.annotate(Sum("interest_amount"), Sum("fee_amount"), Sum("penalty_amount")):
        # SQLite adds in binary numbers.
        sums |= {(product, kind): round_money(amount) for kind, amount in zip(KINDS, amounts, strict=True)}
    return sums


def replayed(day: date) -> QuerySet[Loan]:
    """Loans whose columns cannot tell what they had earned after `day`: something happened later, or their terms
    need the history.
    """
    later = LoanEvent.objects.filter(business_date__gt=day).values("loan_id")
    history = (
        Q(exposure_amount__isnull=True)
        | Q(rearranged_date__isnull=False)
        | Q(with_interest=True, plan=LoanPlan.INSTALMENTS)
        | Q(penalty_method=PenaltyMethod.RATE_UPLIFT, next_due_date__lte=day)
    )
    return unfolded(day).filter(Q(pk__in=later) | Q(state=LoanState.ACTIVE) & history)


def in_batches(loans: QuerySet[Loan]) -> Iterator[list[Loan]]:
    """By key range, events with them: memory does not grow with the book."""
    last: Any = None
    while True:
        page = loans.order_by("pk").prefetch_related("events")
        rows = list(page.filter(pk__gt=last)[:BATCH] if last else page[:BATCH])
        if not rows:
            return
        yield rows
        last = rows[-1].pk


def earned_in_columns(day: date, span: Span) -> Told:
    """Cumulative interest, fees and penalties per product on the day after `day` of the loans not folded."""
    if connection.vendor == "postgresql":
        return _by_statement(day, span)
    sums, ended = _by_stream(day, span)
    rest = replayed(day).filter(span.within())
    return Told(sums, list(rest.order_by("pk").values_list("pk", flat=True)), ended)


def _by_statement(day: date, span: Span) -> Told:
    told = Told(defaultdict(lambda: ZERO), [], [])
    with connection.cursor() as cursor:
        params: dict[str, Any] = {"on": day + timedelta(days=1), "day": day, "most": FOLD_MAX, **span.params}
        cursor.execute(CLOSED_FORM, params)
        for product, *amounts, others, ended in cursor:
            if product:
                told.sums.update({(product, kind): amount or ZERO for kind, amount in zip(KINDS, amounts, strict=True)})
            told.rest.extend(sorted(others))
            told.ended.extend(ended or ())
    return told


def _by_stream(day: date, span: Span) -> tuple[Sums, list[UUID]]:
    sums: Sums = defaultdict(lambda: ZERO)
    ended: list[UUID] = []
    told = unfolded(day).filter(span.within()).exclude(pk__in=replayed(day).values("pk"))
    for row in told.values("pk", *COLUMNS).iterator(chunk_size=STREAM):
        for kind, amount in zip(KINDS, amounts_of(row, day + timedelta(days=1)), strict=True):
            sums[row["product_id"], kind] += amount
        if row["state"] != LoanState.ACTIVE and len(ended) < FOLD_MAX:
            ended.append(row["pk"])
    return sums, ended


def amounts_of(row: dict[str, Any], on: date) -> tuple[Decimal, Decimal, Decimal]:
    """What a loan with these `COLUMNS` has earned on a date, as in `KINDS`; one that has ended, on any date."""
    earned: Earned = earned_on(_running(row), on)
    return earned.interest, earned.fee, earned.penalty


def _running(row: dict[str, Any]) -> Running:
    """A loan that is no longer active stands still: what it earned is in its columns."""
    active = row["state"] == LoanState.ACTIVE
    return Running(
        accrues=active and (row["plan"] == LoanPlan.SINGLE or row["with_interest"]),
        outstanding=row["outstanding_principal_amount"] if active else ZERO,
        daily_rate=row["daily_rate"],
        since=row["segment_start_date"],
        interest=row["interest_settled_amount"],
        fee=row["fee_charged_amount"],
        exposure=row["exposure_amount"] or ZERO,
        penalty_claimed=row["penalty_claimed_amount"],
        penalty_paid=row["penalty_paid_amount"],
        cost_cap_rate=row["cost_cap_rate"],
    )


def earned_by_replay(loan: Loan, day: date) -> dict[str, Decimal]:
    """The same of one loan, from its events up to `day`."""
    position = loan_position(loan, day + timedelta(days=1), events_until=day)
    return dict(zip(KINDS, (position.interest_accrued, position.fees_charged, position.penalty_charged), strict=True))
