"""The steps before the first process starts: tables, presets, texts, static files, demonstration data."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import django
from rich.console import Console

from weilidai.run.config import ROOT

# What the steps below depend on; while none of it changed, a second `make run` skips them all.
INPUTS = ("*/migrations/*.py", "*/*/migrations/*.py", "risk/presets/**/*", "locale/**/*.po", "*/static/**/*")
INPUT_FILES = ("requirements.txt", "weilidai/settings.py", "weilidai/schedule.py")


@dataclass(frozen=True)
class Step:
    """One thing to do, with what the reader is told meanwhile."""

    title: str
    work: Callable[[], object]


def fingerprint(*, database: str) -> str:
    """A digest of every input of the steps and of the database they were done on."""
    digest = hashlib.sha256(database.encode())
    for path in sorted(_inputs()):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    for pattern in INPUTS:
        yield from (p for p in ROOT.glob(pattern) if p.is_file() and ".venv" not in p.parts and "var" not in p.parts)
    yield from (ROOT / name for name in INPUT_FILES)
    yield from (p for app in ("accounts", "risk", "loans", "weilidai") for p in (ROOT / app).rglob("commands/*.py"))


def _steps(*, demo: bool) -> list[Step]:
    """The steps of this run; a command that an installation does not have is left out."""
    from django.core.management import call_command, get_commands

    known = get_commands()
    steps = [
        Step("tables", lambda: call_command("migrate", interactive=False, verbosity=0)),
        Step("translated texts", lambda: call_command("messages_compile", verbosity=0)),
        Step("static files", lambda: call_command("collectstatic", interactive=False, verbosity=0)),
        Step("roles", lambda: call_command("sync_roles", verbosity=0)),
        Step("schedule", lambda: call_command("schedule_sync", verbosity=0)),
    ]
    if "load_presets" in known:
        steps.insert(1, Step("presets", lambda: call_command("load_presets")))
    if demo and "demo" in known:
        steps.append(Step("demonstration data", lambda: call_command("demo")))
    return steps


def main() -> int:
    """Do every step, saying which one it is. The exit status is 0 when all were done."""
    django.setup()
    console = Console(highlight=False)
    steps = _steps(demo=os.environ.get("DEMO") == "1")
    for number, step in enumerate(steps, start=1):
        console.print(f"[bold cyan]\\[{number}/{len(steps)}][/] {step.title} …")
        step.work()
    return 0


if __name__ == "__main__":
    sys.exit(main())
