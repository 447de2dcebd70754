"""What ended loans have earned, folded into rows of sums so that nights need not ask the loans again.

A night folds, in the transaction of a range; whoever writes on a folded loan later unfolds it first, which
`loans/services/history.py` does for everybody. Rows are only inserted, so nobody waits for anybody here.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q

from loans.models import FoldedEarnings, Loan, LoanState
from loans.selectors.earned import BATCH, COLUMNS, KINDS, Sums, amounts_of
from weilidai.lib.money import ZERO


@dataclass
class Folded:
    """What a night folded of one range."""

    count: int = 0
    sums: Sums = field(default_factory=lambda: defaultdict(lambda: ZERO))


def loans_fold(keys: list[UUID], day: date) -> Folded:
    """Folds those of the loans that have ended by the end of `day`. The caller's transaction is that of their range."""
    done, counts = Folded(), defaultdict[str, int](int)
    for start in range(0, len(keys), BATCH):
        rows = _ended(keys[start : start + BATCH], day)
        for row in rows:
            counts[row["product_id"]] += 1
            for kind, amount in zip(KINDS, amounts_of(row, day), strict=True):
                done.sums[row["product_id"], kind] += amount
        Loan.objects.filter(pk__in=[row["pk"] for row in rows]).update(folded_date=day)
    FoldedEarnings.objects.bulk_create(
        _row(product, day, day, count, [done.sums[product, kind] for kind in KINDS])
        for product, count in counts.items()
    )
    done.count = sum(counts.values())
    return done


def _ended(keys: list[UUID], day: date) -> list[dict[str, Any]]:
    """Their columns, under lock. A loan on which somebody works just now waits for another night, and the row itself
    must say that its past was not rewritten after the day: what the lock waited for is not in this snapshot.
    """
    still = Q(replayed_date__isnull=True) | Q(replayed_date__lte=day)
    rows = Loan.objects.select_for_update(no_key=True, skip_locked=True).filter(still, pk__in=keys)
    rows = rows.filter(folded_date__isnull=True, start_date__lte=day).exclude(state=LoanState.ACTIVE)
    return list(rows.order_by().values("pk", *COLUMNS))


def loan_unfold(loan: Loan, on: date) -> None:
    """Takes a folded loan out of the sums as of the business date `on`, before anything of it changes.

    The caller holds the loan's lock and saves it.
    """
    if loan.folded_date is None:
        return
    amounts = amounts_of({name: getattr(loan, name) for name in COLUMNS}, on)
    row = _row(loan.product_id, on, loan.folded_date, -1, [-amount for amount in amounts])
    row.loan_id = loan.pk
    row.save(force_insert=True)
    loan.folded_date, loan.unfolded_date = None, on


def _row(product: str, on: date, folded: date, count: int, amounts: list[Any]) -> FoldedEarnings:
    interest, fee, penalty = amounts
    return FoldedEarnings(
        product_id=product, business_date=on, folded_date=folded, loans_count=count, interest_amount=interest,
        fee_amount=fee, penalty_amount=penalty,
    )  # fmt: skip
