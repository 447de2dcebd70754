"""Cursor pagination: stable under writes and as fast on page 10 000 as on page 1."""

from rest_framework.pagination import CursorPagination


class CursorPage(CursorPagination):
    """Newest first by the time-ordered key; answers `results, next, previous`."""

    ordering = "-id"
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100
