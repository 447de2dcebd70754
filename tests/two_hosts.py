"""Two worker hosts on one database and one broker, one of them cut off in mid-work: the quarter's review is finished by
the other, every line reviewed once.

The hosts are network namespaces of this machine, so it needs root, `ip` (iproute2) and PostgreSQL's binaries:

    sudo .venv/bin/python -m tests.two_hosts [--lines 20000]

Everything it starts and makes is its own and is gone at the end. Where namespaces cannot be made it says so and stops.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NETWORK, HERE = "10.231.77.0/24", "10.231.77.1"
HOSTS = {"wld-a": "10.231.77.2", "wld-b": "10.231.77.3"}
BRIDGE, BROKER_PORT = "wld-bridge", 6391
CUT_AT = 0.3  # of the lines reviewed
GIVE_UP_SECONDS = 900


class NoNamespaces(RuntimeError):
    """Hosts cannot be made here."""


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise NoNamespaces(f"ip {' '.join(words)}: {done.stderr.strip()}")


@contextmanager
def hosts() -> Iterator[None]:
    """A bridge on this machine and two namespaces on it, each with an address of its own."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise NoNamespaces("needs root and the program `ip`")
    with ExitStack() as undo:
        ip("link", "add", BRIDGE, "type", "bridge")
        undo.callback(subprocess.run, ["ip", "link", "del", BRIDGE], check=False)
        ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for name, address in HOSTS.items():
            ip("netns", "add", name)
            undo.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", BRIDGE, "up")
            ip("netns", "exec", name, "ip", "addr", "add", f"{address}/24", "dev", "eth0")
            ip("netns", "exec", name, "ip", "link", "set", "eth0", "up")
            ip("netns", "exec", name, "ip", "link", "set", "lo", "up")
        yield


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
def broker(folder: Path) -> Iterator[str]:
    from weilidai.run import valkey

    command = valkey.server_command(directory=folder / "valkey", socket=valkey.socket_path(folder))
    command += ["--port", str(BROKER_PORT), "--bind", HERE, "--protected-mode", "no"]
    with running(command, folder / "valkey.log"):
        yield f"redis://{HERE}:{BROKER_PORT}"


@contextmanager
def workers(url: str, broker_url: str, folder: Path) -> Iterator[None]:
    """A worker on each host; it knows the database and the broker by their address on the network only."""
    environment = {**os.environ, "DATABASE_URL": url, "BROKER_URL": f"{broker_url}/0", "CACHE_URL": f"{broker_url}/1"}
    command = [sys.executable, "-m", "celery", "-A", "weilidai", "worker", "--concurrency", "1", "--loglevel", "ERROR"]
    with ExitStack() as all_of_them:
        for name in HOSTS:
            on_host = ["ip", "netns", "exec", name, *command, "--hostname", f"worker@{name}"]
            all_of_them.enter_context(running(on_host, folder / f"{name}.log", environment))
        yield


def review_begin(lines: int) -> None:
    """The lines of the benchmark `review`, committed, and the quarter's review of them begun."""
    from django.db import connection, transaction

    from risk.services.rate_review import rate_review_begin
    from weilidai.bench import review

    with transaction.atomic():
        with connection.cursor() as cursor:
            # The lines of the benchmark have no applications behind them.
            cursor.execute("SET LOCAL session_replication_role = replica")
        review._lines_create(lines)
    rate_review_begin(quarter=review.QUARTER, as_of=review.QUARTER, at=review.AT)


