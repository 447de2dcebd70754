"""A bell that several ask for within a moment is rung once: ringing costs more than what most of them did."""

from collections.abc import Callable
from threading import Lock, Timer

from django.conf import settings


class Bell:
    """Rings a moment after it was first asked for. Who asks after a commit can be sure that the ring comes later."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring, self._lock = ring, Lock()
        self._coming: Timer | None = None

    def ring_soon(self) -> None:
        pause = settings.BELL_PAUSE_SECONDS
        if not pause:
            self._ring()
            return
        with self._lock:
            # A process that was forked meanwhile has the timer but not its thread.
            if self._coming is None or not self._coming.is_alive():
                self._coming = Timer(pause, self._now)
                self._coming.daemon = True
                self._coming.start()

    def _now(self) -> None:
        with self._lock:
            self._coming = None
        self._ring()
