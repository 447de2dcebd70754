"""Whose a row is that hangs below another: what would be distributed by customer carries the customer itself.

The foreign key to the parent is guarded by the database; that the customer is the parent's, by `customers_agree` of
the books.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _

from weilidai.lib.sql import Piece, literal, sql

PAGE = 10_000


class OwnerField(models.UUIDField[Any, Any]):
    """The key of the customer the row's parent belongs to; `of` names the foreign key to that parent.

    Whoever writes the row fills it in the same statement. Empty where the parent has no customer, and in what a
    process of an earlier version wrote while this one was rolled out: `backfill_customers` fills that.
    """

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def __init__(self, *, of: str = "", **more: Any) -> None:
        self.of = of
        super().__init__(**{"verbose_name": _("customer id"), "null": True, "editable": False, **more})

    def deconstruct(self) -> Any:
        """To migrations a column like any other."""
        name, _path, args, more = super().deconstruct()
        return name, "django.db.models.UUIDField", args, more


@dataclass(frozen=True)
class Owned:
    """A table whose rows are their parent's customer's."""

    table: str
    key: str
    foreign_key: str
    parent: str
    parent_key: str

    @property
    def _names(self) -> dict[str, str]:
        return asdict(self)

    @property
    def apart(self) -> str:
        """Rows that have not their parent's customer, or no parent: key, customer, the parent's."""
        return sql(
            "SELECT child.{key}, child.customer_id, parent.customer_id FROM {table} AS child "
            "LEFT JOIN {parent} AS parent ON parent.{parent_key} = child.{foreign_key} "
            "WHERE parent.{parent_key} IS NULL OR child.customer_id <> parent.customer_id "
            "OR (child.customer_id IS NULL) <> (parent.customer_id IS NULL)",
            **self._names,
        )

    @property
    def page_end(self) -> str:
        """The last key of the page after a key, none where fewer rows are left."""
        text = "SELECT {key} FROM {table} WHERE {key} > %s ORDER BY {key} LIMIT 1 OFFSET {page}"
        return sql(text, page=literal(PAGE), **self._names)

    @property
    def any_key(self) -> str:
        return sql("SELECT {key} FROM {table} LIMIT 1", **self._names)

    @property
    def fill(self) -> str:
        """Of the rows after a key those that have no customer and should."""
        return sql(
            "UPDATE {table} SET customer_id = parent.customer_id FROM {parent} AS parent "
            "WHERE parent.{parent_key} = {table}.{foreign_key} AND parent.customer_id IS NOT NULL "
            "AND {table}.customer_id IS NULL AND {table}.{key} > %s",
            **self._names,
        )

    @property
    def fill_to(self) -> str:
        """The same up to another key."""
        return self.fill + sql(" AND {table}.{key} <= %s", **self._names)


def owned_tables() -> Iterator[Owned]:
    """Every table with an `OwnerField`."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, OwnerField):
                yield owned(model, field.of)


def owned(model: Any, of: str) -> Owned:
    """The table of a model and its parent, by the foreign key to it."""
    key: Any = model._meta.get_field(of)
    parent = key.related_model._meta
    return Owned(model._meta.db_table, model._meta.pk.column, key.column, parent.db_table, parent.pk.column)


def owners_fill(rows: Owned, watch: Callable[[int], None] = lambda _filled: None) -> int:
    """Gives the rows that have none their parent's customer, a page a transaction; may be broken off and run again.

    Run by the owner of the tables: the guard of evidence sleeps for the length of a page.
    """
    filled, last = 0, _first_key(rows)
    while last is not None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(rows.page_end, [last])
            end = cursor.fetchone()
            _guard(cursor, rows.table, "DISABLE")
            cursor.execute(rows.fill_to if end else rows.fill, [last, *(end or ())])
            filled += cursor.rowcount
            _guard(cursor, rows.table, "ENABLE")
        watch(filled)
        last = end[0] if end else None
    return filled


def _first_key(rows: Owned) -> Any:
    """Something before every key."""
    with connection.cursor() as cursor:
        cursor.execute(rows.any_key)
        found = cursor.fetchone()
    if found is None:
        return None
    return -1 if isinstance(found[0], int) else "0" * 32


def _guard(cursor: Any, table: str, word: str) -> None:
    if connection.vendor != "postgresql":
        return
    name = f"{table}_evidence"
    cursor.execute("SELECT 1 FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = %s", [table, name])
    if cursor.fetchone():
        cursor.execute(sql("ALTER TABLE {table} {word} TRIGGER {name}", table=table, word=Piece(word), name=name))