def at_work() -> Counter[str]:
    """Transactions of each host that are open at this moment, by the address the database sees."""
    from django.db import connection

    names = {address: name for name, address in HOSTS.items()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT host(client_addr) FROM pg_stat_activity WHERE xact_start IS NOT NULL")
        return Counter(names[address] for (address,) in cursor.fetchall() if address in names)


def ring(waiting_max: int = 4) -> None:
    """What beat does: a bell, unless enough of them wait."""
    import redis
    from django.conf import settings

    from risk.tasks import rate_review_advance_task

    if redis.from_url(settings.BROKER_URL).llen("celery") < waiting_max:
        rate_review_advance_task.apply_async(expires=30)


def follow(lines: int) -> dict[str, object]:
    """Rings until the review is finished, cutting one host off on the way."""
    from risk.models import RateReview, RateReviewRun

    seen: Counter[str] = Counter()
    started = time.monotonic()
    cut_at = freed_at = 0.0
    before = 0
    while time.monotonic() - started < GIVE_UP_SECONDS:
        ring()
        working = at_work()
        now = time.monotonic() - started
        seen.update(working)
        done = RateReview.objects.count()
        if not cut_at and done >= CUT_AT * lines and working["wld-b"] and seen["wld-a"]:
            ip("link", "set", "wld-b", "down")
            cut_at, before = now, done
        if cut_at and not freed_at and not working["wld-b"]:
            freed_at = now
        if RateReviewRun.objects.get().state == "done":
            return {
                "lines": lines, "seconds": round(now, 1), "cut off after": round(cut_at, 1),
                "reviewed by then": before, "its locks were free after": round(freed_at - cut_at, 1),
                "seen at work": dict(seen),
            }  # fmt: skip
        time.sleep(0.2)
    raise SystemExit(f"not finished within {GIVE_UP_SECONDS} s: {RateReview.objects.count()} of {lines}")


def check(lines: int) -> dict[str, int]:
    """Nothing lost, nothing doubled: one review a line, one change and one audit row for each that changed."""
    from django.db.models import F

    from risk.models import CreditLine, LineChange, RateReview, RateReviewRun
    from risk.selectors.line_runs import run_progress
    from weilidai.lib.models import AuditEvent

    reviews = RateReview.objects.count()
    once = RateReview.objects.values("credit_line").distinct().count()
    changed = RateReview.objects.exclude(
        old_daily_rate=F("new_daily_rate"), old_tier=F("new_tier"), old_limit_amount=F("new_limit_amount")
    ).count()
    changes = LineChange.objects.count()
    audited = AuditEvent.objects.filter(action="credit_line.change").count()
    stands = CreditLine.objects.filter(
        rate_reviews__new_daily_rate=F("daily_rate"), rate_reviews__new_limit_amount=F("limit_amount")
    ).count()
    progress = run_progress(RateReviewRun.objects.get())
    undone = progress.total - progress.done
    if not (reviews == once == stands == lines and changed == changes == audited and not undone):
        raise SystemExit(f"wrong: {reviews=} {once=} {stands=} {changed=} {changes=} {audited=} {undone=}")
    return {"reviews": reviews, "changes": changes, "audit rows": audited}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=20_000)
    lines = parser.parse_args().lines
    from tests.support.postgres import throwaway_postgres

    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weilidai-hosts-")))
            stack.enter_context(hosts())
            server = stack.enter_context(throwaway_postgres(network=NETWORK, address=HERE, durable=True))
            url = server.database_create("hosts").replace("127.0.0.1", HERE)
            broker_url = stack.enter_context(broker(folder))
            os.environ |= {"DATABASE_URL": url, "BROKER_URL": f"{broker_url}/0", "CACHE_URL": f"{broker_url}/1"}
            os.environ["DJANGO_SETTINGS_MODULE"] = "weilidai.settings"
            report(lines, url, broker_url, folder, stack)
    except NoNamespaces as missing:
        sys.stdout.write(f"skipped: network namespaces cannot be made here ({missing})\n")


def report(lines: int, url: str, broker_url: str, folder: Path, stack: ExitStack) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    review_begin(lines)
    stack.enter_context(workers(url, broker_url, folder))
    for figures in (follow(lines), check(lines)):
        sys.stdout.write("  ".join(f"{name}: {figure}" for name, figure in figures.items()) + "\n")


if __name__ == "__main__":
    main()
