"""Many rows into one table in one statement, new ones leaving alone what is there already.

PostgreSQL takes each column as one array, which costs a fraction of a statement with a place for every value.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, IntegrityError, connection, connections, models

from weilidai.lib.columns import Column, column_of, told
from weilidai.lib.sql import Piece, piece, sql
from weilidai.lib.together import kept_back, trip

# SQLite takes so many values in one statement at most.
VALUES_MAX = 30_000


def rows_insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """Inserts rows of raw column values (JSON as text); one that a unique constraint forbids is left out.

    Returns how many were inserted.
    """
    return _insert(model, columns, rows, "ON CONFLICT DO NOTHING")


def rows_upsert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], *, constraint: str,
    again: Sequence[str],
) -> int:  # fmt: skip
    """Inserts rows of raw column values; one that stands there already by this unique constraint of the model takes the
    columns `again`. Returns how many were written.

    PostgreSQL is told the name: the columns of the key are others where the table is partitioned.
    """
    settings = ", ".join(f"{name} = excluded.{name}" for name in map(connection.ops.quote_name, again))
    return _insert(model, columns, rows, f"ON CONFLICT {_target(model, constraint)} DO UPDATE SET {settings}")


def _target(model: type[models.Model], constraint: str) -> str:
    quote = connection.ops.quote_name
    if connection.vendor == "postgresql":
        return f"ON CONSTRAINT {quote(constraint)}"
    key = next(one for one in model._meta.total_unique_constraints if one.name == constraint)
    columns = {field.name: field.column for field in model._meta.concrete_fields}
    return f"({', '.join(quote(str(columns[name])) for name in key.fields)})"


def _insert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], on_conflict: str
) -> int:  # fmt: skip
    if not rows:
        return 0
    if connection.vendor == "postgresql":
        return _by_arrays(model, columns, rows, on_conflict)
    page = max(1, VALUES_MAX // len(columns))
    pages = (rows[start : start + page] for start in range(0, len(rows), page))
    return sum(_by_values(model, columns, some, on_conflict) for some in pages)


def _by_arrays(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], on_conflict: str
) -> int:  # fmt: skip
    text = "INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}) {on_conflict}"
    arrays, ending = _arrays(model, columns), Piece(on_conflict)
    statement = sql(text, table=model._meta.db_table, columns=columns, arrays=arrays, on_conflict=ending)
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(values) for values in zip(*rows, strict=True)])
        return int(cursor.rowcount)


def _arrays(model: type[models.Model], columns: Sequence[str]) -> list[Piece]:
    """A place for all values of each column."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    return [Piece(f"%s::{fields[column].db_type(connection)}[]") for column in columns]


def _rows_of(width: int, count: int) -> list[Piece]:
    """Places for so many rows."""
    return [piece("({row})", row=[Piece("%s")] * width)] * count


def _by_values(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], on_conflict: str
) -> int:  # fmt: skip
    fields = [next(f for f in model._meta.concrete_fields if f.column == column) for column in columns]
    values = [
        value if isinstance(field, models.JSONField) else field.get_db_prep_save(value, connection)
        for row in rows
        for field, value in zip(fields, row, strict=True)
    ]
    places, ending = _rows_of(len(columns), len(rows)), Piece(on_conflict)
    text = "INSERT INTO {table} ({columns}) VALUES {places} {on_conflict}"
    statement = sql(text, table=model._meta.db_table, columns=columns, places=places, on_conflict=ending)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def row_insert(row: models.Model, *, unless_there: bool = False) -> bool:
    """Inserts a new row whose key is set already, as `save()` does, without asking what else might want to know: no
    signal, no hook. Making the statement anew each time would take longer than running it.

    With `unless_there` a row that a unique constraint forbids is left out; returns whether it was inserted.
    """
    return bool(rows_save([row], unless_there=unless_there))


