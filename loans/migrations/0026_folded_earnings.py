from typing import Any

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import weilidai.lib.ids
import weilidai.lib.money

TABLE = "loans_foldedearnings"
ENDED = models.Q(("folded_date__isnull", True), models.Q(("state", "active"), _negated=True), _connector="OR")


class ConstraintFromNowOn(AddConstraintNotValid):
    """On PostgreSQL nobody waits until the rows there are looked at, which the next migration does."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddConstraint.database_forwards(self, app_label, schema_editor, from_state, to_state)


def guard_create(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE TRIGGER {TABLE}_evidence BEFORE UPDATE OR DELETE ON {TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION lib_evidence_refuse()"
        )


def guard_drop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER {TABLE}_evidence ON {TABLE}")


class Migration(migrations.Migration):
    dependencies = [
        ("lib", "0004_evidence_triggers"),
        ("loans", "0025_customer_of_children_fill"),
        ("risk", "0026_review_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="loan",
            name="folded_date",
            field=models.DateField(blank=True, null=True, verbose_name="earnings folded on"),
        ),
        migrations.AddField(
            model_name="loan",
            name="unfolded_date",
            field=models.DateField(blank=True, null=True, verbose_name="earnings unfolded on"),
        ),
        migrations.CreateModel(
            name="FoldedEarnings",
            fields=[
                (
                    "id",
                    models.UUIDField(default=weilidai.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("business_date", models.DateField(verbose_name="business date")),
                ("folded_date", models.DateField(verbose_name="earnings folded on")),
                ("loans_count", models.IntegerField(verbose_name="number of loans")),
                (
                    "interest_amount",
                    weilidai.lib.money.MoneyField(decimal_places=2, max_digits=18, verbose_name="interest"),
                ),
                ("fee_amount", weilidai.lib.money.MoneyField(decimal_places=2, max_digits=18, verbose_name="fee")),
                (
                    "penalty_amount",
                    weilidai.lib.money.MoneyField(decimal_places=2, max_digits=18, verbose_name="penalty"),
                ),
                ("loan_id", models.UUIDField(db_index=True, null=True, verbose_name="loan")),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="risk.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "folded earnings of ended loans",
                "verbose_name_plural": "folded earnings of ended loans",
                "ordering": ["-business_date", "product_id"],
            },
        ),
        migrations.RunPython(guard_create, guard_drop),
        ConstraintFromNowOn(
            model_name="loan",
            constraint=models.CheckConstraint(condition=ENDED, name="loan_folded_has_ended"),
        ),
    ]
