"""Connections are dealt out evenly among the processes of the web server."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from django.conf import settings
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from tests.support.postgres import free_port
from weilidai.bench.wire import Call, Client
from weilidai.lib import web_worker
from weilidai.lib.web_worker import MOST, STEP, EvenWorker, fewest, worker_gone


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds slept, in an empty table of workers whose accepting does nothing else."""
    told: list[float] = []
    monkeypatch.setattr(web_worker, "_held", memoryview(bytearray(2 * web_worker.PLACES)).cast("H"))
    monkeypatch.setattr(web_worker.time, "sleep", told.append)
    monkeypatch.setattr(ThreadWorker, "accept", lambda _self, _listener: None)
    return told


def _worker(age: int, connections: int, threads: int = 1) -> EvenWorker:
    settled = Config()
    settled.set("threads", threads)
    worker = EvenWorker(age, os.getpid(), [], None, 30, settled, None)
    worker.nr_conns = connections
    worker.notify()
    return worker


def test_the_worker_with_more_connections_waits_and_the_one_with_fewest_does_not(waits: list[float]) -> None:
    empty, busy = _worker(1, 2), _worker(2, 3)
    empty.accept(None)
    assert waits == []
    busy.accept(None)
    assert waits == [STEP]


def test_as_many_connections_as_another_is_no_reason_to_wait(waits: list[float]) -> None:
    first, second = _worker(1, 3), _worker(2, 3)
    first.accept(None)
    second.accept(None)
    assert waits == []


def test_while_a_thread_is_left_nobody_waits(waits: list[float]) -> None:
    _worker(1, 0, threads=3)
    _worker(2, 2, threads=3).accept(None)
    assert waits == []
    _worker(3, 3, threads=3).accept(None)
    assert waits == [3 * STEP]


def test_the_wait_is_bounded_however_uneven_it_is(waits: list[float]) -> None:
    _worker(1, 0)
    _worker(2, 500).accept(None)
    assert waits == [MOST]


def test_a_worker_that_ended_is_not_waited_for(waits: list[float]) -> None:
    gone, left = _worker(1, 0), _worker(2, 7)
    worker_gone(gone)
    left.accept(None)
    assert waits == []
    assert fewest() == 8


def test_what_a_worker_accepted_is_known_to_the_others_at_once(
    waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def accept(self: ThreadWorker, _listener: None) -> None:
        self.nr_conns += 1

    monkeypatch.setattr(ThreadWorker, "accept", accept)
    first, second = _worker(1, 0), _worker(2, 1)
    for _ in range(4):
        first.accept(None)
    assert waits == [STEP, 2 * STEP]  # Its third and fourth found another with fewer.
    second.accept(None)
    assert waits == [STEP, 2 * STEP]


@pytest.fixture
def server() -> Iterator[int]:
    """The port of the deployed gunicorn with two workers."""
    port = free_port()
    environment = {**os.environ, "BIND": "127.0.0.1", "PORT": str(port), "WEB_WORKERS": "2", "WEB_THREADS": "3"}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    command = [sys.executable, "-m", "gunicorn", "-c", "python:weilidai.gunicorn", "--log-level", "error"]
    running = subprocess.Popen([*command, "tests.support.who_answers"], env=environment, cwd=settings.BASE_DIR)
    try:
        yield port
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=20)


def _answering(port: int, count: int) -> Counter[bytes]:
    """Connections opened at once and kept, by the process that answers on each."""
    clients = [Client(port) for _ in range(count)]
    try:
        return Counter(client.send(Call("GET", "/")).body for client in clients)
    finally:
        for client in clients:
            client.socket.close()


def test_connections_that_are_kept_are_dealt_out_among_two_processes(server: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            told = _answering(server, 24)
        except OSError:
            told = Counter()
        # The second worker may still be starting.
        if len(told) == 2 or time.monotonic() > until:
            break
        time.sleep(0.1)
    dealt = _answering(server, 24)
    assert sum(dealt.values()) == 24
    assert len(dealt) == 2
    assert min(dealt.values()) >= 6, dealt
