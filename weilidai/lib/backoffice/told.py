"""The columns of a file, told from values alone: only what they are made of is read, and no model instance is built."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.db import models, transaction
from django.utils.timezone import is_aware, localtime

PAGE = 1000
# Texts of related rows that are remembered while a file is written.
REMEMBERED_MAX = 20_000


class Told(NamedTuple):
    """A column: what is asked of the database, as for `values_list`, the text the values make together, and whether
    that is a number: money, count, rate or share.
    """

    fields: tuple[Any, ...]
    text: Callable[..., Any] = str
    kind: str = "text"


class Column(NamedTuple):
    """A column of one file; `texts` makes its cells for a page of rows out of the values of each field."""

    fields: tuple[Any, ...]
    texts: Callable[..., Sequence[str]]


def columns_told(admin: Any, names: list[str], database: str) -> list[Column] | None:
    """None where a column is made by a method of the admin that nothing in its `export_told` stands for."""
    found = [_column(admin, name, database) for name in names]
    told = [column for column in found if column is not None]
    return told if len(told) == len(found) else None


def rows_told(queryset: Any, columns: list[Column]) -> Iterator[Sequence[str]]:
    """The rows of the file. Inside a transaction the database hands them on as it finds them."""
    asked = list(dict.fromkeys(field for column in columns for field in column.fields))
    places = [[asked.index(field) for field in column.fields] for column in columns]
    with transaction.atomic(using=queryset.db):
        rows = queryset.prefetch_related(None).values_list(*asked).iterator(chunk_size=PAGE)
        while page := list(islice(rows, PAGE)):
            values = list(zip(*page, strict=True))
            texts = [
                column.texts(*(values[place] for place in own)) for column, own in zip(columns, places, strict=True)
            ]
            yield from zip(*texts, strict=True)


def kinds_told(admin: Any, names: list[str]) -> list[str]:
    """The kind of each column, as a file with types names it."""
    return [_kind(admin, name) for name in names]


def _kind(admin: Any, name: str) -> str:
    told = admin.export_told.get(name)
    if isinstance(told, Told):
        return told.kind
    field = _field(admin, name)
    if isinstance(field, models.DecimalField):
        return "money" if field.decimal_places == 2 else "rate"
    is_count = isinstance(field, models.IntegerField) and not field.primary_key and not field.choices
    return "count" if is_count else "text"


def _field(admin: Any, name: str) -> Any:
    """The field a column is, or stands for by its name; None where it is made by a method."""
    told = admin.export_told.get(name)
    if told is None and hasattr(admin, name):
        return None
    try:
        return admin.model._meta.get_field(told or name)
    except FieldDoesNotExist:
        return None


def cell(value: Any) -> str:
    """What is not there is an empty cell; a time is told by the clock of the business, as the pages tell it."""
    if isinstance(value, datetime):
        return f"{localtime(value) if is_aware(value) else value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)


def _column(admin: Any, name: str, database: str) -> Column | None:
    told = admin.export_told.get(name)
    if isinstance(told, Told):
        return Column(told.fields, partial(_made, told.text))
    field = _field(admin, name)
    if field is None or not field.concrete:
        return None
    # A related row's key is asked for by another name than the row.
    return _of_relation(field, database) if field.is_relation and (told or name) == field.name else _of_field(field)


def _of_field(field: Any) -> Column:
    if isinstance(field, models.DateTimeField):
        return Column((field.attname,), partial(_made, cell))
    if not field.choices:
        return Column((field.attname,), _plain)
    words = {value: str(word) for value, word in field.flatchoices}
    return Column((field.attname,), lambda values: [words.get(value) or cell(value) for value in values])


def _of_relation(field: Any, database: str) -> Column:
    """By its own `TOLD_BY` and `told`, in the same statement; where a model has none each row is looked up once."""
    model = field.related_model
    own = getattr(model, "TOLD_BY", None)
    if own is None:
        return Column((field.attname,), _Remembered(model, database))
    return Column((field.attname, *(f"{field.name}__{name}" for name in own)), partial(_related, model.told))


def _plain(values: Sequence[Any]) -> list[str]:
    return ["" if value is None else str(value) for value in values]


def _made(text: Callable[..., Any], *values: Sequence[Any]) -> list[str]:
    return [cell(text(*row)) for row in zip(*values, strict=True)]


def _related(text: Callable[..., str], keys: Sequence[Any], *values: Sequence[Any]) -> list[str]:
    rows = zip(keys, zip(*values, strict=True), strict=True)
    return ["" if key is None else text(*row) for key, row in rows]


class _Remembered:
    """Related rows by their keys, looked up a page at a time."""

    def __init__(self, model: type[models.Model], database: str) -> None:
        self.rows = model._base_manager.using(database)
        self.texts: dict[Any, str] = {None: ""}

    def __call__(self, keys: Sequence[Any]) -> list[str]:
        if len(self.texts) > REMEMBERED_MAX:
            self.texts = {None: ""}
        if missing := set(keys) - self.texts.keys():
            self.texts |= {key: str(row) for key, row in self.rows.in_bulk(missing).items()}
        return [self.texts[key] for key in keys]
