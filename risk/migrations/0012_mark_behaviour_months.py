"""Behaviour that came before its months were kept: each month of it is marked, whoever needs it next builds it."""

from itertools import islice
from typing import Any

from django.db import migrations
from django.db.models.functions import TruncMonth

DATES = (
    ("PaymentEvent", "date"),
    ("ActivityDay", "date"),
    ("LoginEvent", "date"),
    ("GreenAct", "date"),
    ("AssetMonth", "month"),
    ("BureauReport", "as_of"),
    ("AuxiliaryReading", "as_of"),
    ("Friendship", "since_date"),
    ("Friendship", "until_date"),
)
BATCH = 2000


def mark(apps: Any, schema_editor: Any) -> None:
    months = apps.get_model("risk", "BehaviourMonth")
    for name, column in DATES:
        rows = apps.get_model("risk", name).objects.filter(**{f"{column}__isnull": False}).order_by()
        pairs = rows.annotate(first=TruncMonth(column)).values_list("customer_id", "first").distinct().iterator(BATCH)
        while page := list(islice(pairs, BATCH)):
            months.objects.bulk_create(
                (months(customer_id=customer, month=first) for customer, first in page), ignore_conflicts=True
            )


class Migration(migrations.Migration):
    dependencies = [("risk", "0011_tape")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop, elidable=True)]
