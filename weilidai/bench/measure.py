"""How a case is measured and what it tells."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import active_children
from pathlib import Path

from django.db import transaction

SECONDS = 1.5
PROC = Path("/proc")


@dataclass(frozen=True)
class Result:
    """Operations a second of the case and of its baseline; `ratio` is case ÷ baseline.

    `size` is the number of rows the case worked on, where it has one; `figures` are further measurements by name.
    """

    name: str
    per_second: float
    baseline: str
    baseline_per_second: float
    size: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.per_second / self.baseline_per_second if self.baseline_per_second else 0.0


# The sizes asked for on the command line, empty for those the case prefers.
Sizes = tuple[int, ...]
Case = Callable[[Sizes], list[Result]]


def rate(work: Callable[[], object], seconds: float | None = None) -> float:
    """How often `work` runs in a second, measured over about `seconds` (`SECONDS` unless told)."""
    work()
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < (SECONDS if seconds is None else seconds):
        work()
        done += 1
    return done / (time.perf_counter() - started)


class Watch:
    """Seconds a block took."""

    seconds = 0.0


@contextmanager
def timed() -> Iterator[Watch]:
    watch, started = Watch(), time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - started


def peak_memory_mb() -> float:
    """The most memory this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def children_peak_mb() -> float:
    """The most any of this process's children (of `multiprocessing`) has held so far, in MB."""
    told = [(PROC / str(child.pid) / "status").read_text() for child in active_children()]
    return max((int(text.partition("VmHWM:")[2].split()[0]) / 1024 for text in told), default=0.0)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Everything the block wrote is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
