"""Carrying a loan's figures over the dates that change them without an event: a period starts, a due date passes.

Only loans with such a date are touched. `figures_date` says how far a row has been carried, so a night run twice
adds nothing; a row on which something happened after the day is left alone, its event has carried it already.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from loans.end_of_day.run import Progress
from loans.maths.penalty import share_claim
from loans.models import Instalment, Loan, LoanState
from risk.models import PenaltyMethod
from weilidai.lib.money import ZERO

BATCH = 2000
# fee charged more, penalty claimed more
Growth = tuple[Decimal, Decimal]


def figures_carry(day: date, progress: Progress) -> dict[str, Any]:
    """Fees of periods that start on the day after `day`, penalties claimed for what was due on `day`."""
    opening, carried = day + timedelta(days=1), 0
    growth = _growth(day)
    loans = iter(sorted(growth))
    while keys := list(islice(loans, BATCH)):
        carried += _carry(keys, growth, opening)
        progress(carried, len(growth))
    return {"loans": carried}


def _growth(day: date) -> dict[UUID, Growth]:
    found: dict[UUID, Growth] = defaultdict(lambda: (ZERO, ZERO))
    for loan, fee in _fees_starting(day + timedelta(days=1)):
        found[loan] = (found[loan][0] + fee, found[loan][1])
    for loan, claim in _claims_beginning(day):
        found[loan] = (found[loan][0], found[loan][1] + claim)
    return found


def _fees_starting(opening: date) -> Iterator[tuple[UUID, Decimal]]:
    """What a period's start adds to the fees charged; a period whose principal was paid ahead adds nothing (R42)."""
    rows = Instalment.objects.filter(
        start_date=opening, settled_date__isnull=True, fee_amount__gt=F("fee_paid_amount"), loan__state=LoanState.ACTIVE
    ).filter(principal_paid_amount__lt=F("principal_amount"))
    columns = rows.values_list("loan_id", "fee_amount", "fee_paid_amount")
    for loan, fee, paid in columns.iterator(chunk_size=BATCH):
        yield loan, fee - paid


def _claims_beginning(day: date) -> Iterator[tuple[UUID, Decimal]]:
    """What being overdue since `day` claims under `principal_share` (R26)."""
    rows = Instalment.objects.filter(
        due_date=day,
        settled_date__isnull=True,
        loan__state=LoanState.ACTIVE,
        loan__penalty_method=PenaltyMethod.PRINCIPAL_SHARE,
    )
    columns = rows.values_list("loan_id", "principal_amount", "principal_paid_amount", "loan__penalty_share")
    for loan, principal, paid, share in columns.iterator(chunk_size=BATCH):
        yield loan, share_claim(principal - paid, share)


@transaction.atomic
def _carry(keys: list[UUID], growth: dict[UUID, Growth], opening: date) -> int:
    """Under the rows' locks: what an event carried meanwhile is not carried again."""
    rows = Loan.objects.select_for_update().filter(
        pk__in=keys, state=LoanState.ACTIVE, figures_date__lt=opening, segment_start_date__lt=opening
    )
    loans = list(rows.order_by("pk"))
    for loan in loans:
        fee, claim = growth[loan.pk]
        loan.fee_charged_amount += fee
        loan.penalty_claimed_amount += claim
        loan.figures_date = opening
    Loan.objects.bulk_update(
        loans, ["fee_charged_amount", "penalty_claimed_amount", "figures_date"], batch_size=BATCH // 4
    )
    return len(loans)
