"""Overdue facts: days past due and bucket, written on the days on which a loan's bucket changed."""

from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from loans.end_of_day.accrual import in_batches, running_on
from loans.end_of_day.run import Progress
from loans.models import DelinquencyFact, Instalment, Loan, LoanState
from loans.selectors.position import loan_position

CURRENT = "0"


def _last_bucket(day: date) -> Subquery:
    facts = DelinquencyFact.objects.filter(loan=OuterRef("pk"), business_date__lt=day)
    return Subquery(facts.order_by("-business_date").values("bucket")[:1])


def candidates(day: date) -> QuerySet[Loan]:
    """Loans that may stand in another bucket than before: something past due, or overdue until now."""
    past_due = Instalment.objects.filter(due_date__lt=day).filter(
        Q(settled_date__isnull=True) | Q(settled_date__gt=day)
    )
    loans = Loan.objects.exclude(state__in=[LoanState.DISBURSING, LoanState.FAILED]).annotate(
        last_bucket=_last_bucket(day)
    )
    was_overdue = Q(last_bucket__isnull=False) & ~Q(last_bucket=CURRENT)
    is_overdue = Q(pk__in=past_due.values("loan_id")) & Q(pk__in=running_on(day).values("pk"))
    return loans.filter(was_overdue | is_overdue)


def facts_write(day: date, progress: Progress) -> dict[str, Any]:
    """One fact per loan whose bucket on `day` differs from its last; returns how many crossed into which."""
    crossed: dict[str, int] = {}
    loans, done = candidates(day), 0
    total = loans.count()
    for batch in in_batches(loans):
        with transaction.atomic():
            for loan in batch:
                bucket = _fact_write(loan, day)
                if bucket:
                    crossed[bucket] = crossed.get(bucket, 0) + 1
        done += len(batch)
        progress(done, total)
    return crossed


def _fact_write(loan: Loan, day: date) -> str:
    position = loan_position(loan, day, events_until=day)
    if position.bucket == (getattr(loan, "last_bucket", None) or CURRENT):
        return ""
    DelinquencyFact.objects.update_or_create(
        loan=loan,
        business_date=day,
        defaults={
            "customer_id": loan.customer_id,
            "days_past_due": position.days_past_due,
            "bucket": position.bucket,
            "outstanding_principal_amount": position.outstanding_principal,
        },
    )
    return position.bucket
