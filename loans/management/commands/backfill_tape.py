"""`backfill_tape`: the tape and the portfolio's figures of every business date from the first event on, for books
older than these.
"""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Max, Min

from loans.end_of_day.tape import tape_hand_over
from loans.models import LoanEvent
from loans.services.portfolio import portfolio_write
from weilidai.lib.models import BusinessDay
from weilidai.lib.progress import progress_bar


class Command(BaseCommand):
    help = (
        "Writes the tape and the portfolio's figures of all closed business days anew; may be broken off and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        closed = BusinessDay.objects.filter(state=BusinessDay.State.CLOSED).aggregate(last=Max("date"))["last"]
        day = LoanEvent.objects.aggregate(first=Min("business_date"))["first"]
        written = 0
        if closed is not None and day is not None:
            with progress_bar() as bars:
                task = bars.add_task("days", total=(closed - day).days + 1)
                while day <= closed:
                    written += tape_hand_over(day)["written"]
                    portfolio_write(day)
                    bars.advance(task)
                    day += timedelta(days=1)
        self.stdout.write(f"{written} lines written")
