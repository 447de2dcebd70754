"""How far a run over all lines has come."""

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Count, Q

from risk.models.line_run import LineRun
from weilidai.lib.models import JobRun
from weilidai.lib.partitions import ranges_of

Run = TypeVar("Run", bound=LineRun)


@dataclass(frozen=True)
class RunProgress:
    """Ranges done, of how many, and those that failed and are tried again, with what the newest of them said."""

    done: int
    total: int
    failed: int
    error: str

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


def run_progress(run: LineRun) -> RunProgress:
    ranges = ranges_of(run.job, run.period).order_by()
    failed = ranges.filter(state=JobRun.State.FAILED)
    counts = ranges.aggregate(
        done=Count("pk", filter=Q(state=JobRun.State.DONE)), total=Count("pk"),
        failed=Count("pk", filter=Q(state=JobRun.State.FAILED)),
    )  # fmt: skip
    error = failed.order_by("-partition").values_list("error", flat=True).first() if counts["failed"] else ""
    return RunProgress(**counts, error=error or "")


def rehearsal_of(run: Run) -> Run | None:
    """The newest dry run of the same period."""
    rows = type(run)._default_manager.filter(**{run.PERIOD: run.period}, is_dry_run=True)
    return rows.select_related("started_by").order_by("-pk").first()
