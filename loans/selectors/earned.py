"""What the whole book has earned by a date: one statement over the columns, a replay only where columns cannot tell.

PostgreSQL computes the closed form of `loans/maths/running.py` itself, in exact decimals; elsewhere the same formula
runs over the rows as they stream by.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from loans.maths.running import Running, earned_on
from loans.models import Loan, LoanEvent, LoanPlan, LoanState, ProductAccrual
from loans.selectors.position import loan_position
from risk.models import PenaltyMethod
from weilidai.lib.money import ZERO
from weilidai.lib.partitions import Span

BATCH = 500
STREAM = 5000
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
# The condition of the index `loan_with_history`, as it is written there.
HISTORY = (
    "(exposure_amount IS NULL OR penalty_method = 'rate_uplift' OR rearranged_date IS NOT NULL"
    " OR (plan = 'instalments' AND with_interest))"
)
# The sums of the loans told by their columns, and the keys of the others, who are found by indexes.
# %(on)s is the date the figures hold on, %(day)s the last day whose events count. One statement is one snapshot: a loan
# paid meanwhile is told by its columns or is among the rest, never both.
CLOSED_FORM = (
    """
SELECT product_id, sum(interest), sum(fee), sum({penalty}), ARRAY[]::uuid[] AS rest
FROM (
    SELECT product_id, fee_charged_amount AS fee, penalty_claimed_amount, penalty_paid_amount, cost_cap_rate,
           coalesce(exposure_amount, 0) + CASE WHEN state = 'active' AND penalty_claimed_amount <> 0
               THEN outstanding_principal_amount * (%(on)s::date - segment_start_date) ELSE 0 END AS exposure,
           CASE WHEN state = 'active' AND (plan = 'single' OR with_interest)
               THEN interest_settled_amount
                    + round(outstanding_principal_amount * (daily_rate * (%(on)s::date - segment_start_date)), 2)
               ELSE interest_settled_amount END AS interest
    FROM loans_loan
    WHERE start_date <= %(day)s AND id BETWEEN %(first)s AND %(last)s
      AND CASE WHEN state = 'active' THEN exposure_amount IS NOT NULL AND rearranged_date IS NULL
                    AND NOT (with_interest AND plan = 'instalments')
                    AND (penalty_method <> 'rate_uplift' OR coalesce(next_due_date >= %(on)s, false))
               ELSE true END
      AND id NOT IN ({later})
) figures
GROUP BY product_id
UNION ALL
SELECT '', 0, 0, 0, ARRAY(
    SELECT id FROM loans_loan WHERE start_date <= %(day)s AND id IN ({later})
    UNION
    SELECT id FROM loans_loan
    WHERE start_date <= %(day)s AND id BETWEEN %(first)s AND %(last)s AND {history} AND state = 'active'
      AND (penalty_method <> 'rate_uplift' OR next_due_date IS NULL OR next_due_date < %(on)s
           OR exposure_amount IS NULL OR rearranged_date IS NOT NULL OR with_interest AND plan = 'instalments')
)
""".replace("{penalty}", PENALTY)
    .replace("{later}", LATER)
    .replace("{history}", HISTORY)
)


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
    return Loan.objects.filter(start_date__lte=day).filter(Q(pk__in=later) | Q(state=LoanState.ACTIVE) & history)


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


def earned_in_columns(day: date, span: Span) -> tuple[Sums, list[UUID]]:
    """Cumulative interest, fees and penalties per product on the day after `day`, and the keys of the loans `replayed`,
    which are not in the sums.
    """
    if connection.vendor == "postgresql":
        return _by_statement(day, span)
    rest = replayed(day).filter(span.within())
    return _by_stream(day, span), list(rest.order_by("pk").values_list("pk", flat=True))


def _by_statement(day: date, span: Span) -> tuple[Sums, list[UUID]]:
    sums: Sums = defaultdict(lambda: ZERO)
    rest: list[UUID] = []
    with connection.cursor() as cursor:
        cursor.execute(CLOSED_FORM, {"on": day + timedelta(days=1), "day": day, **span.params})
        for product, *amounts, others in cursor:
            if product:
                sums |= {(product, kind): amount or ZERO for kind, amount in zip(KINDS, amounts, strict=True)}
            rest += others
    return sums, sorted(rest)


def _by_stream(day: date, span: Span) -> Sums:
    sums: Sums = defaultdict(lambda: ZERO)
    told = Loan.objects.filter(span.within(), start_date__lte=day).exclude(pk__in=replayed(day).values("pk"))
    for row in told.values(*COLUMNS).iterator(chunk_size=STREAM):
        earned = earned_on(_running(row), day + timedelta(days=1))
        for kind, amount in zip(KINDS, (earned.interest, earned.fee, earned.penalty), strict=True):
            sums[row["product_id"], kind] += amount
    return sums


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
