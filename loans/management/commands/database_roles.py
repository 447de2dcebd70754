"""`database_roles --app ROLE [--apply]`: what the application's own role may do in PostgreSQL, least first."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

# Rows that are evidence: the application writes them and reads them, and nothing else.
EVIDENCE = (
    "loans.JournalEntry", "loans.Posting", "loans.JournalSeal", "loans.AccountingPeriod", "loans.PeriodBalance",
    "loans.Rearrangement", "loans.FoldedEarnings", "lib.AuditEvent", "lib.StateChange", "risk.Screening",
    "risk.ScreeningHit",
)  # fmt: skip


class Command(BaseCommand):
    help = "Prints, or applies, the grants of the role that web and workers use; migrations run as the owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", required=True, metavar="ROLE", help="role of web and workers; must exist")
        parser.add_argument("--apply", action="store_true", help="carry the statements out")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("roles exist on PostgreSQL only")
        statements = grants(options["app"])
        for statement in statements:
            self.stdout.write(f"{statement};")
        if options["apply"]:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


def grants(role: str) -> list[str]:
    """Everything an application needs, then the right to change evidence taken away again."""
    name = connection.ops.quote_name(role.replace('"', ""))
    tables = ", ".join(map(connection.ops.quote_name, _evidence_tables()))
    return [
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {tables} FROM {name}",
    ]


def _evidence_tables() -> list[str]:
    """The tables and, where they are partitioned, each part: one can be written to by its own name."""
    tables = [apps.get_model(label)._meta.db_table for label in EVIDENCE]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = ANY(%s::regclass[]) ORDER BY relname",
            [tables],
        )
        return [*tables, *(name for (name,) in cursor.fetchall())]
