from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class IndexBesideCustomers(AddIndexConcurrently):
    """Payments go on while PostgreSQL builds the index. One that a broken build left behind is built anew."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self.index.name}")
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class ConstraintOfAll(ValidateConstraint):
    """Elsewhere than on PostgreSQL it was valid from the start."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("loans", "0026_folded_earnings")]

    operations = [
        IndexBesideCustomers(
            model_name="loan",
            index=models.Index(
                condition=models.Q(("folded_date__isnull", True), ("start_date__isnull", False)),
                fields=["id"],
                name="loan_not_folded",
            ),
        ),
        ConstraintOfAll(model_name="loan", name="loan_folded_has_ended"),
    ]
