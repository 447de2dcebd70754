"""`label_loans [--as-of DATE]`: the platform's own loans as a labelled set, as known at the end of a day."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from risk.services.own_loans import own_loans_create
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import FieldInvalid


class Command(BaseCommand):
    help = "Keeps a labelled set of approved people and how their loans ended, by the monitoring policy's definition."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, help="a day that has ended; yesterday if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        today = current_business_date()
        as_of = options["as_of"] or today - timedelta(days=1)
        try:
            row = own_loans_create(as_of=as_of, today=today, user=None, at=timezone.now())
        except FieldInvalid as error:
            raise CommandError(str(error.field_errors[0]["detail"])) from error
        told = f"{row.row_count} people, {row.bad_count} bad, {row.rejected_count} without a label"
        self.stdout.write(f"{row.name}: {told}")
