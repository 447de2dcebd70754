"""Partitions of reviews and of raises become ranges of their runs; what was at work goes on where it was."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.db import migrations
from django.utils import timezone

RAISES = "risk.limit_raises"


def ranges_take_over(apps: Any, editor: Any) -> None:
    _reviews(apps)
    _raises(apps)


def _reviews(apps: Any) -> None:
    JobRun, Run = apps.get_model("lib", "JobRun"), apps.get_model("risk", "RateReviewRun")
    for run in Run.objects.all():
        partitions = run.partitions.order_by("pk").iterator(chunk_size=2000)
        JobRun.objects.bulk_create(
            [
                JobRun(
                    job=f"risk.rate_review:{run.pk}", business_date=run.quarter, partition=f"{number:06d}",
                    first_key=partition.first_key, last_key=partition.last_key, result=partition.summary,
                    state="done" if partition.is_done else "pending",
                )
                for number, partition in enumerate(partitions)
            ],
            batch_size=1000,
        )  # fmt: skip


def _raises(apps: Any) -> None:
    """One run for each month; what its partitions counted before is kept as it was."""
    JobRun, Run = apps.get_model("lib", "JobRun"), apps.get_model("risk", "LimitRaiseRun")
    for month in JobRun.objects.filter(job=RAISES).order_by().values_list("business_date", flat=True).distinct():
        ranges = list(JobRun.objects.filter(job=RAISES, business_date=month).order_by("partition"))
        totals: Counter[str] = Counter()
        for one in ranges:
            totals.update(one.result.get("counts", {}))
        finished = [one.finished_at for one in ranges]
        is_done = all(one.state == "done" for one in ranges)
        run = Run.objects.create(
            month=month, business_date=month, state="done" if is_done else "running",
            created_at=min((one.started_at for one in ranges if one.started_at), default=timezone.now()),
            finished_at=max((at for at in finished if at), default=None) if is_done else None,
            summary=dict(totals) if is_done else {},
        )  # fmt: skip
        for one in ranges:
            one.job = f"{RAISES}:{run.pk}"
            one.first_key, one.last_key = UUID(one.result["first"]), UUID(one.result["last"])
            one.state, one.result = ("done" if one.state == "done" else "pending"), one.result.get("counts", {})
        JobRun.objects.bulk_update(ranges, ["job", "first_key", "last_key", "state", "result"], batch_size=500)


def ranges_give_back(apps: Any, editor: Any) -> None:
    """Ranges of reviews are partitions again (their table kept them); months of raises are told by their rows."""
    JobRun, Run = apps.get_model("lib", "JobRun"), apps.get_model("risk", "LimitRaiseRun")
    Partition = apps.get_model("risk", "RateReviewPartition")
    for review in apps.get_model("risk", "RateReviewRun").objects.all():
        ranges = JobRun.objects.filter(job=f"risk.rate_review:{review.pk}")
        Partition.objects.filter(run_id=review.pk).delete()
        Partition.objects.bulk_create(
            Partition(run_id=review.pk, first_key=one.first_key, last_key=one.last_key, is_done=one.state == "done",
                      lines_count=one.result.get("lines", 0), summary=one.result)
            for one in ranges.order_by("partition")
        )  # fmt: skip
        ranges.delete()
    for run in Run.objects.all():
        ranges = JobRun.objects.filter(job=f"{RAISES}:{run.pk}")
        if run.is_dry_run:
            ranges.delete()
        for one in ranges:
            one.job = RAISES
            one.result = {"first": str(one.first_key), "last": str(one.last_key), "counts": one.result}
            one.first_key = one.last_key = None
            one.save()
    Run.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("lib", "0005_job_ranges"),
        ("risk", "0023_line_runs"),
    ]

    operations = [migrations.RunPython(ranges_take_over, ranges_give_back)]
