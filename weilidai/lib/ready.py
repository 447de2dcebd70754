"""Statements that a connection to PostgreSQL has ready: taken apart and planned once, then only told their values.

Where a few rows are read or written by key, PostgreSQL takes longer to understand a statement than to run it. What it
understood lives as long as the connection. A pooler that hands connections on after each transaction loses it: behind
one, `DATABASE_PREPARE=0` has every statement sent in full.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import ClientCursor
from psycopg.adapt import Transformer

# Of one connection; what comes later is sent in full.
READY_MAX = 500
PLACE = re.compile("%[s%]")
# The names by text. A name is never given twice: whether a statement that failed was made does not matter.
_ready: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()
_numbers = count(1)


def executed(sql: str, values: Sequence[Any]) -> str:
    """What runs the statement with these values, made ready at first sight. PostgreSQL tells their types from where
    they stand. For texts that come again and again, in which the values always stand at the same places.
    """
    if not settings.DATABASE_PREPARE:
        return composed(sql, values)
    # Some forty times a request: the connection itself, rather than what finds it each time.
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is None:
        database.ensure_connection()
    raw: Any = database.connection
    names = _ready.get(raw)
    if names is None:
        names = _ready[raw] = {}
    name = names.get(sql)
    if name is None:
        if len(names) >= READY_MAX:
            return composed(sql, values)
        name = names[sql] = _prepare(raw, sql)
    if not values:
        return f"EXECUTE {name}"
    literal = Transformer(raw).as_literal
    told = [b"NULL" if value is None else literal(value) for value in values]
    return f"EXECUTE {name} ({b', '.join(told).decode()})"


def _prepare(raw: Any, sql: str) -> str:
    name, places = f"ready_{next(_numbers)}", count(1)
    text = PLACE.sub(lambda found: "%" if found[0] == "%%" else f"${next(places)}", sql)
    with connection.wrap_database_errors:
        raw.execute(f"PREPARE {name} AS {text}")
    return name


def composed(sql: str, values: Sequence[Any] | Mapping[str, Any] | None) -> str:
    """The text with its values in it, as PostgreSQL is sent it."""
    if values is None:
        return sql
    connection.ensure_connection()
    return ClientCursor(connection.connection).mogrify(sql, values)
