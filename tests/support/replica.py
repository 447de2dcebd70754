"""A streaming replica of the server under the tests: a base backup, then the stream; gone at the end."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg

from tests.support.postgres import (
    FAST_AND_UNSAFE,
    Postgres,
    PostgresMissing,
    _as_nobody_special,
    _directory_create,
    _stop,
    _wait_until_answers,
    binaries,
    free_port,
)


@dataclass(frozen=True)
class Replica:
    server: Postgres
    database: str

    @property
    def url(self) -> str:
        return self.server.url(self.database)


def replica_programs_exist() -> bool:
    """Whether this machine has what copies a server."""
    return (binaries() / "pg_basebackup").exists()


def _snapshot(primary: str) -> None:
    """Has the primary tell its running transactions.

    A replica answers only once it knows them all, which one with more than 64 savepoints keeps it from: it has to be
    told again after that one has ended.
    """
    with psycopg.connect(primary, dbname="postgres", autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        time.sleep(1)


@contextmanager
def streaming_replica(primary: dict[str, Any]) -> Iterator[Replica]:
    """Of the server at `primary`, the connection parameters of one of its databases. Raises PostgresMissing."""
    if not replica_programs_exist():
        raise PostgresMissing("no pg_basebackup here: apt-get install postgresql")
    root, port = _directory_create(), free_port()
    data = root / "data"
    source = "postgres://{user}:{password}@{host}:{port}/".format(
        **{key: quote(str(primary[key]), safe="") for key in ("user", "password", "host", "port")}
    )
    command = [*_as_nobody_special(), binaries() / "pg_basebackup", "-d", source, "-D", data, "-R", "-X", "stream"]
    try:
        done = subprocess.run(
            [*command, "--checkpoint=fast", "--no-sync"], cwd=root, capture_output=True, text=True
        )  # fmt: skip
        if done.returncode != 0:
            raise PostgresMissing(f"pg_basebackup failed: {done.stderr.strip()}")
        settings = FAST_AND_UNSAFE | {"port": str(port), "listen_addresses": "127.0.0.1", "hot_standby": "on"}
        settings |= {"unix_socket_directories": str(root), "shared_buffers": "32MB"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (root / "log").open("w") as log:
            start = [*_as_nobody_special(), binaries() / "postgres", "-D", data, *options]
            server = subprocess.Popen(start, cwd=root, stdout=log, stderr=log)
        try:
            replica = Postgres(port=port, password=str(primary["password"]), data=data)
            _wait_until_answers(replica, server, root / "log", seconds=300, meanwhile=lambda: _snapshot(source))
            yield Replica(replica, str(primary["dbname"]))
        finally:
            _stop(server)
    finally:
        shutil.rmtree(root, ignore_errors=True)
