"""What the book has earned by the opening of the next day: one entry per product and kind, the growth of a sum.

The night of day d looks at loans as events up to d left them, valued on d + 1. Payments that customers make
meanwhile carry d + 1, so a night run late, twice or after an outage posts the same.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from loans import ledger
from loans.end_of_day.run import Progress
from loans.models import EntryKind, Loan, ProductAccrual
from loans.selectors.position import loan_position
from loans.services.journal import entry_post
from risk.models import Product
from weilidai.lib.money import ZERO

BATCH = 500
KINDS = (ProductAccrual.Kind.INTEREST, ProductAccrual.Kind.FEE, ProductAccrual.Kind.PENALTY)
Sums = dict[tuple[str, str], Decimal]


def running_on(day: date) -> QuerySet[Loan]:
    """Loans that were paid out by the end of `day` and not settled by then."""
    return Loan.objects.filter(start_date__lte=day).filter(Q(settled_date__isnull=True) | Q(settled_date__gt=day))


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


def _settled_sums(day: date) -> Sums:
    """Settled loans never change again: their own columns say what they earned.

    The settlement fee is not among them: it is booked by the settlement itself.
    """
    rows = (
        Loan.objects.filter(settled_date__lte=day)
        .values("product_id")
        .annotate(
            interest=Sum("interest_settled_amount"),
            fee=Sum("fee_charged_amount"),
            penalty=Sum("penalty_charged_amount"),
        )
    )
    sums: list[dict[str, Any]] = [dict(row) for row in rows]
    return {(row["product_id"], kind): row[kind] for row in sums for kind in KINDS}


def earned_by_opening(day: date, progress: Progress) -> Sums:
    """Cumulative interest, fees and penalties per product on the day after `day`."""
    sums: Sums = defaultdict(lambda: ZERO, _settled_sums(day))
    loans, done = running_on(day), 0
    total = loans.count()
    for batch in in_batches(loans):
        for loan in batch:
            position = loan_position(loan, day + timedelta(days=1), events_until=day)
            sums[loan.product_id, KINDS[0]] += position.interest_accrued
            sums[loan.product_id, KINDS[1]] += position.fees_charged
            sums[loan.product_id, KINDS[2]] += position.penalty_charged
        done += len(batch)
        progress(done, total)
    return sums


def accrual_post(day: date, progress: Progress) -> dict[str, Any]:
    """Posts the growth since the day before, per product and kind, and returns the amounts posted."""
    sums = earned_by_opening(day, progress)
    posted: dict[str, Any] = {}
    with transaction.atomic():
        for product in Product.objects.all():
            for kind in KINDS:
                amount = _growth_post(product, kind, day, sums.get((product.pk, kind), ZERO))
                posted[f"{product.pk}.{kind}"] = str(amount)
    return posted


def _growth_post(product: Product, kind: str, day: date, cumulative: Decimal) -> Decimal:
    rows = ProductAccrual.objects.select_for_update().filter(product=product, kind=kind)
    done = rows.filter(business_date=day).first()
    if done is not None:
        return Decimal(done.amount)
    before = rows.filter(business_date__lt=day).order_by("-business_date").first()
    amount: Decimal = cumulative - (before.cumulative_amount if before else ZERO)
    ProductAccrual.objects.create(
        product=product,
        kind=kind,
        business_date=day,
        cumulative_amount=cumulative,
        amount=amount,
        entry=_entry(product, kind, day, amount) if amount else None,
    )
    return amount


def _entry(product: Product, kind: str, day: date, amount: Decimal) -> Any:
    return entry_post(
        kind=EntryKind.ACCRUAL,
        reference=f"accrual:{product.pk}:{kind}:{day}",
        effective_date=day,
        at=timezone.now(),
        lines=ledger.accrual(kind, amount),
        product=product,
    )
