from django.db import migrations

from weilidai.lib.owner import Owned, owners_fill

CHILDREN = (
    Owned("risk_alertnote", "id", "alert_id", "risk_alert", "id"),
    Owned("risk_appealimage", "id", "appeal_id", "risk_appeal", "id"),
    Owned("risk_reviewclaim", "application_id", "application_id", "risk_creditapplication", "id"),
    Owned("risk_screeninghit", "id", "screening_id", "risk_screening", "id"),
    Owned("risk_shadowdecision", "id", "decision_id", "risk_decision", "id"),
)


def children_fill(apps, schema_editor):
    """A page of rows a transaction: it may be broken off and run again, and nobody waits longer than a page takes."""
    for rows in CHILDREN:
        owners_fill(rows)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("risk", "0027_customer_of_children")]

    operations = [migrations.RunPython(children_fill, migrations.RunPython.noop)]
