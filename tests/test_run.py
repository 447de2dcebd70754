"""The parts of the process manager that need no running platform."""

import asyncio
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from weilidai.run import valkey
from weilidai.run.child import Child
from weilidai.run.config import CannotRun, port_require_free, run_config
from weilidai.run.prepare import fingerprint


def values(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"VAR_DIR": str(tmp_path), "ENV_FILE": os.devnull} | more


def test_nothing_given_is_the_embedded_demo(tmp_path: Path):
    config = run_config(values(tmp_path))
    assert (config.embedded_database, config.embedded_broker, config.demo, config.port) == (True, True, True, 8000)
    assert config.broker_url == f"redis+socket://{tmp_path}/valkey.sock"


def test_given_addresses_replace_the_embedded_parts(tmp_path: Path):
    given = {"DATABASE_URL": "postgres://u:p@h/d", "BROKER_URL": "redis://h/0", "CACHE_URL": "redis://h/1"}
    config = run_config(values(tmp_path, **given))
    assert (config.embedded_database, config.embedded_broker, config.demo) == (False, False, False)
    assert config.broker_url == "redis://h/0"


def test_an_empty_address_means_embedded(tmp_path: Path):
    config = run_config(values(tmp_path, DATABASE_URL="", BROKER_URL="", CACHE_URL=""))
    assert (config.embedded_database, config.embedded_broker) == (True, True)
    assert "DATABASE_URL" not in config.environment


def test_there_is_no_demo_in_production(tmp_path: Path):
    assert run_config(values(tmp_path, DEBUG="0", DEMO="1")).demo is False


def test_a_broker_without_a_cache_is_refused(tmp_path: Path):
    with pytest.raises(CannotRun, match="CACHE_URL is not"):
        run_config(values(tmp_path, BROKER_URL="redis://h/0"))


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str):
    with pytest.raises(CannotRun, match="is not a port number"):
        run_config(values(tmp_path, PORT=port))


def test_a_taken_port_is_refused_with_advice():
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - what the web server would take
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotRun, match=f"PORT={port + 1} make run"):
            port_require_free(port)
    port_require_free(port)


def test_a_socket_path_the_kernel_takes_is_kept():
    directory = Path("/" + "d" * (107 - len("/valkey.sock") - 1))
    assert len(str(valkey.socket_path(directory))) == 107
    assert valkey.socket_path(directory) == directory / "valkey.sock"


def test_a_longer_socket_path_gets_a_short_private_stand_in():
    directory = Path("/" + "d" * (108 - len("/valkey.sock") - 1))
    path = valkey.socket_path(directory)
    assert len(str(path)) < 108
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path == valkey.socket_path(directory)
    path.parent.rmdir()


def test_the_steps_are_done_again_for_another_database():
    assert fingerprint(database="a") == fingerprint(database="a")
    assert fingerprint(database="a") != fingerprint(database="b")


def child(script: str, said: list[str]) -> Child:
    command = [sys.executable, "-u", "-c", script]
    return Child("part", command, os.environ, "/", lambda _name, line: said.append(line))


def _is_gone_within(pid: int, *, seconds: float) -> bool:
    """A killed process ends when the kernel gets to it; a zombie waits for its parent only."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().split()[2]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_stopping_a_process_that_ignores_it_leaves_none_of_its_group():
    said: list[str] = []
    script = (
        "import signal, subprocess, time; signal.signal(15, signal.SIG_IGN);"
        "print(subprocess.Popen(['sleep', '300']).pid); time.sleep(300)"
    )

    async def start_and_stop() -> None:
        stubborn = child(script, said)
        await stubborn.start()
        while not said:
            await asyncio.sleep(0.01)
        await stubborn.stop(seconds=0.2)

    asyncio.run(start_and_stop())
    assert _is_gone_within(int(said[0]), seconds=5)
    assert said[1] == "did not end within 0 s: killed"


def test_a_crash_loop_is_slowed_down_and_a_stable_run_forgiven():
    looping = child("", [])
    looping.started_at = time.monotonic()
    assert [looping.backoff_seconds() for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    looping.started_at = time.monotonic() - 31
    assert looping.backoff_seconds() == 0.25
