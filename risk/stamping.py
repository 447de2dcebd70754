"""The triggers behind `risk/selectors/remembered.py`, made after every migration, so that a table that SQLite built
anew has them too, and so has a new kind of policy."""

from typing import Any

from django.apps import apps
from django.db import connections

from risk.models import LegalDocument, PolicyStamp, Product, RegulationParameter, Tier
from risk.models.product import VersionedPolicy

RENEW = """
CREATE OR REPLACE FUNCTION risk_policy_stamp_renew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO risk_policystamp (id, value) VALUES (1, gen_random_uuid()::text)
        ON CONFLICT (id) DO UPDATE SET value = excluded.value;
    RETURN NULL;
END $$
"""
RENEW_SQLITE = "INSERT OR REPLACE INTO risk_policystamp (id, value) VALUES (1, lower(hex(randomblob(16))))"
EXISTING = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"


def tables() -> list[str]:
    """Every table whose rows are policy."""
    policies: list[Any] = [model for model in apps.get_models() if issubclass(model, VersionedPolicy)]
    return sorted(model._meta.db_table for model in (*policies, Product, Tier, LegalDocument, RegulationParameter))


def stamping_install(*, using: str = "default", **_: Any) -> None:
    """For `post_migrate`; does nothing where everything is in place."""
    connection = connections[using]
    names = connection.introspection.table_names()
    if PolicyStamp._meta.db_table not in names:
        return
    wanted = [table for table in tables() if table in names]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(EXISTING)
            existing = {row[0] for row in cursor.fetchall()}
            cursor.execute(RENEW)
            for table in wanted:
                if f"{table}_stamp" not in existing:
                    cursor.execute(
                        f"CREATE TRIGGER {table}_stamp AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
                        "FOR EACH STATEMENT EXECUTE FUNCTION risk_policy_stamp_renew()"
                    )
            return
        for table in wanted:
            for event in ("INSERT", "UPDATE", "DELETE"):
                head = f"CREATE TRIGGER IF NOT EXISTS {table}_stamp_{event.lower()} AFTER {event} ON {table}"
                cursor.execute(f"{head} BEGIN {RENEW_SQLITE}; END")
