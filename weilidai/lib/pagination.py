"""Cursor pagination: stable under writes and as fast on page 10 000 as on page 1."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class CursorPage(CursorPagination):
    """Newest first by the time-ordered key; answers `results, next, previous`. A forged cursor is 404."""

    ordering = "-id"
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError) as error:
            # The position inside the cursor is no key of this list.
            raise NotFound(self.invalid_cursor_message) from error
