"""How the tables of a PostgreSQL database become hash partitions by customer, and how many are so already.

One table a transaction, so that a run that was broken off goes on where it stopped. First the foreign keys to such
tables go, at the end they come back with the customer on both sides. Everything else about a table is read from the
database itself and made again: keys, indexes, checks, triggers, rights, storage.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

from weilidai.distribution.plan import OWNER, Reference, may_be_nobodys, owner_of, references, spread
from weilidai.lib.owner import OwnerField
from weilidai.lib.sql import Piece, sql

# Unique keys in which rows without a customer count as one.
VERSION_MIN = 150_000
# Where a table lies while its rows move.
ASIDE = "whole"
FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 AND cardinality(conkey) = 1 AND confrelid = ANY(%s::regclass[])
ORDER BY 1, 2
"""
OWN_FOREIGN_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conrelid = %s::regclass ORDER BY conname
"""
INDEXES = """
SELECT i.indexrelid::regclass::text, c.conname, c.contype, i.indisunique, pg_get_indexdef(i.indexrelid),
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, true) FROM generate_series(1, i.indnatts) n),
       pg_get_expr(i.indpred, i.indrelid)
FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
WHERE i.indrelid = %s::regclass ORDER BY 1
"""
TRIGGERS = (
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal ORDER BY tgname"
)
RIGHTS = """
SELECT acl.privilege_type, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) acl WHERE c.oid = %s::regclass AND acl.grantee <> c.relowner
"""
OPTIONS = "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = %s::regclass"
COLUMNS = """
SELECT array_agg(quote_ident(attname) ORDER BY attnum), max(attname) FILTER (WHERE attidentity <> '')
FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""


class NotPossible(Exception):
    """Why this database cannot be partitioned as it stands."""


@dataclass(frozen=True)
class Table:
    """A table to be spread, as it was found."""

    name: str
    columns: list[str]
    identity: str | None
    keys: list[str]
    indexes: list[str]
    foreign_keys: list[tuple[str, str]]
    triggers: list[str]
    rights: list[tuple[str, str]]
    options: str | None


