"""`end_of_day [--through DATE]`: closes the current business date, or every day up to DATE, in order."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress, TaskID

from loans.end_of_day.run import LEASE, days_close
from loans.end_of_day.steps import STEPS
from weilidai.lib.errors import DomainError


class Command(BaseCommand):
    help = "Close the current business date, or every day up to DATE, in order."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--through", type=date.fromisoformat, metavar="DATE", help="last day to close")

    def handle(self, *args: Any, through: date | None = None, **options: Any) -> None:
        with Progress(console=Console(stderr=True), transient=True) as bars:
            tasks: dict[str, TaskID] = {}

            def watch(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = bars.add_task(step, total=total or None)
                bars.update(tasks[step], completed=done, total=total or None)

            try:
                closed = days_close(through=through, steps=STEPS, watch=watch, patience=LEASE)
            except DomainError as error:
                raise CommandError(str(error)) from error
        for day in closed:
            self.stdout.write(f"closed {day}")
