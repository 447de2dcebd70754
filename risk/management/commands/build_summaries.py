"""`build_summaries [--all]`: builds the months of behaviour that the feeds marked; --all marks everything first."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from risk.feeds.summaries import stale_count, stale_customers, summaries_build, summaries_mark_all
from weilidai.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Builds the monthly summaries the variables are computed from; may be broken off and run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="build every month anew, also those in step")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            self.stdout.write(f"{summaries_mark_all()} months marked")
        built = 0
        waiting = stale_count()
        with progress_bar() as bars:
            task = bars.add_task("months", total=waiting)
            for page in stale_customers():
                built += summaries_build(page)
                bars.update(task, completed=built)
        self.stdout.write(f"{built} months built")
