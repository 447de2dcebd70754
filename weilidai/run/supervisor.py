"""Keeps the processes running: restarts what dies, and the workers whenever the broker was away or they fell silent."""

import asyncio
import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from weilidai.run import valkey
from weilidai.run.child import Child

STOP_SECONDS = 6.0
PROBE_SECONDS = 2.0
HEARTBEAT_PROBE_SECONDS = 20.0
SILENT_SECONDS = 120
BROKER_PROCESS = "valkey"
JOB_PROCESSES = ("worker", "beat")


@dataclass
class Supervisor:
    """The children in start order, and the loop that looks after them."""

    children: list[Child]
    broker_url: str
    base_url: str
    state_file: Path
    say: Callable[[str, str], None]
    on_ready: Callable[[], None]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _broker_was_down: bool = False

    async def run(self) -> None:
        """Run until a signal asks to stop, then leave no process behind."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        tasks = await self._start_all()
        try:
            stop = asyncio.create_task(self.stopping.wait())
            done, _pending = await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stop}:
                task.result()  # a defect of the manager itself must not pass unseen
        finally:
            self.stopping.set()
            await self._stop_all(tasks)

    async def _start_all(self) -> "list[asyncio.Task[None]]":
        """Start in order; the broker answers before anything that needs it starts."""
        works: list[asyncio.Task[None]] = []
        for child in self.children:
            await child.start()
            works.append(asyncio.create_task(self._keep(child)))
            if child.name == BROKER_PROCESS:
                await self._broker_answers()
        self._record()
        works += [asyncio.create_task(self._announce())]
        works += [asyncio.create_task(self._watch_broker()), asyncio.create_task(self._watch_heartbeat())]
        return works

    async def _keep(self, child: Child) -> None:
        """Start a child again whenever it ends."""
        while True:
            status = await child.wait()
            if self.stopping.is_set():
                return
            pause = child.backoff_seconds()
            self.say(child.name, f"ended with status {status}; starting again in {pause:.2f} s")
            await asyncio.sleep(pause)
            if self.stopping.is_set():
                return
            await child.start()
            if child.name == BROKER_PROCESS:
                # Too short an absence for the watch below to see, and long enough for workers to go deaf.
                await self._broker_answers()
                self._restart_jobs("the broker was started again")
            self._record()

    async def _broker_answers(self) -> None:
        """Wait for the broker; it may be reading a long append-only file."""
        await asyncio.to_thread(valkey.wait_until_answers, self.broker_url, seconds=60)

    async def _announce(self) -> None:
        """Say where everything is once the web side answers."""
        async with httpx.AsyncClient(timeout=5) as client:
            while not await _answers(client, f"{self.base_url}/api/v1/health/ready"):
                await asyncio.sleep(0.25)
        self.on_ready()
        await asyncio.Event().wait()

    async def _watch_broker(self) -> None:
        """Workers can stop consuming silently after their broker was away, so they are replaced when it is back."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            up = await asyncio.to_thread(valkey.answers, self.broker_url)
            if not up and not self._broker_was_down:
                self.say("run", "the broker does not answer")
            if up and self._broker_was_down:
                self._restart_jobs("the broker is back")
            self._broker_was_down = not up

    async def _watch_heartbeat(self) -> None:
        """Watch work done, not processes: a worker that does nothing for two minutes is replaced."""
        restarted_at = time.monotonic()
        async with httpx.AsyncClient(timeout=5) as client:
            while True:
                await asyncio.sleep(HEARTBEAT_PROBE_SECONDS)
                silent = await _silent_seconds(client, self.base_url)
                waited = time.monotonic() - restarted_at
                if silent is not None and silent > SILENT_SECONDS and waited > SILENT_SECONDS:
                    self._restart_jobs(f"no worker did anything for {silent} s")
                    restarted_at = time.monotonic()

    def _restart_jobs(self, reason: str) -> None:
        """End the job processes; `_keep` starts them again. Their unfinished tasks come back from the broker."""
        self.say("run", f"{reason}: restarting the workers")
        for child in self.children:
            if child.name in JOB_PROCESSES:
                child.failures = 0
                child.signal_group(signal.SIGKILL)

    def _record(self) -> None:
        """Write down who runs, for operators and tests."""
        pids = {child.name: child.process.pid for child in self.children if child.process is not None}
        partial = self.state_file.with_suffix(".partial")
        partial.write_text(json.dumps(pids))
        partial.replace(self.state_file)

    async def _stop_all(self, tasks: "list[asyncio.Task[None]]") -> None:
        self.say("run", "stopping")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        users = [child for child in self.children if child.name != BROKER_PROCESS]
        await asyncio.gather(*(child.stop(seconds=STOP_SECONDS) for child in users))
        await asyncio.gather(*(child.stop(seconds=STOP_SECONDS) for child in self.children if child not in users))
        self.state_file.unlink(missing_ok=True)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


async def _silent_seconds(client: httpx.AsyncClient, base_url: str) -> int | None:
    """Seconds since the last heartbeat; None when that cannot be known now."""
    try:
        body = (await client.get(f"{base_url}/api/v1/health/ready")).json()
    except (httpx.HTTPError, ValueError):
        return None
    silent = body.get("worker_silent_seconds")
    return silent if isinstance(silent, int) else None
