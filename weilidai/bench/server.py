"""A database of its own and the platform's real server on it, for cases over HTTP; nothing of either stays."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from weilidai.run import valkey

ANSWERS_WITHIN = 60  # seconds


@contextmanager
def scratch_database() -> Iterator[str]:
    """An empty migrated database beside the configured one is the default of this process; its URL for others."""
    before, name = connection.settings_dict["NAME"], f"weilidai_bench_{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":
            name = str(Path(folder) / f"{name}.sqlite3")
        else:
            _administer(f'CREATE DATABASE "{name}"')
        try:
            _switch(name)
            call_command("migrate", verbosity=0)
            yield _url(name)
        finally:
            _switch(before)
            if connection.vendor != "sqlite":
                _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def _switch(name: Any) -> None:
    connections.close_all()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    connection.settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name


def _administer(statement: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


def _url(name: str) -> str:
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    told = connection.settings_dict
    who = told["USER"] + (f":{told['PASSWORD']}" if told["PASSWORD"] else "")
    port = f":{told['PORT']}" if told["PORT"] else ""
    host = str(told["HOST"]).replace("/", "%2F")
    return f"postgres://{who}@{host}{port}/{name}"


@contextmanager
def served(database_url: str) -> Iterator[int]:
    """gunicorn with the deployed configuration and a cache of its own; the port on this machine it answers on."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sock = valkey.socket_path(place)
        port = _free_port()
        environment = {
            **os.environ, "DATABASE_URL": database_url, "BROKER_URL": valkey.broker_url(sock),
            "CACHE_URL": valkey.cache_url(sock), "BIND": "127.0.0.1", "PORT": str(port), **_production(),
        }  # fmt: skip
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:weilidai.gunicorn", "--log-level", "error"]
        with (
            _process(valkey.server_command(directory=place / "valkey", socket=sock), environment),
            _process([*gunicorn, "weilidai.bench.site:application"], environment),
        ):
            _wait(port)
            yield port


def _production() -> dict[str, str]:
    """What an operator sets, with the keys of this process; the institutions have addresses that nobody answers at."""
    values = {
        "DEBUG": "0", "HTTPS_ONLY": "0", "ALLOWED_HOSTS": "127.0.0.1", "SECRET_KEY": settings.SECRET_KEY,
        "PII_KEY": ",".join(settings.PII_KEYS), "PII_HASH_KEY": settings.PII_HASH_KEY,
    }  # fmt: skip
    for name in settings.PROVIDER_NAMES:
        prefix = f"PROVIDER_{name.upper()}"
        values |= {prefix: "http", f"{prefix}_URL": "https://nobody.invalid", f"{prefix}_SECRET": "bench"}
    return values


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    running = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, start_new_session=True)  # noqa: S603
    try:
        yield
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def _wait(port: int) -> None:
    until = time.monotonic() + ANSWERS_WITHIN
    while time.monotonic() < until:
        try:
            if Client(port).send(Call("GET", "/api/v1/health/live")).status < 500:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"no answer on port {port} within {ANSWERS_WITHIN} s")


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """`seconds` from the first byte sent to the last byte read."""

    status: int
    body: bytes
    seconds: float


class Client:
    """One customer's app: a connection that stays open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(self, call: Call) -> Answer:
        started = time.perf_counter()
        self.connection.request(call.method, call.path, body=call.body or None, headers=call.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        return Answer(answer.status, body, time.perf_counter() - started)


def drive(port: int, calls: Sequence[Sequence[Call]]) -> tuple[list[list[Answer]], float]:
    """Each list of calls by a client of its own, all at once; the answers, and the seconds it took in all."""
    barrier = Barrier(len(calls) + 1)
    answers: list[list[Answer]] = [[] for _ in calls]

    def work(own: Sequence[Call], into: list[Answer]) -> None:
        client = Client(port)
        barrier.wait()
        into.extend(client.send(call) for call in own)

    threads = [Thread(target=work, args=pair, daemon=True) for pair in zip(calls, answers, strict=True)]
    for thread in threads:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return answers, time.perf_counter() - started


def percentile(seconds: Sequence[float], share: float) -> float:
    """Milliseconds within which this share of the answers came."""
    ranked = sorted(seconds)
    return 1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))]
