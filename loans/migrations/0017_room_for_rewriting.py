from typing import Any

from django.db import migrations

# Loans and their instalments are written again at payments, period starts and due dates. With room left in a page the
# new version of a row stays in it, and indexes on columns that did not change are not written.
TABLES = ("loans_loan", "loans_instalment")


def room_leave(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 85)")


def room_take(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [("loans", "0016_night_by_range")]

    operations = [migrations.RunPython(room_leave, room_take)]
