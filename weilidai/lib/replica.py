"""Reading from a replica, where a report asks for it in so many words.

Everything reads the primary unless it runs inside `reports()`; and even there the primary answers while a transaction
is open, once something was written for the same request, or when the replica is away or too far behind. So decisions
and money never see the past, and nobody misses what they have just written.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.core.signals import request_started
from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

log = structlog.get_logger(__name__)

REPLICA = "replica"
# How long an answer about the replica's lag is believed; a replica that is away is left alone for longer.
BELIEVED_SECONDS, AWAY_SECONDS = 1.0, 10.0

_asked: ContextVar[bool] = ContextVar("a report asked for the replica", default=False)
_written: ContextVar[bool] = ContextVar("something was written for this request", default=False)


@contextmanager
def reports() -> Iterator[None]:
    """Reads inside tolerate lag: figures, lists and files that people look at, never what decides, pays or permits.

    A queryset is read where it is evaluated, so the block must do that.
    """
    token = _asked.set(True)
    try:
        yield
    finally:
        _asked.reset(token)


@contextmanager
def primary() -> Iterator[None]:
    """Reads inside go to the primary although a report runs: what is remembered for others must not be late."""
    token = _asked.set(False)
    try:
        yield
    finally:
        _asked.reset(token)


def report_alias() -> str:
    """The database of a report whose rows are read later, such as a file that is streamed: for `using()`."""
    with reports():
        return alias_for_read()


def alias_for_read() -> str:
    """The database a read goes to at this moment."""
    if not _asked.get() or _written.get() or REPLICA not in connections.settings:
        return DEFAULT_DB_ALIAS
    if transaction.get_connection(DEFAULT_DB_ALIAS).in_atomic_block:
        return DEFAULT_DB_ALIAS
    return REPLICA if _near.is_near() else DEFAULT_DB_ALIAS


def written() -> None:
    """Something is about to be written: what follows for the same request reads the primary."""
    _written.set(True)


def _request_begins(**_: Any) -> None:
    _written.set(False)


request_started.connect(_request_begins, dispatch_uid="replica.request_begins")


def replica_lag_seconds() -> float:
    """How old the newest thing is that the replica shows; 0 where it shows all, infinite where it has been told
    nothing since it started. Raises `Error`.

    The primary is asked first: a replica that has everything up to there lacks nothing, however long ago it was told
    something, and one whose stream is broken falls behind the primary's position and grows old.
    """
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        # The position of insertion: what was committed without waiting for the disk counts, too.
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        position = cursor.fetchone()[0]
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= %s::pg_lsn THEN 0"
            " ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,"
            " 'Infinity') END",
            [position],
        )
        return float(cursor.fetchone()[0])


@dataclass
class Nearness:
    """Whether the replica may be read, asked at most once in a while."""

    until: float = 0.0
    near: bool = False

    def is_near(self) -> bool:
        if time.monotonic() >= self.until:
            self._ask()
        return self.near

    def forget(self) -> None:
        self.until = 0.0

    def _ask(self) -> None:
        try:
            lag = replica_lag_seconds()
        except Error as error:
            log.warning("replica_away", error=str(error))
            self.near, self.until = False, time.monotonic() + AWAY_SECONDS
            return
        self.near, self.until = lag <= settings.REPLICA_LAG_SECONDS_MAX, time.monotonic() + BELIEVED_SECONDS
        if not self.near:
            log.warning("replica_behind", seconds=lag)


_near = Nearness()


def replica_forget() -> None:
    """The next report asks the replica anew."""
    _near.forget()
