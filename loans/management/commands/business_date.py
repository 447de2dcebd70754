"""`business_date [--set DATE]`: shows the business date, or sets it where no day has been closed yet."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from weilidai.lib.business_date import business_date_set, current_business_date
from weilidai.lib.errors import DomainError


class Command(BaseCommand):
    help = "Show the business date, or set it where no day has been closed yet (demo and tests)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--set", dest="day", type=date.fromisoformat, metavar="DATE")

    def handle(self, *args: Any, day: date | None = None, **options: Any) -> None:
        try:
            shown = current_business_date() if day is None else business_date_set(day, at=timezone.now())
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(shown.isoformat())
