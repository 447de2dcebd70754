"""A month counts as on time when a loan was open in it and no day was past due (R29)."""

from datetime import date

import pytest

from risk.rules.on_time import Span, is_on_time, month_end, months_on_time

pytestmark = pytest.mark.req("R29")
MAY = date(2026, 5, 1)


def span(first: str, last: str, due: str | None = None) -> Span:
    day = date.fromisoformat
    return Span(day(first), day(last), day(due) if due else None)


@pytest.mark.parametrize(
    ("spans", "good"),
    [
        ([], False),
        ([span("2026-05-31", "2026-06-30", "2026-06-30")], True),
        ([span("2026-04-01", "2026-04-30", "2026-04-30")], False),
        ([span("2026-06-01", "2026-06-30", "2026-06-30")], False),
        # Due on the last day of May and unpaid: past due from 1 June, so May is on time and June is not.
        ([span("2026-05-01", "2026-06-10", "2026-05-31")], True),
        ([span("2026-05-01", "2026-05-31", "2026-05-30")], False),
        # Paid on the day after the due date: one day past due.
        ([span("2026-05-01", "2026-05-11", "2026-05-10")], False),
        ([span("2026-05-01", "2026-05-10", "2026-05-10")], True),
        # Past due in April only, paid before May began.
        ([span("2026-04-01", "2026-04-30", "2026-04-10"), span("2026-05-02", "2026-05-20", "2026-06-01")], True),
        # One loan on time, another not.
        ([span("2026-05-01", "2026-05-31", "2026-06-30"), span("2026-05-01", "2026-05-31", "2026-05-15")], False),
    ],
)
def test_a_month(spans: list[Span], good: bool):
    assert is_on_time(spans, MAY) is good


def test_june_of_a_loan_due_at_the_end_of_may_is_not_on_time():
    assert not is_on_time([span("2026-05-01", "2026-06-10", "2026-05-31")], date(2026, 6, 1))


def test_months_in_a_row_are_counted_back_from_the_last_complete_one():
    used = [span("2026-01-01", "2026-06-30", "2026-12-31")]
    assert months_on_time(used, date(2026, 7, 1), 6) == 6
    assert months_on_time(used, date(2026, 7, 1), 12) == 6
    assert months_on_time(used, date(2026, 7, 31), 4) == 4
    assert months_on_time(used, date(2026, 8, 1), 6) == 0
    late = [*used, span("2026-04-01", "2026-04-02", "2026-03-31")]
    assert months_on_time(late, date(2026, 7, 1), 6) == 2


@pytest.mark.parametrize(("first", "last"), [(date(2024, 2, 1), 29), (date(2026, 2, 1), 28), (date(2026, 12, 1), 31)])
def test_the_end_of_a_month(first: date, last: int):
    assert month_end(first).day == last
