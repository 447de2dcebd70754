from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.maths.dates import add_months, day_after, days_between, instalment_due_dates, single_due_date


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2026, 1, 31), 3, date(2026, 4, 30)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_months_are_counted_from_the_anchor_and_clamped_to_the_months_last_day(anchor, months, expected):
    assert add_months(anchor, months) == expected


def test_a_short_month_does_not_shorten_the_months_after_it():
    assert instalment_due_dates(date(2026, 1, 31), 3) == (
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    )


def test_a_single_payment_loan_of_30_days_over_a_leap_february():
    assert single_due_date(date(2028, 2, 1), 30) == date(2028, 3, 2)
    assert single_due_date(date(2026, 2, 1), 30) == date(2026, 3, 3)


def test_days_between_counts_the_first_day_and_not_the_last():
    assert days_between(date(2028, 2, 28), date(2028, 3, 1)) == 2
    assert days_between(date(2026, 2, 28), date(2026, 3, 1)) == 1
    assert days_between(date(2026, 3, 1), date(2026, 3, 1)) == 0
    assert days_between(date(2026, 3, 2), date(2026, 3, 1)) == -1


def test_the_day_after_new_years_eve_is_new_years_day():
    assert day_after(date(2026, 12, 31)) == date(2027, 1, 1)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 12))
def test_due_dates_rise_and_stay_in_their_month(start, periods):
    due_dates = instalment_due_dates(start, periods)
    months = [due.year * 12 + due.month for due in due_dates]
    first = start.year * 12 + start.month + 1
    assert months == list(range(first, first + periods))
    assert all(due.day <= start.day for due in due_dates)
