"""Lists over large tables: a count that never scans more than a screenful of pages needs."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

COUNT_LIMIT = 10_000


class BoundedPaginator(Paginator[Any]):
    """Counts to `COUNT_LIMIT` at most: beyond that a person filters instead of turning pages."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        ordered = rows.order_by() if hasattr(rows, "order_by") else None
        if ordered is None:
            return len(rows)
        return int(ordered[:COUNT_LIMIT].count())
