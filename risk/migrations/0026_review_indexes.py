import django.db.models.deletion
from django.db import migrations, models

# Dropped as they are: an altered column would check the whole table again and, on SQLite, write it anew.
DROPPED = (
    ("risk_ratereview_credit_line_id_dfd78451", "credit_line_id"),
    ("risk_ratereview_customer_id_7b540e56", "customer_id"),
)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_staff_password"),
        ("risk", "0025_review_partitions_gone"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX IF EXISTS "{name}"',
                    f'CREATE INDEX IF NOT EXISTS "{name}" ON "risk_ratereview" ("{column}")',
                )
                for name, column in DROPPED
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="ratereview",
                    name="credit_line",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rate_reviews",
                        to="risk.creditline",
                        verbose_name="credit line",
                    ),
                ),
                migrations.AlterField(
                    model_name="ratereview",
                    name="customer",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
        ),
    ]
