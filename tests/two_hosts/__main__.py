"""Two worker hosts on one database and one broker, one of them cut off in mid-work: the other finishes the job, and
nothing is lost or done twice.

The hosts are network namespaces of this machine, so it needs root, `ip` (iproute2) and PostgreSQL's binaries:

    sudo .venv/bin/python -m tests.two_hosts [review|night] [--size 20000] [--broker redis|rabbitmq]

Everything it starts and makes is its own and is gone at the end. Where that cannot be made it says so and stops.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.two_hosts.network import (
    BROKERS,
    HERE,
    NETWORK,
    CannotBeShown,
    at_work,
    bells_waiting,
    brokers,
    cut_off,
    hosts,
    workers,
)
from tests.two_hosts.night import Night
from tests.two_hosts.review import Review

JOBS: dict[str, type[Night | Review]] = {"night": Night, "review": Review}
GIVE_UP_SECONDS = 900
BELLS_MAX = 4


def follow(job: Night | Review) -> dict[str, object]:
    """Rings until the job is finished, cutting one host off on the way."""
    seen: Counter[str] = Counter()
    started = time.monotonic()
    cut_at = freed_at = before = 0.0
    while time.monotonic() - started < GIVE_UP_SECONDS:
        if bells_waiting() < BELLS_MAX:
            job.ring()
        working = at_work()
        now = time.monotonic() - started
        seen.update(working)
        done = job.done()
        if not cut_at and done >= job.cut_at and working["wld-b"] and seen["wld-a"]:
            cut_off("wld-b")
            cut_at, before = now, done
        if cut_at and not freed_at and not working["wld-b"]:
            freed_at = now
        if job.finished():
            return {
                "size": job.size, "seconds": round(now, 1), "cut off after": round(cut_at, 1),
                "done by then": f"{before:.0%}",
                "its locks were free after": round(freed_at - cut_at, 1), "seen at work": dict(seen),
            }  # fmt: skip
        time.sleep(0.1)
    raise SystemExit(f"not finished within {GIVE_UP_SECONDS} s: {job.done():.0%} done")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=JOBS, nargs="?", default="review")
    parser.add_argument("--size", type=int, default=20_000, help="lines of a review, loans of a night")
    parser.add_argument("--broker", choices=BROKERS, default="redis")
    options = parser.parse_args()
    from tests.support.postgres import throwaway_postgres

    # Ended from outside, too, it leaves nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weilidai-hosts-")))
            stack.enter_context(hosts())
            server = stack.enter_context(throwaway_postgres(network=NETWORK, address=HERE, durable=True))
            settings = {"DATABASE_URL": server.database_create("hosts").replace("127.0.0.1", HERE)}
            settings |= stack.enter_context(brokers(options.broker, folder))
            os.environ |= {**settings, "DJANGO_SETTINGS_MODULE": "weilidai.settings"}
            report(JOBS[options.job](options.size), settings, folder, stack)
    except CannotBeShown as missing:
        sys.stdout.write(f"skipped: {missing}\n")


def report(job: Night | Review, settings: dict[str, str], folder: Path, stack: ExitStack) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    job.begin()
    stack.enter_context(workers(settings, folder))
    for figures in (follow(job), job.check()):
        sys.stdout.write("  ".join(f"{name}: {figure}" for name, figure in figures.items()) + "\n")


if __name__ == "__main__":
    main()
