"""What the book has earned by the opening of the next day: one entry per product and kind, the growth of a sum.

The night of day d looks at loans as events up to d left them, valued on d + 1. Payments that customers make
meanwhile carry d + 1, so a night run late, twice or after an outage posts the same.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from loans import ledger
from loans.end_of_day.run import Results
from loans.models import EntryKind, Loan, ProductAccrual
from loans.selectors.earned import BATCH, KINDS, Sums, earned_by_replay, earned_in_columns
from loans.services.journal import entry_post
from risk.models import Product
from weilidai.lib.money import ZERO
from weilidai.lib.partitions import EVERYTHING, Span


def earned_by_opening(day: date, span: Span = EVERYTHING) -> Sums:
    """Cumulative interest, fees and penalties per product on the day after `day`, of the loans of a range."""
    told, rest = earned_in_columns(day, span)
    sums: Sums = defaultdict(lambda: ZERO, told)
    for start in range(0, len(rest), BATCH):
        for loan in Loan.objects.filter(pk__in=rest[start : start + BATCH]).prefetch_related("events"):
            for kind, amount in earned_by_replay(loan, day).items():
                sums[loan.product_id, kind] += amount
    return sums


def earned_of_range(day: date, span: Span) -> dict[str, Any]:
    """The sums of a range as they are kept until all ranges are done."""
    return {f"{product}.{kind}": str(amount) for (product, kind), amount in earned_by_opening(day, span).items()}


def accrual_post(day: date, results: Results) -> dict[str, Any]:
    """Posts the growth since the day before, per product and kind, and returns the amounts posted."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for result in results:
        for name, amount in result.items():
            sums[name] += Decimal(amount)
    posted: dict[str, Any] = {}
    for product in Product.objects.all():
        for kind in KINDS:
            name = f"{product.pk}.{kind}"
            posted[name] = str(_growth_post(product, kind, day, sums[name]))
    return posted


def _growth_post(product: Product, kind: str, day: date, cumulative: Decimal) -> Decimal:
    rows = ProductAccrual.objects.select_for_update(no_key=True).filter(product=product, kind=kind)
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
