"""`portfolio`: the figures of the portfolio's page as of any closed day, as a table, CSV, Parquet or JSON.

`--clients FILE` runs the roll rates over a file of card clients instead (columns of risk/presets/labelled/README.md).
"""

import csv
import json
from argparse import ArgumentParser
from datetime import date
from io import StringIO
from pathlib import Path
from shutil import get_terminal_size
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table as Printed

from loans.maths.roll import CLIENT_STATES, SOURCES, TARGETS, client_cells, roll_matrix
from loans.selectors.portfolio import SEGMENTS, is_written, newest_closed
from loans.selectors.portfolio_tables import (
    KINDS,
    MONTHS_MAX,
    REPORTS,
    VIEWS,
    Asked,
    Report,
    Table,
    history_report,
    roll_tables,
)
from risk.models import Product
from risk.rules.workbench.reading import FileInvalid
from risk.services.workbench import clients_read
from weilidai.lib.backoffice.exports import parquet_write, safe_cell

CLIENT_MONTHS = ("04", "05", "06", "07", "08")


class Command(BaseCommand):
    help = "Prints figures of the portfolio as they were known at the end of a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, help="a closed day, preset the newest")
        parser.add_argument("--view", choices=(*VIEWS, "history"), default="classes")
        parser.add_argument("--product", default="", help="only this product")
        parser.add_argument("--months", type=int, default=12, help="months of vintage, roll and pricing")
        parser.add_argument("--days", type=int, default=90, help="days of the trend of npl")
        parser.add_argument("--kind", choices=[kind for kind, _ in KINDS], default="past_90", help="of vintage")
        parser.add_argument("--now", action="store_true", help="vintage: standing past it, not ever")
        parser.add_argument("--by", choices=list(SEGMENTS), default="product", help="of pricing")
        parser.add_argument("--by-count", action="store_true", help="roll: shares by number, not by principal")
        parser.add_argument("--loan", type=UUID, help="of history")
        parser.add_argument("--clients", type=Path, help="roll over card clients: CSV or CSV.gz")
        parser.add_argument("--month", choices=CLIENT_MONTHS, help="clients: only moves from this month of 2005")
        parser.add_argument("--grouped", action="store_true", help="clients: buckets of 30 days in place of codes")
        output = parser.add_mutually_exclusive_group()
        output.add_argument("--csv", type=Path, help="write this file")
        output.add_argument("--parquet", type=Path, help="write this file")
        output.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        report = _of_clients(options) if options["clients"] else _of_book(options)
        try:
            if options["csv"]:
                _csv_write(options["csv"], report.long)
            elif options["parquet"]:
                kinds = {column.code: column.kind for column in report.long.columns}
                parquet_write(str(options["parquet"]), kinds, report.long.rows)
        except OSError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(_plain(report.long), ensure_ascii=False))
        elif options["csv"] or options["parquet"]:
            self.stdout.write(f"{len(report.long.rows)} rows written")
        else:
            self._print(report.table)

    def _print(self, table: Table) -> None:
        printed = Printed()
        for column in table.columns:
            printed.add_column(str(column.title), justify="left" if column.kind in ("text", "date") else "right")
        for row in table.shown:
            printed.add_row(*row)
        text = StringIO()
        Console(file=text, width=get_terminal_size((200, 24)).columns).print(printed)
        self.stdout.write(text.getvalue(), ending="")


def _of_book(options: dict[str, Any]) -> Report:
    newest = newest_closed()
    if newest is None:
        raise CommandError("no business day is closed yet")
    day, product = options["as_of"] or newest, options["product"]
    if day > newest:
        raise CommandError(f"{day} is not closed yet, the newest closed day is {newest}")
    if product and not Product.objects.filter(code=product).exists():
        raise CommandError(f"no product {product}")
    if not 1 <= options["months"] <= MONTHS_MAX or not 1 <= options["days"] <= 366:
        raise CommandError(f"--months lies between 1 and {MONTHS_MAX}, --days between 1 and 366")
    if options["view"] == "history":
        if options["loan"] is None:
            raise CommandError("--view history needs --loan")
        return history_report(options["loan"], day)
    if not is_written(day):
        raise CommandError(f"no figures of {day}: run backfill_tape once")
    asked = Asked(
        day=day, product=product, days=options["days"], months=options["months"], kind=options["kind"],
        ever=not options["now"], by=options["by"], by_count=options["by_count"],
    )  # fmt: skip
    return REPORTS[options["view"]](asked)


def _of_clients(options: dict[str, Any]) -> Report:
    try:
        clients = clients_read(options["clients"]).clients
    except (FileInvalid, OSError) as error:
        raise CommandError(str(error)) from error
    found = client_cells(clients, grouped=options["grouped"])
    months = [options["month"]] if options["month"] else list(CLIENT_MONTHS)
    cells = [cell for month in months for cell in found.get(month, [])]
    order = (SOURCES, TARGETS) if options["grouped"] else (CLIENT_STATES, CLIENT_STATES)
    return roll_tables(roll_matrix(cells, order[0]), order[1], options["by_count"], named=options["grouped"])


def _csv_write(path: Path, table: Table) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([column.code for column in table.columns])
        rows.writerows([safe_cell(value) for value in row] for row in table.rows)


def _plain(table: Table) -> list[dict[str, Any]]:
    """Amounts and shares as strings, so that nothing is lost."""
    return [
        {
            column.code: value if value is None or isinstance(value, int) else str(value)
            for column, value in zip(table.columns, row, strict=True)
        }
        for row in table.rows
    ]