def rows_save(rows: Sequence[models.Model], *, unless_there: bool = False) -> int:
    """`row_insert` for a few rows of one model in one statement; returns how many were inserted."""
    # Fields ask it for this and that: the connection itself, rather than what finds it each time.
    database = connections[DEFAULT_DB_ALIAS]
    statement = _insert_of(type(rows[0]), database.vendor, len(rows))
    values = [told(row, column, database) for row in rows for column in _told_columns(type(row), database.vendor)]
    if unless_there or not kept_back(statement, values):
        with connection.cursor() as cursor:
            cursor.execute(statement + " ON CONFLICT DO NOTHING" if unless_there else statement, values)
            inserted = int(cursor.rowcount)
    else:
        inserted = len(rows)
    for row in rows:
        row._state.adding, row._state.db = inserted < len(rows), database.alias
    return inserted


def row_update(row: models.Model, *names: str) -> None:
    """Writes these fields of a row under lock, as `save(update_fields=…)` does, without signals or hooks."""
    database = connections[DEFAULT_DB_ALIAS]
    statement, columns = _update_of(type(row), database.vendor, names)
    values = [told(row, column, database, is_new=False) for column in columns]
    name = f"{row._meta.label} {row.pk}"
    if kept_back(statement, values, row=name):
        return
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if cursor.rowcount != 1:
            raise DatabaseError(f"{name} is not there")


@lru_cache(maxsize=500)
def _update_of(model: type[models.Model], vendor: str, names: tuple[str, ...]) -> tuple[str, list[Column]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    settings = [piece("{column} = %s", column=field.column) for field in fields]
    key: Any = model._meta.pk
    text = "UPDATE {table} SET {settings} WHERE {key} = %s"
    statement = sql(text, table=model._meta.db_table, settings=settings, key=key.column)
    return statement, [column_of(field, vendor) for field in (*fields, key)]


@lru_cache(maxsize=500)
def _told_columns(model: type[models.Model], vendor: str) -> tuple[Column, ...]:
    """Every column but a key that the database counts by itself."""
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    return tuple(column_of(field, vendor) for field in fields)


@lru_cache(maxsize=500)
def _insert_of(model: type[models.Model], vendor: str, count: int) -> str:
    columns = [str(column.field.column) for column in _told_columns(model, vendor)]
    places = _rows_of(len(columns), count)
    text = "INSERT INTO {table} ({columns}) VALUES {places}"
    return sql(text, table=model._meta.db_table, columns=columns, places=places)


def rows_copy(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Inserts rows of raw column values (JSON as text), all of them new: on PostgreSQL by COPY, the cheapest way in."""
    if connection.vendor != "postgresql":
        if rows_insert(model, columns, rows) != len(rows):
            raise IntegrityError("a row is there already")
        return
    trip()
    statement = sql("COPY {table} ({columns}) FROM STDIN", table=model._meta.db_table, columns=columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def rows_update(rows: Sequence[models.Model], columns: Sequence[str]) -> int:
    """Writes these columns of the rows (none of them JSON) back to the database; returns how many were there.

    The same as `bulk_update`, without a condition per value: that takes longer to build than to run.
    """
    if not rows:
        return 0
    model = type(rows[0])
    fields = {field.column: field for field in model._meta.concrete_fields}
    if connection.vendor != "postgresql":
        names = [fields[column].name for column in columns]
        return model._default_manager.bulk_update(rows, names, batch_size=VALUES_MAX // (4 * len(columns)))
    key = str(model._meta.pk.column)
    wanted = [key, *columns]
    statement = sql(
        "UPDATE {table} SET {settings} FROM unnest({arrays}) AS told ({told}) WHERE {table}.{key} = told.{key}",
        table=model._meta.db_table,
        settings=[piece("{column} = told.{column}", column=column) for column in columns],
        arrays=_arrays(model, wanted),
        told=wanted,
        key=key,
    )
    values = [[getattr(row, fields[column].attname) for row in rows] for column in wanted]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
