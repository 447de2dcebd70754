"""`limit_raises [--dry-run] [--month DATE]`: the month's raises to their end, or what they would be."""

from collections import Counter
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from risk.models import CreditLine
from risk.selectors.policy import raises_current
from risk.services.limit_raises import BATCH, JOB, limit_raises_advance, limit_raises_begin, lines_open, lines_raise
from weilidai.lib.business_date import current_business_date
from weilidai.lib.models import JobRun
from weilidai.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Raises the limits that a month owes; may be broken off and run again, also beside workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", type=date.fromisoformat, help="first day of the month; this one if left out")
        parser.add_argument("--dry-run", action="store_true", help="only count: nothing is written")

    def handle(self, *args: Any, **options: Any) -> None:
        today = current_business_date()
        month = options["month"] or today.replace(day=1)
        if month.day != 1 or month > today:
            raise CommandError(f"{month} is not the first day of a month that has begun")
        counts = self._rehearse(month) if options["dry_run"] else self._run(month)
        for name, count in sorted(counts.items()):
            self.stdout.write(f"{name}: {count}")

    def _run(self, month: date) -> Counter[str]:
        total = limit_raises_begin(month=month)
        runs = JobRun.objects.filter(job=JOB, business_date=month)
        with progress_bar() as bars:
            task = bars.add_task("partitions", total=total)
            while limit_raises_advance(at=timezone.now()):
                bars.update(task, completed=runs.filter(state=JobRun.State.DONE).count())
        counts: Counter[str] = Counter()
        for run in runs.iterator():
            counts.update(run.result.get("counts", {}))
        return counts

    def _rehearse(self, month: date) -> Counter[str]:
        counts: Counter[str] = Counter()
        policy, at = raises_current(month), timezone.now()
        with progress_bar() as bars:
            task = bars.add_task("lines", total=lines_open().count())
            page: list[CreditLine] = list(lines_open()[:BATCH])
            while page:
                counts += lines_raise(page, policy, month, at=at, is_dry_run=True)
                bars.advance(task, len(page))
                page = list(lines_open().filter(pk__gt=page[-1].pk)[:BATCH])
        return counts
