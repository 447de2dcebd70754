"""Runs a proof of the loan book at a size of one's choice: `python -m tests.audit lives --count 100000`."""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
# Only the kind of database: each proof starts a server of its own, and never touches one that was there before.
os.environ["DATABASE_URL"] = "postgres://nobody@127.0.0.1:1/none"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def lives(count: int, seed: int) -> str:
    """Random loans lived by the product's arithmetic and by the second calculator, compared to the fen."""
    from tests.loans.maths.lives import live_once

    figures = 0
    for number in range(count):
        try:
            figures += live_once(random.Random(f"{seed}-{number}"))
        except AssertionError:
            say(f"loan {seed}-{number} differs")
            raise
    return f"{count} loans, {figures} figures equal"


def year(count: int, seed: int) -> str:
    """A year, or `count` days where that is fewer, with outages and without: the same books to the fen."""
    from tests.audit.year import year_compared

    return year_compared(days=min(count, 365), people=8, seed=seed)


def corruptions(count: int, seed: int) -> str:
    """Up to `count` rows of every column of money changed by hand: what no check sees."""
    from tests.audit.corruptions import corrupted

    return corrupted(rows=count)


def kills(count: int, seed: int) -> str:
    """`count` deaths of processes and crashes of the database during payouts and nights."""
    from tests.audit import kills

    return kills.kills(count, seed)


def lines(count: int, seed: int) -> str:
    """A review and a month's raises of `count` people's lines, workers killed all the while."""
    from tests.audit.line_runs import line_runs

    return line_runs(count, seed)


def storm(count: int, seed: int) -> str:
    """`count` acts of customers, staff and machines at once on the same few lines."""
    from tests.audit.storm import storm

    return storm(count, seed)


def distributed(count: int, seed: int) -> str:
    """A life of `count` days on tables partitioned by customer, and the same life on whole ones: the same books."""
    from tests.audit.distributed import distributed

    return distributed(min(count, 365), seed)


PROOFS: dict[str, Callable[[int, int], str]] = {
    "lives": lives,
    "year": year,
    "kills": kills,
    "storm": storm,
    "corruptions": corruptions,
    "lines": lines,
    "distributed": distributed,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.audit")
    parser.add_argument("proof", choices=PROOFS)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    import django

    django.setup()
    began = time.monotonic()
    told = PROOFS[chosen.proof](chosen.count, chosen.seed)
    say(f"{chosen.proof}: {told}, {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
