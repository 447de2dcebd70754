from datetime import date

import pytest
from pytest_django import Settings

from weilidai.lib.calendar import add_working_days, is_working_day

pytestmark = pytest.mark.req("R39")


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2025, 9, 28), True),  # Sunday made up for
        (date(2025, 9, 30), True),
        (date(2025, 10, 1), False),
        (date(2025, 10, 8), False),
        (date(2025, 10, 9), True),
        (date(2025, 10, 11), True),  # Saturday made up for
        (date(2025, 10, 12), False),
        (date(2026, 9, 20), True),  # Sunday made up for
        (date(2026, 9, 25), False),  # mid-autumn
        (date(2026, 9, 30), True),
        (date(2026, 10, 1), False),
        (date(2026, 10, 7), False),
        (date(2026, 10, 8), True),
        (date(2026, 10, 10), True),  # Saturday made up for
        (date(2026, 10, 11), False),
        (date(2026, 11, 20), True),
        (date(2026, 11, 21), False),
        (date(2026, 11, 22), False),
    ],
)
def test_holidays_and_the_week_end_days_that_make_up_for_them(day: date, works: bool) -> None:
    assert is_working_day(day) is works


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 11, 16), 1, date(2026, 11, 17)),
        (date(2026, 11, 20), 1, date(2026, 11, 23)),
        (date(2026, 11, 20), 3, date(2026, 11, 25)),
        (date(2026, 11, 21), 1, date(2026, 11, 23)),
        (date(2025, 9, 30), 3, date(2025, 10, 11)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2025, 12, 31), 1, date(2026, 1, 4)),
    ],
)
def test_the_day_itself_is_never_counted(day: date, count: int, expected: date) -> None:
    assert add_working_days(day, count) == expected


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2035, 10, 1), False),
        (date(2035, 1, 1), False),
        (date(2035, 11, 20), True),
        (date(2035, 11, 24), False),
        (date(2035, 11, 25), False),
    ],
)
def test_a_year_not_announced_yet_has_its_fixed_holidays(day: date, works: bool) -> None:
    assert is_working_day(day) is works


def test_the_setting_has_the_last_word(settings: Settings) -> None:
    settings.WORKING_DAY_OVERRIDES = {date(2026, 11, 23): False, date(2026, 10, 1): True}
    assert add_working_days(date(2026, 11, 20), 1) == date(2026, 11, 24)
    assert is_working_day(date(2026, 10, 1))


@pytest.mark.parametrize("count", [0, -1])
def test_at_least_one_day_is_added(count: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        add_working_days(date(2026, 11, 20), count)
