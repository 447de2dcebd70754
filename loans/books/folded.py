"""What nights have folded of ended loans is what those loans have earned, to the fen and the loan."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from loans.books.fault import Fault
from loans.models import FoldedEarnings, Loan
from loans.selectors.earned import COLUMNS, PENALTY, STREAM, amounts_of
from weilidai.lib.money import ZERO

NAME = "folded_as_earned"
# By product and day of folding: loans, interest, fees, penalties.
Key = tuple[str, date]
Figures = tuple[int, Decimal, Decimal, Decimal]
NOTHING: Figures = (0, ZERO, ZERO, ZERO)

# Rows and loans in one statement: a night that folds meanwhile is seen in both or in neither.
BOTH = """
SELECT 'rows', product_id, folded_date, sum(loans_count), sum(interest_amount), sum(fee_amount), sum(penalty_amount)
FROM loans_foldedearnings GROUP BY product_id, folded_date
UNION ALL
SELECT 'loans', product_id, folded_date, count(*), sum(interest), sum(fee), sum({penalty})
FROM (
    SELECT product_id, folded_date, interest_settled_amount AS interest, fee_charged_amount AS fee,
           penalty_claimed_amount, penalty_paid_amount, cost_cap_rate, coalesce(exposure_amount, 0) AS exposure
    FROM loans_loan WHERE folded_date IS NOT NULL
) figures
GROUP BY product_id, folded_date
""".replace("{penalty}", PENALTY)


def folded_as_earned() -> Iterator[Fault]:
    """The rows of each day of folding add up to what the loans folded on it have earned (I5, I7)."""
    rows, loans = _by_statement() if connection.vendor == "postgresql" else _by_stream()
    for product, day in sorted({*rows, *loans}):
        told, earned = rows.get((product, day), NOTHING), loans.get((product, day), NOTHING)
        if told != earned:
            yield Fault(NAME, f"{product} {day}", f"folded {_words(told)}, loans {_words(earned)}")
    # What a night folded is of its own day; a row about one loan is of a day up to the one the loan names.
    taken_out = Loan.objects.filter(pk=OuterRef("loan_id"), unfolded_date__gte=OuterRef("business_date"))
    nights = Q(loan_id=None, business_date=F("folded_date"))
    for row in FoldedEarnings.objects.exclude(nights).exclude(Exists(taken_out)).order_by("pk"):
        detail = f"folded on {row.folded_date}, written on {row.business_date} about {row.loan_id}"
        yield Fault(NAME, str(row.pk), detail)


def _words(figures: Figures) -> str:
    return " ".join(str(figure) for figure in figures)


def _by_statement() -> tuple[dict[Key, Figures], dict[Key, Figures]]:
    found: dict[str, dict[Key, Figures]] = {"rows": {}, "loans": {}}
    with connection.cursor() as cursor:
        cursor.execute(BOTH)
        for side, product, day, count, *amounts in cursor:
            found[side][product, day] = (int(count), *amounts)
    return found["rows"], found["loans"]


@transaction.atomic
def _by_stream() -> tuple[dict[Key, Figures], dict[Key, Figures]]:
    """Elsewhere nobody writes while a transaction is open."""
    rows, loans = defaultdict[Key, Figures](lambda: NOTHING), defaultdict[Key, Figures](lambda: NOTHING)
    for row in FoldedEarnings.objects.order_by().iterator(chunk_size=STREAM):
        amounts = (row.interest_amount, row.fee_amount, row.penalty_amount)
        _add(rows, (row.product_id, row.folded_date), row.loans_count, amounts)
    folded = Loan.objects.filter(folded_date__isnull=False).order_by()
    for values in folded.values("folded_date", *COLUMNS).iterator(chunk_size=STREAM):
        day = values["folded_date"]
        _add(loans, (values["product_id"], day), 1, amounts_of(values, day))
    return rows, loans


def _add(sums: dict[Key, Figures], key: Key, count: int, amounts: tuple[Any, Any, Any]) -> None:
    before = sums[key]
    sums[key] = (
        before[0] + count, before[1] + amounts[0], before[2] + amounts[1], before[3] + amounts[2]
    )  # fmt: skip
