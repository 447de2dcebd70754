"""Hosts on one machine, each with an address of its own, and what stands on the bridge between them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

NETWORK, HERE = "10.231.77.0/24", "10.231.77.1"
HOSTS = {"wld-a": "10.231.77.2", "wld-b": "10.231.77.3"}
BRIDGE, BROKER_PORT, CACHE_PORT = "wld-bridge", 6390, 6391
BROKERS = ("redis", "rabbitmq")
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class CannotBeShown(RuntimeError):
    """Something this needs is not on this machine."""


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotBeShown(f"ip {' '.join(words)}: {done.stderr.strip()}")


@contextmanager
def hosts() -> Iterator[None]:
    """A bridge on this machine and two namespaces on it."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise CannotBeShown("needs root and the program `ip`")
    with ExitStack() as undo:
        ip("link", "add", BRIDGE, "type", "bridge")
        undo.callback(subprocess.run, ["ip", "link", "del", BRIDGE], check=False)
        ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for name, address in HOSTS.items():
            ip("netns", "add", name)
            undo.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            undo.callback(subprocess.run, ["ip", "link", "del", name], check=False)
            ip("link", "set", name, "master", BRIDGE, "up")
            ip("netns", "exec", name, "ip", "addr", "add", f"{address}/24", "dev", "eth0")
            ip("netns", "exec", name, "ip", "link", "set", "eth0", "up")
            ip("netns", "exec", name, "ip", "link", "set", "lo", "up")
        yield


def cut_off(name: str) -> None:
    """The host's cable is pulled."""
    ip("link", "set", name, "down")


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    with log.open("a") as told:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=told, stderr=told, start_new_session=True
        )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def brokers(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """The settings that name the broker and the cache; the cache is always Valkey."""
    from weilidai.run import valkey

    command = valkey.server_command(directory=folder / "valkey", socket=valkey.socket_path(folder))
    command += ["--port", str(CACHE_PORT), "--bind", HERE, "--protected-mode", "no"]
    here = f"redis://{HERE}:{CACHE_PORT}"
    with running(command, folder / "valkey.log"):
        if kind == "redis":
            yield {"BROKER_URL": f"{here}/0", "CACHE_URL": f"{here}/1"}
            return
        with rabbitmq(folder) as broker:
            yield {"BROKER_URL": broker, "CACHE_URL": f"{here}/1"}


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """A RabbitMQ of its own on the bridge; Debian's package `rabbitmq-server`."""
    if not RABBITMQ.exists():
        raise CannotBeShown("no RabbitMQ here: apt-get install rabbitmq-server")
    home = folder / "rabbitmq"
    home.mkdir()
    (home / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = {HERE}:{BROKER_PORT}\nloopback_users = none\nheartbeat = 10\n"
    )
    (home / "enabled_plugins").write_text("[].\n")
    environment = os.environ | {
        "HOME": str(home), "RABBITMQ_NODENAME": "wld@localhost", "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_MNESIA_BASE": str(home), "RABBITMQ_LOG_BASE": str(home), "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(home / "pid"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_DIST_PORT": str(BROKER_PORT + 20_000), "ERL_EPMD_PORT": str(BROKER_PORT + 20_001),
    }  # fmt: skip
    url = f"amqp://guest:guest@{HERE}:{BROKER_PORT}//"
    with running([str(RABBITMQ)], folder / "rabbitmq.log", environment):
        _broker_wait(url, folder / "rabbitmq.log")
        yield url


def _broker_wait(url: str, log: Path) -> None:
    from kombu import Connection

    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with Connection(url, connect_timeout=2) as connection:
                connection.connect()
            return
        except OSError:
            time.sleep(0.5)
    raise CannotBeShown(f"the broker does not answer: {log.read_text()[-1500:]}")


@contextmanager
def workers(settings: dict[str, str], folder: Path) -> Iterator[None]:
    """A worker on each host; it knows the database and the broker by their address on the network only."""
    command = [sys.executable, "-m", "celery", "-A", "weilidai", "worker", "--concurrency", "1", "--loglevel", "ERROR"]
    with ExitStack() as all_of_them:
        for name in HOSTS:
            on_host = ["ip", "netns", "exec", name, *command, "--hostname", f"worker@{name}"]
            all_of_them.enter_context(running(on_host, folder / f"{name}.log", os.environ | settings))
        yield


def at_work() -> Counter[str]:
    """Transactions of each host that are open at this moment, by the address the database sees."""
    from django.db import connection

    names = {address: name for name, address in HOSTS.items()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT host(client_addr) FROM pg_stat_activity WHERE xact_start IS NOT NULL")
        return Counter(names[address] for (address,) in cursor.fetchall() if address in names)


def bells_waiting() -> int:
    """Messages in the queue of the workers, whatever the broker."""
    from weilidai.celery import app

    with app.connection_for_write() as connection:
        queue = app.amqp.queues[app.conf.task_default_queue]
        found = connection.default_channel.queue_declare(
            queue.name, durable=queue.durable, auto_delete=queue.auto_delete, arguments=queue.queue_arguments
        )
        count: int = found.message_count
        return count
