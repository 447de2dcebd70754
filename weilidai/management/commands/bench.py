"""`bench [NAME] [--size N …] [--settled N] [--json]`: the benchmarks, as ratios and figures."""

import json
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import track

from weilidai.bench.cases import CASES
from weilidai.bench.night import night


class Command(BaseCommand):
    help = "Run the benchmarks and print each beside its baseline of the same run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", choices=sorted(CASES))
        parser.add_argument("--size", type=int, action="append", default=[], help="rows to work on; may be repeated")
        parser.add_argument("--settled", type=int, default=0, help="night: settled loans beside each open one")
        parser.add_argument("--json", action="store_true", help="machine-readable result")

    def handle(self, *args: Any, name: str | None = None, **options: Any) -> None:
        sizes = tuple(options["size"])
        chosen = [case for title, case in CASES.items() if name in (None, title)]
        if options["settled"]:
            if name != "night":
                raise CommandError("--settled is about the night")
            chosen = [partial(night, settled=options["settled"])]
        results = [row for case in track(chosen, console=Console(stderr=True), transient=True) for row in case(sizes)]
        if options["json"]:
            self.stdout.write(json.dumps([asdict(row) | {"ratio": row.ratio} for row in results]))
            return
        for row in results:
            size = f"{row.size:>12,}" if row.size else " " * 12
            figures = f"{row.per_second:>12,.0f}/s   {row.ratio:8.3f} x {row.baseline_per_second:,.0f}/s"
            more = "".join(f"  {title} {figure:,.2f}" for title, figure in row.figures.items())
            self.stdout.write(f"{row.name:<10}{size}{figures} ({row.baseline}){more}")
