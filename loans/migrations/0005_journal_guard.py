from django.db import migrations

GUARDED = ("loans_journalentry", "loans_posting", "loans_journalseal", "loans_accountingperiod", "loans_periodbalance")

# A posting brings its entry to the test at the end of the transaction, however the rows were written.
BALANCE = """
CREATE OR REPLACE FUNCTION loans_entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid;
    parts integer;
    difference numeric;
BEGIN
    IF TG_TABLE_NAME = 'loans_posting' THEN
        entry := NEW.entry_id;
    ELSE
        entry := NEW.id;
    END IF;
    SELECT count(*), coalesce(sum(CASE side WHEN 'debit' THEN amount ELSE -amount END), 0)
      INTO parts, difference FROM loans_posting WHERE entry_id = entry;
    IF parts < 2 OR difference <> 0 THEN
        RAISE EXCEPTION 'journal entry % is not balanced: % postings, debits exceed credits by %', entry, parts, difference
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$
"""

PERIOD = """
CREATE OR REPLACE FUNCTION loans_period_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM loans_accountingperiod WHERE first_day >= date_trunc('month', NEW.effective_date)::date) THEN
        RAISE EXCEPTION 'the books of % are closed', to_char(NEW.effective_date, 'YYYY-MM')
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""


def guard_create(apps, schema_editor):
    """The services refuse already; this holds for raw SQL and bulk writes too. SQLite has the services only."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for function in (BALANCE, PERIOD):
        schema_editor.execute(function, params=None)
    for table in ("loans_journalentry", "loans_posting"):
        schema_editor.execute(
            f"CREATE CONSTRAINT TRIGGER {table}_balanced AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION loans_entry_balanced()"
        )
    schema_editor.execute(
        "CREATE TRIGGER loans_journalentry_period BEFORE INSERT ON loans_journalentry "
        "FOR EACH ROW EXECUTE FUNCTION loans_period_open()"
    )
    for table in GUARDED:
        schema_editor.execute(
            f"CREATE TRIGGER {table}_evidence BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION lib_evidence_refuse()"
        )


def guard_drop(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in GUARDED:
        schema_editor.execute(f"DROP TRIGGER {table}_evidence ON {table}")
    schema_editor.execute("DROP TRIGGER loans_journalentry_period ON loans_journalentry")
    for table in ("loans_journalentry", "loans_posting"):
        schema_editor.execute(f"DROP TRIGGER {table}_balanced ON {table}")
    schema_editor.execute("DROP FUNCTION loans_entry_balanced()")
    schema_editor.execute("DROP FUNCTION loans_period_open()")


class Migration(migrations.Migration):
    dependencies = [
        ("loans", "0004_books_proof"),
        ("lib", "0004_evidence_triggers"),
    ]

    operations = [
        migrations.RunPython(guard_create, guard_drop),
    ]
