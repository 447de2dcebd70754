"""`python -m tests.run`: every check, all tests on SQLite, then those that ask a database on a throw-away PostgreSQL.

`--checks` stops after style, types, migrations and the API document. The last lines say what happened.
"""

import difflib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.browser import chromium_path
from tests.support.postgres import PostgresMissing, throwaway_postgres

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SCHEMA = ROOT / "docs" / "openapi.yaml"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-n", str(os.cpu_count() or 2), "--dist", "loadfile", "--dealt"]


def say(line: str) -> None:
    """A line for whoever waits, in its place among those of the commands."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(title: str, command: list[str], **environment: str) -> bool:
    """Runs a command in the open and says how long it took."""
    say(f"\n=== {title}")
    started = time.monotonic()
    kept = {name: value for name, value in (os.environ | environment).items() if value or name != "DATABASE_URL"}
    done = subprocess.run(command, cwd=ROOT, env=kept)
    say(f"=== {title}: exit {done.returncode} after {time.monotonic() - started:.0f} s")
    return done.returncode == 0


def schema_in_step() -> bool:
    """Whether docs/openapi.yaml is what the code says."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "openapi.yaml"
        command = [sys.executable, "manage.py", "spectacular", "--file", str(fresh), "--validate", "--fail-on-warn"]
        if not run("API document", command):
            return False
        before, now = SCHEMA.read_text().splitlines(), fresh.read_text().splitlines()
    if before != now:
        difference = difflib.unified_diff(before, now, "docs/openapi.yaml", "the code", lineterm="", n=1)
        say("\n".join([*list(difference)[:60], "\nrun `make openapi`"]))
    return before == now


def checks() -> dict[str, bool]:
    ruff, mypy = str(BIN / "ruff"), str(BIN / "mypy")
    migrations = [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]
    return {
        "style": run("style", [ruff, "check", "."]),
        "form": run("form", [ruff, "format", "--check", "--quiet", "."]),
        "types": run("types", [mypy, "."]),
        "migrations": run("migrations", migrations, DATABASE_URL="sqlite://:memory:"),
        "API document": schema_in_step(),
    }


def suites() -> dict[str, bool]:
    results = {"tests on SQLite": run("tests on SQLite", PYTEST, DATABASE_URL="")}
    try:
        with throwaway_postgres() as server:
            url = server.url()
            results["tests on PostgreSQL"] = run("tests on PostgreSQL", [*PYTEST, "--database-only"], DATABASE_URL=url)
    except PostgresMissing as missing:
        say(f"\nno PostgreSQL: {missing}")
        results["tests on PostgreSQL"] = False
    return results


def main() -> int:
    results = checks()
    if "--checks" not in sys.argv:
        results |= suites()
        if chromium_path() is None:
            say("\nNo Chromium on this machine: the browser tests were skipped.")
    say("")
    for name, good in results.items():
        say(f"{'ok    ' if good else 'FAILED'}  {name}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
