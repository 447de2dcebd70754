"""Statements that nobody waits for the answer of, sent with the next one that somebody does.

A trip to the database costs more than most of the statements that are sent on it. Inside `together`, savepoints and
the rows of `row_insert` and `row_update` wait until something is asked, and go before it in their order: whoever reads
sees all that was written. A constraint then complains at the next trip; `trip` makes it complain now.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection
from psycopg import ServerCursor

from weilidai.lib.ready import composed, speaker

MARK, RELEASE, UNDO = "SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT "
Execute = Callable[..., Any]


@dataclass(frozen=True)
class Kept:
    """A statement that waits; `row` names the one row that it must find, where it must."""

    sql: str
    row: str = ""

    @property
    def is_mark(self) -> bool:
        return self.sql.startswith((MARK, RELEASE))

    def check(self, found: int) -> None:
        if self.row and found != 1:
            raise DatabaseError(f"{self.row} is not there")


class Waiting:
    """What waits, in its order; stands between Django and every statement of the connection."""

    def __init__(self) -> None:
        self.statements: list[Kept] = []
        self.speaker = speaker()
        self._never_made: set[str] = set()
        self._sending = False

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not self._sending and isinstance(sql, str) and params is None and self._is_kept_back(sql):
            return None
        cursor = context["cursor"].cursor
        alone = many or isinstance(cursor, ServerCursor) or not isinstance(sql, str)
        if alone:
            self.send()
        if not self.statements:
            return execute(sql, params, many, context)
        before, self.statements = self.statements, []
        answer = execute(";\n".join([*(kept.sql for kept in before), composed(sql, params)]), None, False, context)
        for kept in before:
            kept.check(cursor.rowcount)
            cursor.nextset()
        return answer

    def _is_kept_back(self, sql: str) -> bool:
        """A savepoint waits; one that is undone before it was made takes with it what waited behind it."""
        if sql.startswith(MARK):
            self.statements.append(Kept(sql))
            return True
        if sql.startswith(RELEASE):
            name = sql.removeprefix(RELEASE)
            if name not in self._never_made:
                self.statements.append(Kept(sql))
            return True
        if sql.startswith(UNDO):
            name = sql.removeprefix(UNDO)
            made = Kept(MARK + name) not in self.statements
            self.statements = [] if made else self.statements[: self.statements.index(Kept(MARK + name))]
            if not made:
                self._never_made.add(name)
            return not made
        return False

    def send(self) -> None:
        """Everything that waits, now; marks alone can neither fail nor be seen, and go on waiting."""
        if all(kept.is_mark for kept in self.statements):
            return
        last = self.statements.pop()
        self._sending = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(last.sql)
                last.check(cursor.rowcount)
        finally:
            self._sending = False


_waiting: ContextVar[Waiting | None] = ContextVar("waiting", default=None)


@contextmanager
def together() -> Iterator[None]:
    """For one act, directly inside of its transaction. SQLite makes no trips: there everything is sent at once."""
    if connection.vendor != "postgresql" or _waiting.get() is not None:
        yield
        return
    waiting = Waiting()
    token = _waiting.set(waiting)
    try:
        with connection.execute_wrapper(waiting):
            yield
            waiting.send()
    finally:
        _waiting.reset(token)


def trip() -> None:
    """What waits is sent now, so that its errors are raised here."""
    waiting = _waiting.get()
    if waiting is not None:
        waiting.send()


def kept_back(sql: str, values: Sequence[Any], *, row: str = "") -> bool:
    """Whether a statement whose answer nobody needs was taken to be sent later; it must find `row`, if named."""
    waiting = _waiting.get()
    if waiting is None:
        return False
    waiting.statements.append(Kept(waiting.speaker.executed(sql, values), row))
    return True
