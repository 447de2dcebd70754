"""Values of a row on their way into a statement."""

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models


class Column(NamedTuple):
    """Where a row holds the value of a field, and the type that the driver takes as it is, like NULL; None where the
    field has to be asked.
    """

    name: str
    plain: type | None
    field: Any


def told(row: models.Model, column: Column, database: Any, *, is_new: bool = True) -> Any:
    """The value as the driver takes it: what `save()` would tell it, without the way through the field where that
    changes nothing.
    """
    name, plain, field = column
    if plain is not None:
        value: Any = row.__dict__.get(name, row)
        if value is None or (_is_plain(value, plain)):
            return value
    return field.get_db_prep_save(field.pre_save(row, is_new), database)


def _is_plain(value: Any, plain: type) -> bool:
    """An amount that is no number is refused by its field."""
    return type(value) is plain and (not isinstance(value, Decimal) or value.is_finite())


# What PostgreSQL's driver writes by itself, for fields that change nothing on the way.
AS_IT_IS: dict[type, type] = {
    models.UUIDField: UUID, models.DateField: date, models.BooleanField: bool, models.DecimalField: Decimal,
    models.CharField: str, models.SlugField: str, models.TextField: str,
    models.IntegerField: int, models.PositiveIntegerField: int, models.PositiveSmallIntegerField: int,
    models.BigIntegerField: int,
}  # fmt: skip
ON_THE_WAY = ("pre_save", "get_prep_value", "get_db_prep_value", "get_db_prep_save")


def column_of(field: Any, vendor: str) -> Column:
    return Column(field.attname, _as_it_is(field, vendor), field)


def _as_it_is(field: Any, vendor: str) -> type | None:
    if vendor != "postgresql":
        return None
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    kind = next((kind for kind in type(target).__mro__ if kind in AS_IT_IS or kind is models.DateTimeField), None)
    if kind is None or any(getattr(type(target), name) is not getattr(kind, name) for name in ON_THE_WAY):
        return None
    makes_itself = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return None if makes_itself else AS_IT_IS.get(kind)
