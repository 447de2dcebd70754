"""Processor time by who used it: what a busy machine changes least about a measurement."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection

from weilidai.bench.measure import PROC

# Places in /proc/PID/stat, counted from the state of the process on.
PARENT, USER_TICKS, SYSTEM_TICKS = 1, 11, 12


@dataclass
class Used:
    """Seconds of the processor in a block; the database's are 0 where it runs on another machine."""

    server: float = 0.0
    database: float = 0.0
    client: float = 0.0

    def figures(self, calls: int, name: str = "") -> dict[str, float]:
        """Milliseconds a call."""
        told = {"server": self.server, "database": self.database, "client": self.client}
        return {f"{name}{who} cpu ms": 1000 * seconds / calls for who, seconds in told.items()}


@dataclass(frozen=True)
class _Read:
    client: float
    server: dict[int, float]
    database: dict[int, float] = field(default_factory=dict)


@contextmanager
def processor_used(root: int = 0) -> Iterator[Used]:
    """What the block makes a process with its children, the backends of this database and this process use."""
    used, before = Used(), _read(root)
    yield used
    after = _read(root)
    used.client = after.client - before.client
    used.server = _grown(before.server, after.server)
    used.database = _grown(before.database, after.database)


def _read(root: int) -> _Read:
    fields = _fields(int(row.name) for row in PROC.glob("[0-9]*"))
    wanted = {pid: row for pid, row in fields.items() if root and root in (pid, int(row[PARENT]))}
    server = {pid: _seconds(row) for pid, row in wanted.items() if pid != os.getpid()}
    backends = _fields(_backends())
    return _Read(time.process_time(), server, {pid: _seconds(row) for pid, row in backends.items()})


def _backends() -> list[int]:
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return [row[0] for row in cursor.fetchall()]


def _fields(pids: Iterable[int]) -> dict[int, list[str]]:
    found = {}
    for pid in pids:
        try:
            found[pid] = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            # It ended, or is on another machine.
            continue
    return found


def _seconds(row: list[str]) -> float:
    return (int(row[USER_TICKS]) + int(row[SYSTEM_TICKS])) / os.sysconf("SC_CLK_TCK")


def _grown(before: dict[int, float], after: dict[int, float]) -> float:
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())
