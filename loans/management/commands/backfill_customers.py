"""`backfill_customers`: the customer of rows that hang below another, where it is missing: rows written by processes of
an earlier version while this one was rolled out.
"""

from typing import Any

from django.core.management.base import BaseCommand

from weilidai.lib.owner import owned_tables, owners_fill
from weilidai.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Fills missing customers of postings, instalments, events …; may be broken off and run again."

    def handle(self, *args: Any, **options: Any) -> None:
        tables, filled = list(owned_tables()), 0
        with progress_bar() as bars:
            task = bars.add_task("tables", total=len(tables))
            for rows in tables:
                filled += owners_fill(rows)
                bars.advance(task)
        self.stdout.write(f"{filled} rows filled")
