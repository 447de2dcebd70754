"""What the book has earned by the opening of the next day: one entry per product and kind, the growth of a sum.

The night of day d looks at loans as events up to d left them, valued on d + 1. Payments that customers make
meanwhile carry d + 1, so a night run late, twice or after an outage posts the same. Loans that have ended by then are
folded on the way, so that later nights do not look at them.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from loans import ledger
from loans.end_of_day.run import Results
from loans.models import EntryKind, Loan, ProductAccrual
from loans.selectors.earned import BATCH, KINDS, Sums, earned_by_replay, earned_in_columns, folded_by
from loans.services.folding import loans_fold
from loans.services.journal import entry_post
from risk.models import Product
from weilidai.lib.money import ZERO
from weilidai.lib.partitions import EVERYTHING, Span

# In the result of a range: how many loans it folded. Ranges of releases that folded none do not name it.
FOLDED = "folded"


def earned_by_opening(day: date) -> Sums:
    """Cumulative interest, fees and penalties per product on the day after `day`, the day being or last closed."""
    sums, _ended = _unfolded(day, EVERYTHING)
    for key, amount in folded_by(day).items():
        sums[key] += amount
    return sums


def _unfolded(day: date, span: Span) -> tuple[Sums, list[UUID]]:
    """What the loans of a range have earned that are not folded, and the keys of those that may be."""
    told = earned_in_columns(day, span)
    sums: Sums = defaultdict(lambda: ZERO, told.sums)
    for start in range(0, len(told.rest), BATCH):
        for loan in Loan.objects.filter(pk__in=told.rest[start : start + BATCH]).prefetch_related("events"):
            for kind, amount in earned_by_replay(loan, day).items():
                sums[loan.product_id, kind] += amount
    return sums, told.ended


def earned_of_range(day: date, span: Span) -> dict[str, Any]:
    """The sums of a range as they are kept until all ranges are done, without those of loans that are folded by then.

    Loans are folded in the transaction of the range, so whether one is counted here or there is true at once.
    """
    sums, ended = _unfolded(day, span)
    folded = loans_fold(ended, day)
    for key, amount in folded.sums.items():
        sums[key] -= amount
    return {FOLDED: folded.count} | {f"{product}.{kind}": str(amount) for (product, kind), amount in sums.items()}


def accrual_post(day: date, results: Results) -> dict[str, Any]:
    """Posts the growth since the day before, per product and kind, and returns the amounts posted."""
    sums = _added_up(day, results)
    posted: dict[str, Any] = {}
    for product in Product.objects.all():
        for kind in KINDS:
            posted[f"{product.pk}.{kind}"] = str(_growth_post(product, kind, day, sums[product.pk, kind]))
    return posted


def _added_up(day: date, results: Results) -> Sums:
    if not all(FOLDED in result for result in results):
        # Begun by a release that knew no folded loans: asked anew, which gives the same on whatever moment.
        return earned_by_opening(day)
    sums: Sums = defaultdict(lambda: ZERO, folded_by(day))
    for result in results:
        for name, amount in result.items():
            if name != FOLDED:
                product, _, kind = name.rpartition(".")
                sums[product, kind] += Decimal(amount)
    return sums


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
