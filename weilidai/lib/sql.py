"""Statements written by hand whose tables or columns are known only when they run.

The text stands in the code; every name put into it is quoted. Values are parameters of the statement, as ever.
"""

from collections.abc import Sequence
from typing import LiteralString

from django.db import connection

# A quotation mark would end the name, a per cent sign begin a parameter.
FORBIDDEN = frozenset('"`%\x00')


class Piece(str):
    """A part of a statement that is no name of ours: a condition, a type, a name the database quoted itself."""

    __slots__ = ()


Part = str | Sequence[str]


def sql(text: LiteralString, /, **parts: Part) -> str:
    """`text` with `{part}` filled: a name is quoted, a sequence becomes a list with commas. Raises ValueError for what
    no table or column is called.
    """
    return text.format_map({word: _put(part) for word, part in parts.items()})


def piece(text: LiteralString, /, **parts: Part) -> Piece:
    """The same as part of a larger statement."""
    return Piece(sql(text, **parts))


def literal(value: str | int) -> Piece:
    """A value of our own code that the text of a statement carries, so that the plan knows it."""
    if isinstance(value, int):
        return Piece(int(value))
    quoted = str(value).replace("'", "''")
    return Piece(f"'{quoted}'")


def _put(part: Part) -> str:
    if isinstance(part, Piece):
        return part
    if isinstance(part, str):
        return _quoted(part)
    return ", ".join(_put(each) for each in part)


def _quoted(name: str) -> str:
    if not name or not FORBIDDEN.isdisjoint(name):
        raise ValueError(f"{name!r} names no table or column")
    return connection.ops.quote_name(name)
