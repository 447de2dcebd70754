"""`backtest KIND DRAFT --staff NAME [--from DATE --to DATE] [--one-in N]`: a draft over past decisions, to its end."""

import time
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import StaffUser
from risk.models import BacktestRun, PolicyState
from risk.selectors.backtest import KINDS, Draft
from risk.services.backtest import OPEN, backtest_advance, backtest_start
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError
from weilidai.lib.progress import progress_bar

DAYS = 90
WAIT_SECONDS = 1.0


class Command(BaseCommand):
    help = "Judges past decisions again by a draft; may be broken off and run again, also beside workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=BacktestRun.Kind.values)
        parser.add_argument("draft", nargs="?", type=UUID, help="id of the draft; the newest of its kind if left out")
        parser.add_argument("--staff", required=True, help="in whose name")
        parser.add_argument("--from", dest="first", type=date.fromisoformat, help=f"{DAYS} days back if left out")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="today if left out")
        parser.add_argument("--one-in", type=int, default=1, help="a sample: one decision in so many")

    def handle(self, *args: Any, **options: Any) -> None:
        today = current_business_date()
        last = options["last"] or today
        user = StaffUser.objects.filter(username=options["staff"]).first()
        if user is None:
            raise CommandError(f"no member of staff is called {options['staff']}")
        try:
            run = backtest_start(
                policy=self._draft(options["kind"], options["draft"]),
                period_from=options["first"] or last - timedelta(days=DAYS - 1), period_to=last, user=user,
                as_of=today, at=timezone.now(), sample_every=options["one_in"],
            )  # fmt: skip
        except DomainError as error:
            raise CommandError(str(getattr(error, "field_errors", "") or error.detail)) from error
        self._judge(run)

    def _judge(self, run: BacktestRun) -> None:
        started = time.monotonic()
        with progress_bar() as bars:
            task = bars.add_task("decisions", total=None)
            while run.state in OPEN:
                if not backtest_advance(at=timezone.now(), run_id=run.pk):
                    # Somebody else holds what is left.
                    time.sleep(WAIT_SECONDS)
                run = BacktestRun.objects.get(pk=run.pk)
                bars.update(task, total=run.total_count or None, completed=run.judged_count)
        seconds = time.monotonic() - started
        if run.error:
            raise CommandError(run.error)
        for name, count in run.figures.items():
            self.stdout.write(f"{name}: {count}")
        self.stdout.write(f"{run.judged_count} decisions, {run.judged_count / max(seconds, 0.001):,.0f} per second")

    @staticmethod
    def _draft(kind: str, key: UUID | None) -> Draft:
        model: Any = next(model for model, name in KINDS.items() if name == kind)
        drafts = model.objects.filter(state=PolicyState.DRAFT)
        found: Draft | None = (drafts.filter(pk=key) if key else drafts).order_by("-pk").first()
        if found is None:
            raise CommandError("there is no such draft")
        return found
