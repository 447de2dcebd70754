"""One process of the platform: started in a group of its own, its lines prefixed, its group ended with it."""

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

PR_SET_PDEATHSIG = 1
BACKOFF_SECONDS_MAX = 15.0
STABLE_SECONDS = 30.0  # a process that ran this long is trusted again
_libc = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """In the child: be told to end if the manager itself is killed, so that nothing is ever left behind."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """A program kept running."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(repr=False)
    directory: str
    say: Callable[[str, str], None]
    process: asyncio.subprocess.Process | None = None
    failures: int = 0
    started_at: float = 0.0
    _copying: "asyncio.Task[None] | None" = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start the program; its output appears line by line under its name."""
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            cwd=self.directory,
            env=dict(self.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            limit=1 << 20,
        )
        self.started_at = time.monotonic()
        self._copying = asyncio.create_task(self._copy_lines(self.process))

    async def _copy_lines(self, process: asyncio.subprocess.Process) -> None:
        lines = cast(asyncio.StreamReader, process.stdout)  # a pipe was asked for above
        while True:
            try:
                line = await lines.readline()
            except ValueError:
                self.say(self.name, "(a line of more than a megabyte was left out)")
                continue
            if not line:
                return
            self.say(self.name, line.decode(errors="replace").rstrip())

    async def wait(self) -> int:
        """Wait for the end; then end whatever the program left in its group."""
        if self.process is None:
            raise RuntimeError(f"{self.name} was never started")
        status = await self.process.wait()
        self.signal_group(signal.SIGKILL)
        return status

    def backoff_seconds(self) -> float:
        """How long to wait before the next start: at once after a stable run, ever longer in a crash loop."""
        stable = time.monotonic() - self.started_at > STABLE_SECONDS
        self.failures = 0 if stable else self.failures + 1
        return float(min(BACKOFF_SECONDS_MAX, 0.25 * 2**self.failures)) if self.failures else 0.25

    def signal(self, number: int) -> None:
        """Signal the program itself; it passes the wish on to its own children."""
        if self.running and self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Signal the program with everything it started."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    async def stop(self, *, seconds: float) -> None:
        """Ask it to end, then end it: nothing of its group is left when this returns."""
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), timeout=seconds)
        except TimeoutError:
            self.say(self.name, f"did not end within {seconds:.0f} s: killed")
        self.signal_group(signal.SIGKILL)
        await self.process.wait()
