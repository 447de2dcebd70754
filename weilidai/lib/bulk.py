"""Many rows into one table in one statement, leaving alone what is there already.

PostgreSQL takes each column as one array, which costs a fraction of a statement with a place for every value.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

# SQLite takes so many values in one statement at most.
VALUES_MAX = 30_000


def rows_insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """Inserts rows of raw column values (JSON as text); one that a unique constraint forbids is left out.

    Returns how many were inserted.
    """
    if not rows:
        return 0
    if connection.vendor == "postgresql":
        return _by_arrays(model, columns, rows)
    page = max(1, VALUES_MAX // len(columns))
    return sum(_by_values(model, columns, rows[start : start + page]) for start in range(0, len(rows), page))


def _names(model: type[models.Model], columns: Sequence[str]) -> tuple[str, str]:
    quote = connection.ops.quote_name
    return quote(model._meta.db_table), ", ".join(quote(column) for column in columns)


def _by_arrays(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    table, names = _names(model, columns)
    fields = {field.column: field for field in model._meta.concrete_fields}
    arrays = ", ".join(f"%s::{fields[column].db_type(connection)}[]" for column in columns)
    statement = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(values) for values in zip(*rows, strict=True)])
        return int(cursor.rowcount)


def _by_values(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    table, names = _names(model, columns)
    fields = [next(f for f in model._meta.concrete_fields if f.column == column) for column in columns]
    places = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(rows))
    values = [
        value if isinstance(field, models.JSONField) else field.get_db_prep_save(value, connection)
        for row in rows
        for field, value in zip(fields, row, strict=True)
    ]
    statement = f"INSERT INTO {table} ({names}) VALUES {places} ON CONFLICT DO NOTHING"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
