"""What the book has earned by the opening of the next day: one entry per product and kind, the growth of a sum.

The night of day d looks at loans as events up to d left them, valued on d + 1. Payments that customers make
meanwhile carry d + 1, so a night run late, twice or after an outage posts the same.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from loans import ledger
from loans.end_of_day.run import Progress
from loans.models import EntryKind, Loan, ProductAccrual
from loans.selectors.earned import BATCH, KINDS, Sums, earned_by_replay, earned_in_columns, replayed
from loans.services.journal import entry_post
from risk.models import Product
from weilidai.lib.money import ZERO


def earned_by_opening(day: date, progress: Progress) -> Sums:
    """Cumulative interest, fees and penalties per product on the day after `day`."""
    told, rest = _divided(day)
    sums: Sums = defaultdict(lambda: ZERO, told)
    for start in range(0, len(rest), BATCH):
        for loan in Loan.objects.filter(pk__in=rest[start : start + BATCH]).prefetch_related("events"):
            for kind, amount in earned_by_replay(loan, day).items():
                sums[loan.product_id, kind] += amount
        progress(min(start + BATCH, len(rest)), len(rest))
    return sums


@transaction.atomic
def _divided(day: date) -> tuple[Sums, list[UUID]]:
    """What the columns tell, and the keys of the loans to replay, of one snapshot: a loan that is paid meanwhile is
    in one or the other. Its replay up to `day` is the same before and after that payment.
    """
    if connection.vendor == "postgresql" and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return earned_in_columns(day), list(replayed(day).order_by("pk").values_list("pk", flat=True))


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
