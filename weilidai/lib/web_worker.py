"""A gunicorn worker that takes no more than its share of the connections.

A connection that is kept open stays with the worker that accepted it, and whichever worker is quickest accepts. When
many clients connect at once one worker can end with most of them: they then wait for each other's turn in one process
while the other has nothing to do. Here a worker with no thread left and more connections than another waits a moment
before it accepts, so the one with fewer is first. Nothing is refused and no worker waits for another to answer: after
that moment it accepts whatever is still there.
"""

import mmap
import time
from socket import socket
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# One place for each worker alive, in memory that the arbiter makes before it forks; 0 where no worker is.
PLACES = 1024
# Seconds to wait for each connection more than the worker with fewest, and at most.
STEP, MOST = 0.002, 0.010

_held = memoryview(mmap.mmap(-1, 2 * PLACES)).cast("H")


class EvenWorker(ThreadWorker):
    """Threads as in gunicorn's own worker; only which worker accepts is different."""

    def notify(self) -> None:
        """Called in every round of the worker's loop, so the others never see a number older than one round."""
        super().notify()
        self._tell()

    def accept(self, listener: socket) -> None:
        # With a thread left for it, a connection is in good hands here too.
        if self.nr_conns >= self.cfg.threads and (ahead := self.nr_conns + 1 - fewest()) > 0:
            time.sleep(min(ahead * STEP, MOST))
        super().accept(listener)
        self._tell()

    def _tell(self) -> None:
        _held[self.age % PLACES] = min(self.nr_conns + 1, 0xFFFF)


def fewest() -> int:
    """Connections of the worker that has fewest, and one; the highest number while there is no worker."""
    return min((held for held in _held if held), default=0xFFFF)


def worker_gone(worker: Any) -> None:
    """A worker that ended is not waited for. Called by the arbiter."""
    _held[worker.age % PLACES] = 0
