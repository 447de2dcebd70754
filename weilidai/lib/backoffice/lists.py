"""Lists over large tables: a count that never scans more than a screenful of pages needs."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.db import connection, models
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

from weilidai.lib.backoffice.search import is_large
from weilidai.lib.sql import sql

COUNT_LIMIT = 10_000
# Rows found by a filter that are few enough to be asked for by their keys.
FEW = 5_000


class BoundedPaginator(Paginator[Any]):
    """Counts to `COUNT_LIMIT` at most: beyond that a person filters instead of turning pages."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if (counted := getattr(rows, "counted", None)) is not None:
            return int(counted)
        ordered = rows.order_by() if hasattr(rows, "order_by") else None
        if ordered is None:
            return len(rows)
        return int(ordered[:COUNT_LIMIT].count())


class QuickChangeList(ChangeList):
    """Sorts by columns the admin lets be sorted only, also where an address asks for another."""

    queryset: Any

    def get_ordering_field(self, field_name: Callable[..., Any] | str) -> Any:
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def get_results(self, request: HttpRequest) -> None:
        """Where no index serves a filter the large table is looked through once, in no order: not a second time for
        the page, and never along the order of the list for rows that stand at its end.
        """
        if self.queryset.query.where and is_large(self.model):
            keys = list(self.queryset.order_by().values_list("pk", flat=True)[:COUNT_LIMIT])
            if len(keys) <= FEW:
                self.queryset = self.queryset.filter(pk__in=keys)
            self.queryset.counted = len(keys)
        super().get_results(request)


def values_that_occur(model: type[models.Model], field: str) -> list[str]:
    """The distinct values of an indexed column by as many index look-ups: a filter never scans the table for them."""
    columns = {each.name: str(each.column) for each in model._meta.concrete_fields}
    statement = sql(
        "WITH RECURSIVE found(value) AS (SELECT MIN({column}) FROM {table} UNION ALL "
        "SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > found.value) FROM found "
        "WHERE found.value IS NOT NULL) SELECT value FROM found WHERE value IS NOT NULL",
        column=columns[field],
        table=model._meta.db_table,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]
