"""The portfolio's figures of the night, from the tape just handed over, and the watch over the bad-loan ratio."""

from datetime import date
from typing import Any

from django.utils import timezone

from loans.end_of_day.run import Progress
from loans.services.portfolio import npl_watch, portfolio_write


def portfolio_step(day: date, progress: Progress) -> dict[str, Any]:
    """Written from the tape alone, so run late or twice it gives the same."""
    return dict(portfolio_write(day))


def npl_step(day: date, progress: Progress) -> dict[str, Any]:
    return {"raised": npl_watch(as_of=day, at=timezone.now())}
