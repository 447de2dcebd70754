"""Taking the tape in: what loans hand over each night."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from risk.models import LoanTape
from weilidai.lib.bulk import rows_insert

COLUMNS = [field.attname for field in LoanTape._meta.concrete_fields if not field.primary_key]

SELECTED = """
WITH told AS MATERIALIZED ({source}), ended AS (
    UPDATE risk_loantape AS former SET valid_to = %(business_date)s::date - 1 FROM told
    WHERE former.loan_id = told.loan_id AND former.business_date < %(business_date)s AND former.valid_to IS NULL
)
INSERT INTO risk_loantape ({columns}) SELECT {columns} FROM told
ON CONFLICT ON CONSTRAINT tape_once_per_day DO UPDATE SET {again}
""".replace("{columns}", ", ".join(COLUMNS)).replace(
    "{again}", ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in ("loan_id", "business_date"))
)


def tape_selected_write(source: str, values: dict[str, Any], *, business_date: date) -> int:
    """`tape_write` of what a statement selects under the names of the tape's columns, on PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute(SELECTED.replace("{source}", source), values | {"business_date": business_date})
        return int(cursor.rowcount)


@transaction.atomic
def tape_write(*, business_date: date, rows: Sequence[LoanTape]) -> int:
    """Writes the day's rows and ends what held before; a day written again is written the same.

    `rows` are unsaved, one per loan, all of `business_date`. Later rows of the same loans must not exist.
    """
    loans = [row.loan_id for row in rows]
    LoanTape.objects.filter(loan_id__in=loans, business_date=business_date).delete()
    earlier = LoanTape.objects.filter(loan_id__in=loans, business_date__lt=business_date)
    earlier.filter(valid_to__isnull=True).update(valid_to=business_date - timedelta(days=1))
    return rows_insert(LoanTape, COLUMNS, [[getattr(row, column) for column in COLUMNS] for row in rows])
