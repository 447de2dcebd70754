from django.db import migrations

from weilidai.lib.owner import Owned, owners_fill

CHILDREN = (
    Owned("loans_instalment", "id", "loan_id", "loans_loan", "id"),
    Owned("loans_loanevent", "id", "loan_id", "loans_loan", "id"),
    Owned("loans_loantally", "loan_id", "loan_id", "loans_loan", "id"),
    Owned("loans_posting", "id", "entry_id", "loans_journalentry", "id"),
    Owned("loans_repaymentallocation", "id", "repayment_id", "loans_repayment", "id"),
)

# As before, but also where the table is partitioned and a row's table is one of its parts.
BALANCE = """
CREATE OR REPLACE FUNCTION loans_entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid;
    parts integer;
    difference numeric;
BEGIN
    IF starts_with(TG_TABLE_NAME, 'loans_posting') THEN
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


def children_fill(apps, schema_editor):
    """A page of rows a transaction: it may be broken off and run again, and nobody waits longer than a page takes."""
    for rows in CHILDREN:
        owners_fill(rows)


def guard_replace(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BALANCE, params=None)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("loans", "0024_customer_of_children")]

    operations = [
        migrations.RunPython(children_fill, migrations.RunPython.noop),
        # The new function does for both; going back leaves it.
        migrations.RunPython(guard_replace, migrations.RunPython.noop),
    ]
