"""Working days in China: public holidays and the week-end days that are worked to make up for them.

Holidays of a year are announced in the autumn before; for years the library does not know yet, the holidays of the law
still count as days off. What only the announcement tells, longer breaks and the week-end days worked for them, is then
missing, and a deadline may differ from the announced one by those days. `settings.WORKING_DAY_OVERRIDES`
({date: bool}) has the last word.
"""

from datetime import date, timedelta
from functools import lru_cache

import holidays
from django.conf import settings

SATURDAY = 5


@lru_cache(maxsize=64)
def _year(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("CN", years=year)


def is_working_day(day: date) -> bool:
    """Whether deadlines count `day`."""
    overrides: dict[date, bool] = settings.WORKING_DAY_OVERRIDES
    if day in overrides:
        return overrides[day]
    calendar = _year(day.year)
    if day in calendar:
        return False
    if day.weekday() >= SATURDAY:
        return day in calendar.weekend_workdays
    return True


def add_working_days(day: date, count: int) -> date:
    """The `count`-th working day after `day`; `day` itself is never counted."""
    if count < 1:
        raise ValueError("count at least one working day")
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day
