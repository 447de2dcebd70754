"""`demo`: the population of the embedded demo, lived through until today; safe to repeat, fast when done."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Customer
from loans.services.journal import ledger_accounts_load
from risk.feeds.load import ORDER, file_load
from risk.feeds.summaries import summaries_build
from risk.services.presets import presets_load
from weilidai.demo import assumptions as a
from weilidai.demo.life import Life
from weilidai.demo.population import write_population
from weilidai.demo.staff import staff_create
from weilidai.lib.business_date import business_date_rehearse, clock_date
from weilidai.lib.models import BusinessDay
from weilidai.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Load presets, staff and a made-up population, and live through some weeks of lending (demo only)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("the demo never runs with DEBUG=0")
        today = clock_date(timezone.now())
        presets_load(as_of=today)
        ledger_accounts_load()
        # Before the population: what two persons have to agree on is agreed on by these.
        for username, role, password in staff_create():
            self.stdout.write(f"staff account  {username:<16} password {password}   ({role})")
        if not Customer.objects.exists() and not BusinessDay.objects.filter(state=BusinessDay.State.CLOSED).exists():
            self._population(today)

    def _population(self, today: Any) -> None:
        first = today - timedelta(days=a.LIVED_DAYS)
        business_date_rehearse(first, at=timezone.now())
        with tempfile.TemporaryDirectory() as folder, progress_bar() as bars:
            task = bars.add_task("population", total=len(ORDER) + a.LIVED_DAYS)
            write_population(Path(folder), customers=a.CUSTOMERS, through=today, seed=a.SEED)
            for kind in ORDER:
                file_load(kind=kind, path=Path(folder) / f"{kind}.ndjson", as_of=today, summarise=False)
                bars.advance(task)
            summaries_build()
            Life(first=first, last=today, seed=a.SEED).live(
                lambda done, total: bars.update(task, completed=len(ORDER) + done)
            )
