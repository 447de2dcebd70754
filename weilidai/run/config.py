"""What this run uses: directories, addresses, and which parts are the embedded ones."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import environ

from weilidai.run import valkey

ROOT = Path(__file__).resolve().parents[2]
PORT_DEFAULT = 8000
ADDRESSES = ("DATABASE_URL", "BROKER_URL", "CACHE_URL")


class CannotRun(RuntimeError):
    """The run cannot start; the text tells the reader what to do."""


@dataclass(frozen=True)
class RunConfig:
    """Decided once at start, from the environment and `.env`."""

    var: Path
    port: int
    embedded_database: bool
    embedded_broker: bool
    demo: bool
    environment: dict[str, str] = field(repr=False)

    @property
    def socket(self) -> Path:
        """Where the embedded broker listens."""
        return valkey.socket_path(self.var)

    @property
    def broker_url(self) -> str:
        return self.environment["BROKER_URL"]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def run_config(environment: Mapping[str, str]) -> RunConfig:
    """Read the environment. Raises CannotRun for values that make no sense."""
    # An address that is set but empty means the embedded part, as an address that is not set does.
    values = {name: value for name, value in environment.items() if value or name not in ADDRESSES}
    for name, value in _env_file(values).items():
        values.setdefault(name, value)
    var = Path(values.get("VAR_DIR") or ROOT / "var").resolve()
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    embedded_broker = not values.get("BROKER_URL")
    _addresses_set(values, var, embedded_broker)
    embedded_database = not values.get("DATABASE_URL")
    debug = values.get("DEBUG", "1").lower() in ("1", "true", "yes", "on")
    demo = values.get("DEMO", "1" if embedded_database else "0") == "1" and debug
    return RunConfig(var, _port(values), embedded_database, embedded_broker, demo, values)


def _env_file(values: Mapping[str, str]) -> dict[str, str]:
    """The lines of `.env` that the environment itself does not override."""
    path = Path(values.get("ENV_FILE") or ROOT / ".env")
    if not path.is_file():
        return {}
    before = set(os.environ)
    environ.Env.read_env(str(path))
    return {name: os.environ[name] for name in set(os.environ) - before}


def _addresses_set(values: dict[str, str], var: Path, embedded_broker: bool) -> None:
    """Fill the broker's and the cache's addresses. Raises CannotRun when only the cache would be missing."""
    values.update(VAR_DIR=str(var), DJANGO_SETTINGS_MODULE="weilidai.settings", PYTHONUNBUFFERED="1")
    if embedded_broker:
        socket_path = valkey.socket_path(var)
        values["BROKER_URL"] = valkey.broker_url(socket_path)
        values["CACHE_URL"] = values.get("CACHE_URL") or valkey.cache_url(socket_path)
    elif not values.get("CACHE_URL"):
        raise CannotRun("BROKER_URL is set but CACHE_URL is not: set both, or neither for the embedded server.")
    values.setdefault("PROMETHEUS_MULTIPROC_DIR", str(var / "metrics"))
    # Messages are JSON only, so the reason of Celery's warning to root (pickled code) does not exist here.
    values.setdefault("PYTHONWARNINGS", "ignore:You're running the worker with superuser privileges")


def _port(values: Mapping[str, str]) -> int:
    word = values.get("PORT") or str(PORT_DEFAULT)
    if not word.isdecimal() or not 0 < int(word) < 65536:
        raise CannotRun(f"PORT={word} is not a port number (1 to 65535).")
    return int(word)


def port_require_free(port: int) -> None:
    """Raises CannotRun when somebody listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - the same address the web server takes
        except OSError as error:
            hint = f"for example: PORT={port + 1} make run"
            raise CannotRun(f"Port {port} cannot be used ({error.strerror}). Choose another one, {hint}") from error
