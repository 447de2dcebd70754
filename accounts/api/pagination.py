from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor
from rest_framework.request import Request

from weilidai.lib.pagination import CursorPage


class IdCursorPage(CursorPage):
    """Pages of rows keyed by UUID. A cursor is the client's to forge, so its position is checked before the query."""

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                UUID(str(cursor.position))
            except ValueError as error:
                raise NotFound(self.invalid_cursor_message) from error
        return cursor
