"""Searching and sorting large tables: only by what an index answers."""

import time
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connection, models
from django.db.models import Q, QuerySet

# A beginning that fits more related rows than this is too short to search by; the first of them are taken.
RELATED_MAX = 100
# Above so many rows a list is sorted by columns with an index only.
SORTED_FREELY_MAX = 50_000
ESTIMATED_FOR = 300  # seconds
_estimates: dict[str, tuple[float, int]] = {}


def rows_found(queryset: QuerySet[Any], fields: Any, term: str) -> QuerySet[Any]:
    """Rows of which one of the fields, named as in `search_fields`, is the term: keys and words behind `=` as a whole,
    words of a related row by their beginning, other words anywhere in the text.
    """
    found = [match for field in fields if (match := _match(queryset.model, field, term)) is not None]
    any_of = Q()
    for match in found:
        any_of |= match
    return queryset.filter(any_of) if found else queryset.none()


def _match(model: type[models.Model], field: str, term: str) -> Q | None:
    """None where the term cannot be a value of the field."""
    path = field.removeprefix("=")
    *relations, last = path.split("__")
    for name in relations:
        model = _related(model, name)
    column = model._meta.get_field(last)
    if isinstance(column, models.UUIDField) or field.startswith("="):
        value = _value(column, term)
        if value is None:
            return None
    if isinstance(column, models.UUIDField):
        return Q(**{path: value})
    if relations:
        how = "exact" if field.startswith("=") else "startswith"
        rows = model._default_manager.filter(**{f"{last}__{how}": term}).order_by(last)
        # As keys, not as a join: an index of the list's own table then answers.
        return Q(**{f"{'__'.join(relations)}__in": list(rows.values_list("pk", flat=True)[:RELATED_MAX])})
    return Q(**{path if field.startswith("=") else f"{path}__icontains": term})


def _related(model: type[models.Model], name: str) -> type[models.Model]:
    found = model._meta.get_field(name).related_model
    if not isinstance(found, type):
        raise FieldDoesNotExist(f"{name} leads to no other table")
    return found


def _value(column: Any, term: str) -> Any:
    """The term as a value of the column, a key or an address say; None where it is none."""
    try:
        value = column.to_python(term)
        column.run_validators(value)
    except ValidationError:
        return None
    return value


def sorted_quickly(model: type[models.Model], column: str) -> bool:
    """Whether a list of the table can be sorted by the column: the table is small, or an index begins with it and few
    rows are equal in it. Of a column of few values, such as a state, half of the table may have one, and would be
    sorted for a page.
    """
    name = column.lstrip("-")
    return not is_large(model) or (is_leading(model, name) and not _has_few_values(model, name))


def _has_few_values(model: type[models.Model], name: str) -> bool:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return isinstance(field, models.BooleanField) or bool(getattr(field, "choices", None))


def is_large(model: type[models.Model]) -> bool:
    """Whether its rows are too many to be sorted or looked through again and again."""
    return _estimated_rows(model._meta.db_table) > SORTED_FREELY_MAX


def is_leading(model: type[models.Model], column: str) -> bool:
    """Whether an index of all rows begins with the column."""
    return column in _leading(model)


def _leading(model: type[models.Model]) -> set[str]:
    """Columns an index of all rows begins with. Related rows are sorted by their own columns."""
    first = {index.fields[0].lstrip("-") for index in model._meta.indexes if index.condition is None and index.fields}
    found = {"pk"}
    for field in model._meta.concrete_fields:
        if not field.is_relation and (field.unique or getattr(field, "db_index", False) or field.name in first):
            found.add(field.name)
    return found


def _estimated_rows(table: str) -> int:
    """As the database last counted them; 0 where it keeps no count. Asked for once in a while."""
    if connection.vendor != "postgresql":
        return 0
    until, rows = _estimates.get(table, (0.0, 0))
    if time.monotonic() >= until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table])
            row = cursor.fetchone()
        rows = int(row[0]) if row else 0
        _estimates[table] = (time.monotonic() + ESTIMATED_FOR, rows)
    return rows
