"""A database of its own and the platform's real server on it, for cases over HTTP; nothing of either stays."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from weilidai.bench.wire import Call, Client
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


@dataclass(frozen=True)
class Served:
    """The port on this machine that is answered on, and the process whose children answer."""

    port: int
    process: int


@contextmanager
def served(database_url: str) -> Iterator[Served]:
    """gunicorn with the deployed configuration and a cache of its own."""
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
            _process([*gunicorn, "weilidai.bench.site:application"], environment) as process,
        ):
            _wait(port)
            yield Served(port, process)


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
def _process(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    running = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, start_new_session=True)  # noqa: S603
    try:
        yield running.pid
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
