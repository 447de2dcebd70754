from django.db import migrations

TABLES = ("lib_auditevent", "lib_statechange")

FUNCTION = """
CREATE OR REPLACE FUNCTION lib_evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def triggers_create(apps, schema_editor):
    """The models refuse already; this holds for raw SQL and bulk writes too. SQLite has the models only."""
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(FUNCTION, params=None)
    for table in TABLES:
        schema_editor.execute(
            f"CREATE TRIGGER {table}_evidence BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION lib_evidence_refuse()"
        )


def triggers_drop(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        schema_editor.execute(f"DROP TRIGGER {table}_evidence ON {table}")
    schema_editor.execute("DROP FUNCTION lib_evidence_refuse()")


class Migration(migrations.Migration):
    dependencies = [
        ("lib", "0003_more_labels"),
    ]

    operations = [
        migrations.RunPython(triggers_create, triggers_drop),
    ]
