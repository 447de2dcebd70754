"""Overdue facts: days past due and bucket, written on the days on which a loan's bucket changed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from loans.end_of_day.run import Progress
from loans.maths.delinquency import BUCKETS, bucket_of, days_past_due
from loans.models import DelinquencyFact, Loan, LoanEvent, LoanState
from loans.selectors.earned import in_batches
from loans.selectors.position import loan_position

CURRENT = "0"
BATCH = 2000
OWING = (LoanState.ACTIVE, LoanState.WRITTEN_OFF)


@dataclass(frozen=True)
class Standing:
    """Where a loan stood at the end of a day, and the bucket recorded last."""

    loan_id: UUID
    customer_id: UUID
    days_past_due: int
    bucket: str
    recorded_bucket: str
    outstanding_principal: Decimal


def _with_later_events(day: date) -> Any:
    return LoanEvent.objects.filter(business_date__gt=day).values("loan_id")


def candidates(day: date) -> QuerySet[Loan]:
    """Loans that may have left the bucket recorded last: those reaching a threshold on `day`, those in a bucket,
    those whose past was rewritten on it.
    """
    thresholds = [day - timedelta(days=band.days_min) for band in BUCKETS if band.days_min]
    crossing = Q(state__in=OWING, next_due_date__in=thresholds)
    return Loan.objects.filter(crossing | ~Q(recorded_bucket=CURRENT) | Q(replayed_date=day)).exclude(
        pk__in=_with_later_events(day)
    )


def _standings(day: date) -> Iterator[Standing]:
    """From the columns where nothing happened after the day, else from the events up to it."""
    columns = ("pk", "customer_id", "next_due_date", "recorded_bucket", "outstanding_principal_amount", "state")
    for key, customer, due, recorded, outstanding, state in (
        candidates(day).order_by().values_list(*columns).iterator(chunk_size=BATCH)
    ):
        days = days_past_due(due if state in OWING else None, day)
        yield Standing(key, customer, days, bucket_of(days), recorded, outstanding)
    for batch in in_batches(Loan.objects.filter(start_date__lte=day, pk__in=_with_later_events(day))):
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


def facts_write(day: date, progress: Progress) -> dict[str, Any]:
    """One fact per loan whose bucket on `day` differs from its last; returns how many crossed into which."""
    crossed: dict[str, int] = {}
    moved = (row for row in _standings(day) if row.bucket != row.recorded_bucket)
    done = 0
    while batch := list(islice(moved, BATCH)):
        _facts_write(batch, day)
        for row in batch:
            crossed[row.bucket] = crossed.get(row.bucket, 0) + 1
        done += len(batch)
        progress(done, done)
    return crossed


@transaction.atomic
def _facts_write(batch: Iterable[Standing], day: date) -> None:
    rows = list(batch)
    DelinquencyFact.objects.bulk_create(
        (
            DelinquencyFact(
                loan_id=row.loan_id,
                customer_id=row.customer_id,
                business_date=day,
                days_past_due=row.days_past_due,
                bucket=row.bucket,
                outstanding_principal_amount=row.outstanding_principal,
            )
            for row in rows
        ),
        update_conflicts=True,
        unique_fields=["loan", "business_date"],
        update_fields=["days_past_due", "bucket", "outstanding_principal_amount"],
    )
    for bucket in {row.bucket for row in rows}:
        keys = [row.loan_id for row in rows if row.bucket == bucket]
        Loan.objects.filter(pk__in=keys).update(recorded_bucket=bucket)
