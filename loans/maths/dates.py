"""Due dates. Every date counts from the one anchor, the payout date, so month ends never drift."""

from calendar import monthrange
from datetime import date, timedelta


def days_between(start: date, end: date) -> int:
    """Actual days: `start` counts, `end` does not. Negative when `end` lies before `start`."""
    return (end - start).days


def add_months(anchor: date, months: int) -> date:
    """The same day of the month `months` later, or that month's last day.

    Always call it with the payout date: from 31 January, one month is 28 (29) February and two are
    31 March, which chaining single months would lose.
    """
    month_index = anchor.year * 12 + anchor.month - 1 + months
    year, month = month_index // 12, month_index % 12 + 1
    return date(year, month, min(anchor.day, monthrange(year, month)[1]))


def single_due_date(start: date, days: int) -> date:
    """Due date of a single-payment loan of `days` days paid out on `start`."""
    return start + timedelta(days=days)


def instalment_due_dates(start: date, periods: int) -> tuple[date, ...]:
    """Period k is due k months after the payout date `start`."""
    return tuple(add_months(start, number) for number in range(1, periods + 1))


def day_after(day: date) -> date:
    """A period starts, and a due amount becomes overdue, on the day after a due date."""
    return day + timedelta(days=1)
