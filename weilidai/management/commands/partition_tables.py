"""`partition_tables [--partitions N] [--apply]`: customers' tables as hash partitions by customer (PostgreSQL)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from weilidai.distribution.plan import UNGUARDED, WHOLE, label, references, spread
from weilidai.distribution.rebuild import (
    ASIDE,
    NotPossible,
    foreign_keys_drop,
    foreign_keys_make,
    is_spread,
    possible_check,
    table_spread,
)
from weilidai.lib.progress import progress_bar

PARTITIONS, PARTITIONS_MAX = 16, 256


class Command(BaseCommand):
    help = (
        "Makes every table of customers hash partitions by customer, a table a transaction; needs the place of the "
        "largest table once more, and nobody else connected. A run that was broken off goes on where it stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--partitions", type=int, default=PARTITIONS, help=f"of each table ({PARTITIONS})")
        parser.add_argument("--apply", action="store_true", help="do it; without it only tell what would be done")

    def handle(self, *args: Any, partitions: int, apply: bool, **options: Any) -> None:
        if not 2 <= partitions <= PARTITIONS_MAX:
            raise CommandError(f"--partitions must lie between 2 and {PARTITIONS_MAX}")
        try:
            possible_check()
        except NotPossible as reason:
            raise CommandError(str(reason)) from reason
        todo = [model for model in spread() if not is_spread(model)]
        if apply:
            self._apply(todo, partitions)
        else:
            self._tell(todo, partitions)

    def _tell(self, todo: list[Any], partitions: int) -> None:
        for model in todo:
            self.stdout.write(f"{model._meta.db_table}: {partitions} partitions")
        for name, reason in WHOLE.items():
            self.stdout.write(f"{name} stays whole: {reason}")
        for name, reason in UNGUARDED.items():
            self.stdout.write(f"{name} loses its foreign key: {reason}")
        self.stdout.write(f"{len(todo)} tables to partition, {len(list(references()))} foreign keys with the customer")

    def _apply(self, todo: list[Any], partitions: int) -> None:
        foreign_keys_drop()
        with progress_bar() as bars:
            task = bars.add_task("tables", total=len(todo))
            for model in todo:
                bars.update(task, description=model._meta.db_table)
                rows = table_spread(model, partitions)
                self.stdout.write(f"{label(model)}: {rows} rows in {partitions} partitions")
                bars.advance(task)
            keys = bars.add_task("foreign keys", total=len(list(references())))
            for _key in foreign_keys_make():
                bars.advance(keys)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {ASIDE}")
            cursor.execute("ANALYZE")
        self.stdout.write(f"{len(todo)} tables partitioned")
