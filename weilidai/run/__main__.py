"""`python -m weilidai.run`: the whole platform in one terminal. Ctrl-C ends it."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from weilidai.run import valkey
from weilidai.run.child import Child
from weilidai.run.config import ROOT, CannotRun, RunConfig, port_require_free, run_config
from weilidai.run.prepare import fingerprint
from weilidai.run.supervisor import Supervisor

COLOURS = {"run": "bold white", "web": "green", "worker": "blue", "beat": "magenta", "valkey": "yellow"}
console = Console(highlight=False, soft_wrap=True)


def say(name: str, line: str) -> None:
    """One line of output, under the name of the process it came from."""
    console.print(Text.assemble((f"{name:>7} │ ", COLOURS.get(name, "white")), line))


@contextmanager
def only_run(config: RunConfig) -> Iterator[None]:
    """One run per state directory. The kernel drops the lock with the process, so it cannot go stale."""
    with (config.var / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotRun(f"It is running already (state in {config.var}). Stop that one first.") from error
        yield


@contextmanager
def broker_for_steps(config: RunConfig) -> Iterator[None]:
    """The embedded broker while the steps run: they may publish and use the cache."""
    if not config.embedded_broker:
        yield
        return
    command = valkey.server_command(directory=config.var / "valkey", socket=config.socket)
    server = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own command line
    try:
        if not valkey.wait_until_answers(config.broker_url, seconds=60):
            raise CannotRun("The embedded broker does not answer; see valkey/valkey.log in the state directory.")
        yield
    finally:
        server.terminate()
        server.wait(timeout=20)


def prepare(config: RunConfig) -> None:
    """Do the steps, unless nothing they depend on changed since they were last done. Raises CannotRun."""
    stamp = config.var / "prepared"
    database = config.environment.get("DATABASE_URL", "embedded")
    print_of_now = fingerprint(database=f"{database} {config.demo}")
    done = stamp.is_file() and stamp.read_text() == print_of_now
    if config.embedded_database and done and (config.var / "weilidai.sqlite3").is_file():
        say("run", "tables, texts, static files and data are up to date")
        return
    stamp.unlink(missing_ok=True)
    environment = config.environment | {"DEMO": "1" if config.demo else "0"}
    with broker_for_steps(config):
        result = subprocess.run([sys.executable, "-m", "weilidai.run.prepare"], cwd=ROOT, env=environment)
    if result.returncode != 0:
        raise CannotRun("Setting up failed; the reason is above.")
    stamp.write_text(print_of_now)


def children(config: RunConfig) -> list[Child]:
    """The processes of this run in start order."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "weilidai", "--quiet"]
    concurrency = config.environment.get("WORKER_CONCURRENCY", "2")
    commands = {
        "web": [python, "-m", "gunicorn", "-c", "python:weilidai.gunicorn", "weilidai.wsgi"],
        "worker": [*celery, "worker", "--concurrency", concurrency, "--without-gossip", "--without-mingle"],
        "beat": [*celery, "beat", f"--pidfile={config.var / 'beat.pid'}"],
    }
    if config.embedded_broker:
        server = valkey.server_command(directory=config.var / "valkey", socket=config.socket)
        commands = {"valkey": server} | commands
    environment = config.environment | {"PORT": str(config.port)}
    return [Child(name, command, environment, str(ROOT), say) for name, command in commands.items()]


def leftovers_remove(config: RunConfig) -> None:
    """What a killed run leaves: its broker, beat's pid file, figures of dead processes."""
    if config.embedded_broker and valkey.stop_leftover(config.socket):
        say("run", "ended the broker of a run that was killed")
    (config.var / "beat.pid").unlink(missing_ok=True)
    metrics = config.environment["PROMETHEUS_MULTIPROC_DIR"]
    shutil.rmtree(metrics, ignore_errors=True)
    os.makedirs(metrics, exist_ok=True)


def announce(config: RunConfig) -> None:
    """Where to look, once it answers."""
    for title, path in (("back office", "/admin/"), ("API docs", "/api/docs/"), ("readiness", "/api/v1/health/ready")):
        say("run", f"{title:<12} {config.base_url}{path}")
    say("run", "Ctrl-C stops everything.")


def main() -> int:
    """Exit status 0 after an orderly stop, 1 with a plain sentence when it cannot start."""
    try:
        config = run_config(os.environ)
        with only_run(config):
            port_require_free(config.port)
            leftovers_remove(config)
            prepare(config)
            asyncio.run(_supervise(config))
    except (CannotRun, valkey.BrokerMissing) as reason:
        console.print(f"[bold red]Cannot run:[/] {reason}")
        return 1
    except KeyboardInterrupt:
        say("run", "stopped")
    return 0


async def _supervise(config: RunConfig) -> None:
    supervisor = Supervisor(
        children=children(config),
        broker_url=config.broker_url,
        base_url=config.base_url,
        state_file=config.var / "processes.json",
        say=say,
        on_ready=lambda: announce(config),
    )
    await supervisor.run()
    say("run", "stopped")


if __name__ == "__main__":
    sys.exit(main())
