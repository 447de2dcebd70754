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

from django.db import connection, transaction
from django.db.models import F

from loans.maths.penalty import share_claim
from loans.models import Instalment, Loan, LoanState
from risk.models import PenaltyMethod
from weilidai.lib.money import ZERO
from weilidai.lib.partitions import EVERYTHING, Span

BATCH = 2000
# fee charged more, penalty claimed more
Growth = tuple[Decimal, Decimal]


# The whole step as one statement, in exact decimals; the rows below do the same elsewhere.
STATEMENT = """
UPDATE loans_loan AS loan
SET fee_charged_amount = fee_charged_amount + grown.fee, penalty_claimed_amount = penalty_claimed_amount + grown.claim,
    figures_date = %(opening)s
FROM (
    SELECT loan_id, sum(fee) AS fee, sum(claim) AS claim
    FROM (
        SELECT loan_id, fee_amount - fee_paid_amount AS fee, 0 AS claim FROM loans_instalment
        WHERE start_date = %(opening)s AND loan_id BETWEEN %(first)s AND %(last)s AND settled_date IS NULL
          AND fee_amount > fee_paid_amount AND principal_paid_amount < principal_amount
        UNION ALL
        SELECT i.loan_id, 0, round(l.penalty_share * least(i.principal_amount - i.principal_paid_amount,
               coalesce(i.claimable_amount, i.principal_amount)), 2)
        FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id
        WHERE i.due_date = %(day)s AND i.loan_id BETWEEN %(first)s AND %(last)s AND i.settled_date IS NULL
          AND l.penalty_method = 'principal_share'
    ) parts
    GROUP BY loan_id
) grown
WHERE loan.id = grown.loan_id AND state = 'active' AND figures_date < %(opening)s AND segment_start_date < %(opening)s
"""


def figures_carry(day: date, span: Span = EVERYTHING) -> dict[str, Any]:
    """Fees of periods that start on the day after `day`, penalties claimed for what was due on `day`."""
    opening, carried = day + timedelta(days=1), 0
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(STATEMENT, {"day": day, "opening": opening, **span.params})
            return {"loans": cursor.rowcount}
    growth = _growth(day, span)
    loans = iter(sorted(growth))
    while keys := list(islice(loans, BATCH)):
        carried += _carry(keys, growth, opening)
    return {"loans": carried}


def _growth(day: date, span: Span) -> dict[UUID, Growth]:
    found: dict[UUID, Growth] = defaultdict(lambda: (ZERO, ZERO))
    for loan, fee in _fees_starting(day + timedelta(days=1), span):
        found[loan] = (found[loan][0] + fee, found[loan][1])
    for loan, claim in _claims_beginning(day, span):
        found[loan] = (found[loan][0], found[loan][1] + claim)
    return found


def _fees_starting(opening: date, span: Span) -> Iterator[tuple[UUID, Decimal]]:
    """What a period's start adds to the fees charged; a period whose principal was paid ahead adds nothing (R42)."""
    rows = Instalment.objects.filter(span.within("loan"), loan__state=LoanState.ACTIVE).filter(
        start_date=opening, settled_date__isnull=True, fee_amount__gt=F("fee_paid_amount"),
        principal_paid_amount__lt=F("principal_amount"),
    )  # fmt: skip
    columns = rows.order_by().values_list("loan_id", "fee_amount", "fee_paid_amount")
    for loan, fee, paid in columns.iterator(chunk_size=BATCH):
        yield loan, fee - paid


def _claims_beginning(day: date, span: Span) -> Iterator[tuple[UUID, Decimal]]:
    """What being overdue since `day` claims under `principal_share` (R26)."""
    rows = Instalment.objects.filter(
        span.within("loan"),
        due_date=day,
        settled_date__isnull=True,
        loan__state=LoanState.ACTIVE,
        loan__penalty_method=PenaltyMethod.PRINCIPAL_SHARE,
    )
    names = ("loan_id", "principal_amount", "principal_paid_amount", "claimable_amount", "loan__penalty_share")
    columns = rows.order_by().values_list(*names)
    for loan, principal, paid, claimable, share in columns.iterator(chunk_size=BATCH):
        yield loan, share_claim(min(principal - paid, principal if claimable is None else claimable), share)


@transaction.atomic
def _carry(keys: list[UUID], growth: dict[UUID, Growth], opening: date) -> int:
    """Under the rows' locks: what an event carried meanwhile is not carried again."""
    rows = Loan.objects.select_for_update(no_key=True).filter(
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
