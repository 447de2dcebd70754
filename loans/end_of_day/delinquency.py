"""Overdue facts: days past due and bucket, written on the days on which a loan's bucket changed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, islice
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from loans.maths.delinquency import BUCKETS, bucket_of, days_past_due
from loans.models import DelinquencyFact, Loan, LoanEvent, LoanState
from loans.selectors.earned import in_batches
from loans.selectors.position import loan_position
from weilidai.lib.bulk import rows_update, rows_upsert
from weilidai.lib.ids import UUID7_SQL, uuid7
from weilidai.lib.partitions import EVERYTHING, Span

CURRENT = "0"
BATCH = 2000
OWING = (LoanState.ACTIVE, LoanState.WRITTEN_OFF)
FIGURES = ("days_past_due", "bucket", "outstanding_principal_amount")
COLUMNS = ("id", "loan_id", "customer_id", "business_date", *FIGURES)
# Days past due on which a loan enters a bucket.
THRESHOLDS = [band.days_min for band in BUCKETS if band.days_min]


@dataclass(frozen=True)
class Standing:
    """Where a loan stood at the end of a day, and the bucket recorded last."""

    loan_id: UUID
    customer_id: UUID
    days_past_due: int
    bucket: str
    recorded_bucket: str
    outstanding_principal: Decimal


DAYS = """CASE WHEN state IN ('active', 'written_off')
       THEN greatest(0, %(day)s::date - coalesce(next_due_date, %(day)s)) ELSE 0 END"""
# Loans on which nothing happened after the day, in one statement; the rows below do the same elsewhere. Who may have
# left the bucket recorded last is found by three indexes, and looked up by key: as an array, whatever their number is
# guessed to be. Days and amounts are those of the snapshot, in which no event is later; what is recorded is asked once
# more under the lock of the loan, so that of two at once the second finds nothing left to do.
STATEMENT = """
WITH candidate AS MATERIALIZED (
    SELECT id FROM loans_loan
    WHERE state IN ('active', 'written_off') AND next_due_date = ANY(%(crossing)s) AND id BETWEEN %(first)s AND %(last)s
    UNION
    SELECT id FROM loans_loan
    WHERE recorded_bucket <> '0' AND id BETWEEN %(first)s AND %(last)s
      AND recorded_bucket <> (%(codes)s::text[])[width_bucket({days}, %(thresholds)s::integer[]) + 1]
    UNION
    SELECT loan_id FROM loans_loanevent
    WHERE business_date = %(day)s AND kind <> 'drawdown' AND loan_id BETWEEN %(first)s AND %(last)s
), moved AS MATERIALIZED (
    SELECT id, customer_id, days, outstanding_principal_amount,
           (%(codes)s::text[])[width_bucket(days, %(thresholds)s::integer[]) + 1] AS bucket
    FROM (
        SELECT loan.*, {days} AS days
        FROM loans_loan loan
        WHERE id = ANY(ARRAY(SELECT id FROM candidate)) AND start_date <= %(day)s
          AND id NOT IN (SELECT loan_id FROM loans_loanevent
                         WHERE business_date > %(day)s AND loan_id BETWEEN %(first)s AND %(last)s)
    ) standing
    WHERE recorded_bucket <> (%(codes)s::text[])[width_bucket(days, %(thresholds)s::integer[]) + 1]
), locked AS MATERIALIZED (
    SELECT loan.id, moved.customer_id, moved.days, moved.outstanding_principal_amount, moved.bucket
    FROM moved JOIN loans_loan loan ON loan.id = moved.id
    WHERE loan.recorded_bucket <> moved.bucket ORDER BY loan.id FOR NO KEY UPDATE OF loan
), written AS (
    INSERT INTO loans_delinquencyfact (id, loan_id, customer_id, business_date, days_past_due, bucket,
                                       outstanding_principal_amount)
    SELECT {uuid7}, id, customer_id, %(day)s, days, bucket, outstanding_principal_amount FROM locked
    ON CONFLICT ON CONSTRAINT overdue_fact_once_per_day DO UPDATE SET days_past_due = excluded.days_past_due,
        bucket = excluded.bucket, outstanding_principal_amount = excluded.outstanding_principal_amount
), marked AS (
    UPDATE loans_loan SET recorded_bucket = locked.bucket FROM locked WHERE loans_loan.id = locked.id
)
SELECT bucket, count(*) FROM locked GROUP BY bucket
""".replace("{uuid7}", UUID7_SQL).replace("{days}", DAYS)


def _with_later_events(day: date) -> Any:
    return LoanEvent.objects.filter(business_date__gt=day).values("loan_id")


def candidates(day: date, span: Span) -> QuerySet[Loan]:
    """Loans that may have left the bucket recorded last: those reaching a threshold on `day`, those in a bucket,
    those on which something was entered on it.
    """
    crossing = Q(state__in=OWING, next_due_date__in=[day - timedelta(days=days) for days in THRESHOLDS])
    entered = LoanEvent.objects.filter(business_date=day).exclude(kind=LoanEvent.Kind.DRAWDOWN).values("loan_id")
    return Loan.objects.filter(
        crossing | ~Q(recorded_bucket=CURRENT) | Q(pk__in=entered), span.within(), start_date__lte=day
    ).exclude(pk__in=_with_later_events(day))


def facts_write(day: date, span: Span = EVERYTHING) -> dict[str, int]:
    """One fact per loan whose bucket on `day` differs from its last; returns how many crossed into which."""
    crossed: Counter[str] = Counter()
    # Read after the statement: a loan that is paid in between is looked at twice, to the same end.
    later = in_batches(Loan.objects.filter(span.within(), start_date__lte=day, pk__in=_with_later_events(day)))
    if connection.vendor == "postgresql":
        crossed.update(_by_statement(day, span))
        standings = _replayed(day, later)
    else:
        standings = chain(_told(day, span), _replayed(day, later))
    moved = (row for row in standings if row.bucket != row.recorded_bucket)
    while batch := list(islice(moved, BATCH)):
        crossed.update(_facts_write(batch, day))
    return dict(crossed)


def _by_statement(day: date, span: Span) -> dict[str, int]:
    values: dict[str, Any] = {
        "day": day, "crossing": [day - timedelta(days=days) for days in THRESHOLDS], "thresholds": THRESHOLDS,
        "codes": [band.code for band in BUCKETS], **span.params,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, values)
        return dict(cursor.fetchall())


def _told(day: date, span: Span) -> Iterator[Standing]:
    """From the columns of loans on which nothing happened after the day."""
    columns = ("pk", "customer_id", "next_due_date", "recorded_bucket", "outstanding_principal_amount", "state")
    for key, customer, due, recorded, outstanding, state in (
        candidates(day, span).order_by().values_list(*columns).iterator(chunk_size=BATCH)
    ):
        days = days_past_due(due if state in OWING else None, day)
        yield Standing(key, customer, days, bucket_of(days), recorded, outstanding)


def _replayed(day: date, batches: Iterator[list[Loan]]) -> Iterator[Standing]:
    """From the events up to the day."""
    for batch in batches:
        for loan in batch:
            position = loan_position(loan, day, events_until=day)
            yield Standing(
                loan.pk,
                loan.customer_id,
                position.days_past_due,
                position.bucket,
                loan.recorded_bucket,
                position.outstanding_principal,
            )


@transaction.atomic
def _facts_write(batch: list[Standing], day: date) -> list[str]:
    """Writes those whose bucket is not recorded yet, judged under the locks of their loans; returns their buckets.

    How a loan stood on a closed day is settled, so of two at once both mean the same rows.
    """
    loans = Loan.objects.select_for_update(no_key=True).filter(pk__in=[row.loan_id for row in batch]).order_by("pk")
    recorded = dict(loans.values_list("pk", "recorded_bucket"))
    rows = [row for row in batch if recorded[row.loan_id] != row.bucket]
    facts = [
        (uuid7(), row.loan_id, row.customer_id, day, row.days_past_due, row.bucket, row.outstanding_principal)
        for row in rows
    ]
    rows_upsert(DelinquencyFact, COLUMNS, facts, constraint="overdue_fact_once_per_day", again=FIGURES)
    rows_update([Loan(pk=row.loan_id, recorded_bucket=row.bucket) for row in rows], ("recorded_bucket",))
    return [row.bucket for row in rows]
