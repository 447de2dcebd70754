"""Real processes for tests: a broker, workers, and the whole platform as `make run` starts it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.postgres import free_port
from weilidai.run import valkey

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Broker:
    """A Valkey server of this test only, which a test may kill and start again."""

    directory: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return valkey.broker_url(valkey.socket_path(self.directory))

    @property
    def cache_url(self) -> str:
        return valkey.cache_url(valkey.socket_path(self.directory))

    def start(self) -> None:
        """Start (again) on the same data and socket."""
        command = valkey.server_command(directory=self.directory, socket=valkey.socket_path(self.directory))
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        if not valkey.wait_until_answers(self.url, seconds=20):
            raise RuntimeError("the throw-away broker does not answer")

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def throwaway_broker() -> Iterator[Broker]:
    """A broker in a directory of its own, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="weilidai-valkey-") as directory:
        broker = Broker(Path(directory))
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


def process_environment(**values: str) -> dict[str, str]:
    """The environment of a real platform process under test: the demo's settings, nobody's `.env`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    base = {"DJANGO_SETTINGS_MODULE": "weilidai.settings", "ENV_FILE": os.devnull, "DEBUG": "1"}
    return inherited | base | {"PYTHONUNBUFFERED": "1"} | values


@dataclass
class Workers:
    """Real Celery workers on a test's database and broker. `log` holds everything they printed."""

    broker: Broker
    environment: Mapping[str, str]
    log: Path
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self, *, concurrency: int = 2) -> "subprocess.Popen[bytes]":
        """Start one more worker; returns once it consumes."""
        name = f"w{len(self.processes)}"
        words = ["--pool", "prefork", "--concurrency", str(concurrency), "--hostname", f"{name}@test"]
        command = [sys.executable, "-m", "celery", "-A", "weilidai", "worker", "--loglevel", "INFO", *words]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=dict(self.environment), stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(process)
        wait_until(lambda: f"{name}@test ready" in self.log.read_text(), seconds=60, what=f"{name} to be ready")
        return process

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """`kill -9` of a worker with all its children, at whatever statement they are."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def children(self, process: "subprocess.Popen[bytes]") -> list[int]:
        """Process ids of a worker's pool."""
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        return [int(word) for word in listed.split()]

    def stop(self) -> None:
        for process in self.processes:
            self.kill(process)


def wait_until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Poll a condition (a callable) until it holds; raises AssertionError naming what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


@dataclass
class Stack:
    """The whole platform, running."""

    base_url: str
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    def manage(self, *words: str) -> str:
        """Run a management command on the stack's database; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=dict(self.environment), capture_output=True, text=True
        )
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def _get(self, path: str) -> Any:
        return urllib.request.urlopen(self.base_url + path, timeout=10)  # noqa: S310 - our own server

    def status(self, path: str) -> int:
        """The HTTP status of a GET."""
        try:
            with self._get(path) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def ready(self) -> dict[str, object]:
        """The body of the readiness check."""
        with self._get("/api/v1/health/ready") as answer:
            body: dict[str, object] = json.load(answer)
            return body

    def pids(self) -> dict[str, int]:
        """Process id of each running part by its name, as the process manager keeps them."""
        state = Path(self.environment["VAR_DIR"]) / "processes.json"
        recorded: dict[str, int] = json.loads(state.read_text())
        return recorded

    def stop(self) -> int:
        """Ctrl-C; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()


@contextmanager
def running_stack(directory: Path, **values: str) -> Iterator[Stack]:
    """Start `python -m weilidai.run` with its state in `directory`; ready when the readiness check says so."""
    port, log = free_port(), directory / "stack.log"
    environment = process_environment(PORT=str(port), VAR_DIR=str(directory), **values)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "weilidai.run"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    stack = Stack(f"http://127.0.0.1:{port}", environment, process, log)
    try:
        wait_until(
            lambda: process.poll() is not None or stack.status("/api/v1/health/ready") == 200,
            seconds=180,
            what="the stack to be ready",
        )
        assert process.poll() is None, log.read_text()[-4000:]
        yield stack
    finally:
        stack.stop()
