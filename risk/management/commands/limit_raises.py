"""`limit_raises [--dry-run STAFF] [--month DATE]`: begins or goes on with a month's raises, to their end."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import StaffUser
from risk.models import LimitRaiseRun, RunState
from risk.selectors.line_runs import run_progress
from risk.services.limit_raises import limit_raises_advance, limit_raises_begin, month_of, raises_dry_run_begin
from weilidai.lib.business_date import current_business_date
from weilidai.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Raises the limits that a month owes; may be broken off and run again, also beside workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", type=date.fromisoformat, help="first day of the month; this one if left out")
        parser.add_argument("--dry-run", metavar="STAFF", help="only count, in the name of a member of staff")

    def handle(self, *args: Any, **options: Any) -> None:
        today = current_business_date()
        month = options["month"] or month_of(today)
        if month.day != 1 or month > today:
            raise CommandError(f"{month} is not the first day of a month that has begun")
        run = self._begin(month, today, options["dry_run"])
        if run.state == RunState.WAITING:
            raise CommandError("this month waits for its release by a second person")
        with progress_bar() as bars:
            task = bars.add_task("ranges", total=run_progress(run).total)
            while limit_raises_advance(at=timezone.now()):
                bars.update(task, completed=run_progress(run).done)
        run = LimitRaiseRun.objects.get(pk=run.pk)
        for name, count in sorted(run.summary.items()):
            self.stdout.write(f"{name}: {count}")

    def _begin(self, month: date, today: date, staff: str | None) -> LimitRaiseRun:
        if staff is None:
            return limit_raises_begin(month=month, as_of=today, at=timezone.now())
        user = StaffUser.objects.filter(username=staff).first()
        if user is None:
            raise CommandError(f"no member of staff is called {staff}")
        return raises_dry_run_begin(month=month, user=user, as_of=today, at=timezone.now())
