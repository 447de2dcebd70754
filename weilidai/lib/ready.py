"""Statements that a connection to PostgreSQL has ready: taken apart and planned once, then only told their values.

Where a few rows are read or written by key, PostgreSQL takes longer to understand a statement than to run it. What it
understood lives as long as the connection. A pooler that hands connections on after each transaction loses it: behind
one, `DATABASE_PREPARE=0` has every statement sent in full.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import ClientCursor
from psycopg.adapt import Transformer

# Of one connection; what comes later is sent in full.
READY_MAX = 500
PLACE = re.compile("%[s%]")
# A name is never given twice: whether a statement that failed was made does not matter.
_numbers = count(1)


class Ready:
    """The statements of one connection by their text, and how it writes values. Lives and dies with the connection."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._names: dict[str, str] = {}
        # It remembers which type is written how; a new one would find that out anew for every statement.
        self._literal = Transformer(raw).as_literal

    def executed(self, sql: str, values: Sequence[Any]) -> str:
        name = self._names.get(sql)
        if name is None:
            if len(self._names) >= READY_MAX:
                return composed(sql, values)
            name = self._names[sql] = self._prepare(sql)
        if not values:
            return f"EXECUTE {name}"
        literal = self._literal
        told = b", ".join([b"NULL" if value is None else literal(value) for value in values])
        return f"EXECUTE {name} ({told.decode()})"

    def _prepare(self, sql: str) -> str:
        name, places = f"ready_{next(_numbers)}", count(1)
        text = PLACE.sub(lambda found: "%" if found[0] == "%%" else f"${next(places)}", sql)
        with connection.wrap_database_errors:
            self._raw.execute(f"PREPARE {name} AS {text}")
        return name


class InFull:
    """The same where a connection keeps nothing."""

    def executed(self, sql: str, values: Sequence[Any]) -> str:
        return composed(sql, values)


def speaker() -> Ready | InFull:
    """What says statements to the connection of now: for one trip or one transaction, in which it stays the same."""
    if not settings.DATABASE_PREPARE:
        return InFull()
    # Several times a request: the connection itself, rather than what finds it each time.
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is None:
        database.ensure_connection()
    raw: Any = database.connection
    kept: Ready | None = getattr(raw, "weilidai_ready", None)
    if kept is None:
        kept = raw.weilidai_ready = Ready(raw)
    return kept


def executed(sql: str, values: Sequence[Any]) -> str:
    """What runs the statement with these values, made ready at first sight. PostgreSQL tells their types from where
    they stand. For texts that come again and again, in which the values always stand at the same places.
    """
    return speaker().executed(sql, values)


def composed(sql: str, values: Sequence[Any] | Mapping[str, Any] | None) -> str:
    """The text with its values in it, as PostgreSQL is sent it."""
    if values is None:
        return sql
    connection.ensure_connection()
    return ClientCursor(connection.connection).mogrify(sql, values)
