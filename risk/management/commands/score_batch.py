"""`score_batch PRODUCT [--as-of DAY] [--output FILE]`: scores every customer from stored months of behaviour."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Customer
from risk.rules.scorecard import DIMENSIONS, Scored
from risk.selectors.policy import product_get, scorecard_current, terms_current
from risk.selectors.scoring import customer_pages, scores
from weilidai.lib.business_date import current_business_date
from weilidai.lib.processes import workers
from weilidai.lib.progress import progress_bar

PROCESSES = 2


class _Rows(Protocol):
    def writerow(self, row: list[Any], /) -> Any: ...


class Command(BaseCommand):
    help = "Scores every customer with the scorecard in force; nothing is decided, nothing is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("product", help="code of the product whose terms hold")
        parser.add_argument("--as-of", type=date.fromisoformat, help="date of the scores; the business date by default")
        parser.add_argument("--output", type=Path, help="CSV file: customer, score and points of each dimension")
        parser.add_argument("--processes", type=int, default=PROCESSES, help="how many calculate")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = options["as_of"] or current_business_date()
        terms, scorecard = terms_current(product_get(options["product"]), as_of), scorecard_current(as_of)
        counts, started = [0] * 10, perf_counter()
        with progress_bar() as bars, _csv(options["output"]) as rows, workers(max(1, options["processes"])) as pool:
            task = bars.add_task("customers", total=Customer.objects.filter(erased_at__isnull=True).count())
            for customers, scored in scores(customer_pages(), terms, scorecard, as_of, pool=pool):
                _page_take(customers, scored, rows, counts)
                bars.advance(task, len(customers))
        total, seconds = sum(counts), perf_counter() - started
        self.stdout.write(f"{total} customers in {seconds:.1f} s, {total / seconds:,.0f}/s")
        for number, count in enumerate(counts):
            self.stdout.write(f"{number * 10:>3} to {number * 10 + 10:<3} {count:>9}")


def _page_take(customers: list[UUID], scored: list[Scored], rows: _Rows | None, counts: list[int]) -> None:
    for customer, answer in zip(customers, scored, strict=True):
        counts[min(int(answer.score) // 10, 9)] += 1
        if rows is not None:
            rows.writerow([customer, answer.score, *(dimension.points for dimension in answer.dimensions)])


@contextmanager
def _csv(path: Path | None) -> Iterator[_Rows | None]:
    if path is None:
        yield None
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "score", *DIMENSIONS])
        yield rows
