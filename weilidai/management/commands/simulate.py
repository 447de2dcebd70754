"""`simulate [--people N] [--quarters N] [--seed N] [--here]`: the figures of the source out of the running system."""

from contextlib import nullcontext
from io import StringIO
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rich import box
from rich.console import Console
from rich.table import Table

from weilidai.lib.errors import DomainError
from weilidai.lib.models import SimulationRun
from weilidai.lib.progress import progress_bar
from weilidai.simulation.run import last_day, result_store, scratch_place, simulate
from weilidai.simulation.words import judged_word, measured_text, range_text, title_of

PEOPLE, QUARTERS, SEED = 1000, 4, 1
WIDTH = 150


class Command(BaseCommand):
    help = "Lets a made-up population live through quarters in a database of its own; prints and stores the figures."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", type=int, default=PEOPLE, help="how many people (1000)")
        parser.add_argument("--quarters", type=int, default=QUARTERS, help="how many quarters they live (4)")
        parser.add_argument("--seed", type=int, default=SEED, help="the same seed gives the same table (1)")
        parser.add_argument(
            "--here", action="store_true", help="in the configured database, which must be empty, and left to look at"
        )

    def handle(self, *args: Any, people: int, quarters: int, seed: int, **options: Any) -> None:
        if people < 1 or quarters < 1:
            raise CommandError("--people and --quarters must be at least 1")
        started = perf_counter()
        try:
            with nullcontext() if options["here"] else scratch_place(), progress_bar() as bars:
                task = bars.add_task("days", total=None)
                result = simulate(
                    people=people, last=last_day(quarters), seed=seed,
                    watch=lambda done, total: bars.update(task, completed=done, total=total),
                )  # fmt: skip
        except DomainError as refused:
            raise CommandError(str(refused.title)) from refused
        self._print(result_store(result, at=timezone.now(), seconds=round(perf_counter() - started)))
        if result.refused:
            self.stdout.write("draws refused: " + ", ".join(f"{code} {n}" for code, n in result.refused.items()))

    def _print(self, run: SimulationRun) -> None:
        table = Table(title=f"{run.people_count} people, {run.first_date} – {run.last_date}, seed {run.seed}, "
                            f"{run.duration_seconds} s", box=box.SIMPLE)  # fmt: skip
        table.add_column()
        table.add_column()
        for number in (_("the source says"), _("came out"), _("observations")):
            table.add_column(str(number), justify="right")
        table.add_column(str(_("judgement")))
        for figure in run.figures.order_by("position"):
            table.add_row(
                figure.requirement, str(title_of(figure.code)), range_text(figure), measured_text(figure),
                f"{figure.observations_count:,}", str(judged_word(figure)),
            )  # fmt: skip
        told = StringIO()
        Console(file=told, width=WIDTH).print(table)
        self.stdout.write(told.getvalue())
