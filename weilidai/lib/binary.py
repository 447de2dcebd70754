"""Rows that are mostly bytes, as PostgreSQL holds them: as text each byte is two letters, written and read again."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg import Cursor

from weilidai.lib.together import trip


def binary_rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of one statement whose values PostgreSQL puts in itself. PostgreSQL only."""
    trip()
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(sql.encode(), values, binary=True)
        return cursor.fetchall()
