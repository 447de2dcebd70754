"""Damage by hand: what an administrator of the database could do, past every guard of the program."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def unguarded() -> Iterator[None]:
    """On PostgreSQL the guards of the tables sleep; SQLite has none."""
    guarded = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if guarded:
            # What the test itself wrote is put to its tests now, not when the damage is done.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            if guarded:
                cursor.execute("SET session_replication_role = origin")
