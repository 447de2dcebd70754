"""`rate_review [--dry-run STAFF] [--quarter DATE]`: begins or goes on with a quarter's review, to its end."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import StaffUser
from risk.models import RateReviewRun, RunState
from risk.rules.rate_review import is_quarter_start
from risk.selectors.line_runs import run_progress
from risk.services.rate_review import dry_run_begin, rate_review_advance, rate_review_begin
from weilidai.lib.business_date import current_business_date
from weilidai.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Reviews the rates of all open lines for a quarter; may be broken off and run again, also beside workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quarter", type=date.fromisoformat, help="first day of the quarter; this one if left out")
        parser.add_argument("--dry-run", metavar="STAFF", help="only count, in the name of a member of staff")

    def handle(self, *args: Any, **options: Any) -> None:
        today = current_business_date()
        quarter = options["quarter"] or today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        if not is_quarter_start(quarter) or quarter > today:
            raise CommandError(f"{quarter} is not the first day of a quarter that has begun")
        run = self._begin(quarter, today, options["dry_run"])
        if run.state == RunState.WAITING:
            raise CommandError("this quarter waits for its release by a second person")
        with progress_bar() as bars:
            task = bars.add_task("ranges", total=run_progress(run).total)
            while rate_review_advance(at=timezone.now()):
                bars.update(task, completed=run_progress(run).done)
        run = RateReviewRun.objects.get(pk=run.pk)
        for name, count in sorted(run.summary.items()):
            self.stdout.write(f"{name}: {count}")

    def _begin(self, quarter: date, today: date, staff: str | None) -> RateReviewRun:
        if staff is None:
            run = rate_review_begin(quarter=quarter, as_of=today, at=timezone.now())
        else:
            user = StaffUser.objects.filter(username=staff).first()
            if user is None:
                raise CommandError(f"no member of staff is called {staff}")
            run = dry_run_begin(quarter=quarter, user=user, as_of=today, at=timezone.now())
        if run is None:
            raise CommandError("no rate review policy is in force")
        return run
