"""`bench [NAME] [--json]`: the benchmarks, as ratios and figures."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from weilidai.bench import CASES


class Command(BaseCommand):
    help = "Run the benchmarks and print each beside its baseline of the same run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", choices=sorted(CASES))
        parser.add_argument("--json", action="store_true", help="machine-readable result")

    def handle(self, *args: Any, name: str | None = None, **options: Any) -> None:
        results = [case() for title, case in CASES.items() if name in (None, title)]
        if options["json"]:
            self.stdout.write(json.dumps([asdict(row) | {"ratio": row.ratio} for row in results]))
            return
        for row in results:
            figures = f"{row.per_second:>10,.0f}/s   {row.ratio:6.3f} x {row.baseline_per_second:,.0f}/s"
            self.stdout.write(f"{row.name:<10}{figures} ({row.baseline})")