def _rows(sql: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []


def is_spread(model: type[models.Model]) -> bool:
    kind = _rows("SELECT relkind FROM pg_class WHERE oid = %s::regclass", model._meta.db_table)
    return str(kind[0][0]) == "p"


def foreign_keys_drop() -> int:
    """Foreign keys to the tables, as they were made for whole ones."""
    found = _rows(FOREIGN_KEYS, [model._meta.db_table for model in spread()])
    for table, name in found:
        _rows(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    return len(found)


def foreign_keys_make() -> Iterator[Reference]:
    """Foreign keys to the partitioned tables, those that are not there yet; PostgreSQL looks at every row."""
    there = {name for (name,) in _rows("SELECT conname FROM pg_constraint WHERE contype = 'f'")}
    for key in references():
        if key.name not in there:
            with transaction.atomic():
                _rows(
                    f'ALTER TABLE {key.table} ADD CONSTRAINT "{key.name}" FOREIGN KEY ({", ".join(key.columns)}) '
                    f"REFERENCES {key.target} ({', '.join(key.target_columns)}) DEFERRABLE INITIALLY DEFERRED"
                )
        yield key


@transaction.atomic
def table_spread(model: type[models.Model], parts: int) -> int:
    """Makes one table hash partitions with all its rows; how many these are."""
    name = model._meta.db_table
    _rows(f"CREATE SCHEMA IF NOT EXISTS {ASIDE}")
    _rows(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
    table = _table(model)
    _rows(f"ALTER TABLE {name} SET SCHEMA {ASIDE}")
    _rows(
        f"CREATE TABLE {name} (LIKE {ASIDE}.{name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING IDENTITY "
        f"INCLUDING GENERATED INCLUDING STORAGE) PARTITION BY HASH ({OWNER})"
    )
    options = f" WITH ({table.options})" if table.options else ""
    for number in range(parts):
        bounds = f"FOR VALUES WITH (MODULUS {parts}, REMAINDER {number})"
        _rows(f"CREATE TABLE {name}_p{number} PARTITION OF {name} {bounds}{options}")
    moved = _move(table)
    for statement in _made_again(table):
        _rows(statement)
    _rows(f"DROP TABLE {ASIDE}.{name}")
    return moved


def _table(model: type[models.Model]) -> Table:
    name, nobodys = model._meta.db_table, may_be_nobodys(model)
    [(columns, identity)] = _rows(COLUMNS, name)
    keys, indexes = [], []
    for index, constraint, kind, is_unique, text, parts, condition in _rows(INDEXES, name):
        if is_unique:
            keys.append(_key(name, constraint or index, kind, parts, condition, nobodys))
        else:
            indexes.append(text)
    return Table(
        name, columns, identity, keys, indexes, _rows(OWN_FOREIGN_KEYS, name),
        [text for (text,) in _rows(TRIGGERS, name)], _rows(RIGHTS, name), _rows(OPTIONS, name)[0][0],
    )  # fmt: skip


def _key(table: str, name: str, kind: str | None, columns: list[str], condition: str | None, nobodys: bool) -> str:
    """A unique key with the customer last, so that it serves the same questions. Rows without a customer are told apart
    as those of one customer would be; a primary key cannot have such, a unique one does for it.
    """
    listed = ", ".join(columns if OWNER in columns else [*columns, OWNER])
    together = " NULLS NOT DISTINCT" if nobodys else ""
    if kind is None:
        where = f" WHERE {condition}" if condition else ""
        return f"CREATE UNIQUE INDEX {name} ON {table} ({listed}){together}{where}"
    word = "PRIMARY KEY" if kind == "p" and not nobodys else f"UNIQUE{together}"
    return f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {word} ({listed})'


def _move(table: Table) -> int:
    """Copies the rows, and the counter of keys with them."""
    statement = sql(
        "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {aside}.{table}",
        table=table.name,
        columns=[Piece(column) for column in table.columns],
        aside=ASIDE,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        moved = int(cursor.rowcount)
    if table.identity:
        [(counter,)] = _rows("SELECT pg_get_serial_sequence(%s, %s)", f"{ASIDE}.{table.name}", table.identity)
        [(last, is_called)] = _rows(sql("SELECT last_value, is_called FROM {counter}", counter=Piece(counter)))
        told = "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)"
        _rows(told, table.name, table.identity, last, is_called)
    return moved


def _made_again(table: Table) -> Iterator[str]:
    yield from table.keys
    yield from table.indexes
    for name, text in table.foreign_keys:
        yield f'ALTER TABLE {table.name} ADD CONSTRAINT "{name}" {text}'
    yield from table.triggers
    for right, role in table.rights:
        yield f"GRANT {right} ON {table.name} TO {role}"
    if table.identity and table.rights:
        for role in sorted({role for _right, role in table.rights}):
            yield f"GRANT USAGE, SELECT ON SEQUENCE {table.name}_{table.identity}_seq TO {role}"


def possible_check() -> None:
    """Raises `NotPossible`: what must be so before anything is touched."""
    if connection.vendor != "postgresql":
        raise NotPossible("hash partitions exist on PostgreSQL only")
    if int(_rows("SHOW server_version_num")[0][0]) < VERSION_MIN:
        raise NotPossible("needs PostgreSQL 15 or newer")
    if (others := _connections() - _own_connections()) > 0:
        raise NotPossible(f"{others} other connections: stop web, workers and beat first")
    for model in spread():
        name = model._meta.db_table
        filled = not isinstance(owner_of(model), OwnerField) or may_be_nobodys(model)
        ownerless = sql("SELECT 1 FROM {table} WHERE {owner} IS NULL LIMIT 1", table=name, owner=OWNER)
        if not filled and _rows(ownerless):
            raise NotPossible(f"{name} has rows without their customer: run backfill_customers")


def _connections() -> int:
    clients = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return int(_rows(clients + " AND backend_type = 'client backend'")[0][0])


def _own_connections() -> int:
    """A pool opens one more than it needs where the first is late."""
    pool: Any = getattr(connection, "pool", None)
    return int(pool.get_stats().get("pool_size", 1)) if pool else 1
