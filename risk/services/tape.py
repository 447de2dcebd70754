"""Taking the tape in: what loans hand over each night."""

from collections.abc import Sequence
from datetime import date, timedelta

from django.db import transaction

from risk.models import LoanTape
from weilidai.lib.bulk import rows_insert

COLUMNS = [field.attname for field in LoanTape._meta.concrete_fields if not field.primary_key]


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
