"""R53: vintages by month of payout, both sides of each edge."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from loans.maths.vintage import (
    Crossing,
    Span,
    curves_ever,
    curves_now,
    first_past,
    is_month_end,
    month_end,
    months_on_book,
    observed_on,
    past_due_history,
)

pytestmark = pytest.mark.req("R53")
D = Decimal
DUE = date(2026, 1, 31)


def span(first: date, last: date | None, due: date | None = DUE, state: str = "active", owed: str = "100.00") -> Span:
    return Span(first, last, state, due, D(owed))


@pytest.mark.parametrize(
    ("last", "expected"),
    [(30, None), (31, Crossing(DUE + timedelta(days=31), D("100.00")))],
)
def test_thirty_days_are_not_more_than_thirty(last: int, expected: Crossing | None):
    assert first_past([span(date(2026, 1, 1), DUE + timedelta(days=last))], 30) == expected


def test_what_was_entered_late_counts_from_the_evening_it_was_known():
    known = date(2026, 3, 20)
    assert first_past([span(known, None)], 30) == Crossing(known, D("100.00"))


def test_what_was_known_once_stays_so_and_a_paid_loan_goes_nowhere():
    spans = [span(date(2026, 1, 1), date(2026, 3, 20)), span(date(2026, 3, 21), None, None, "settled", "0.00")]
    assert first_past(spans, 30) == Crossing(date(2026, 3, 3), D("100.00"))
    assert first_past(spans[1:], 30) is None
    assert first_past([span(date(2026, 1, 1), None, None)], 30) is None


def test_a_write_off_counts_for_every_threshold_and_alone_for_its_own():
    given_up = span(date(2026, 2, 5), None, state="written_off", owed="80.00")
    spans = [span(date(2026, 1, 1), date(2026, 2, 4)), given_up]
    assert first_past(spans, 90) == first_past(spans, None) == Crossing(date(2026, 2, 5), D("80.00"))
    assert first_past(spans[:1], None) is None


def test_the_history_tells_days_past_due_of_every_evening_asked_for():
    spans = [span(date(2026, 1, 1), date(2026, 2, 2)), span(date(2026, 2, 3), None, date(2026, 2, 28), owed="60.00")]
    told = past_due_history(spans, date(2026, 3, 1))
    assert [(row.first, row.last, row.days_first, row.days_last) for row in told] == [
        (date(2026, 1, 1), date(2026, 2, 2), 0, 2),
        (date(2026, 2, 3), date(2026, 3, 1), 0, 1),
    ]
    assert past_due_history([span(date(2026, 1, 1), None, DUE, "settled")], date(2026, 3, 1))[0].days_last == 0
    assert past_due_history(spans[:1], date(2026, 2, 1))[0].days_last == 1


@pytest.mark.parametrize(
    ("day", "is_end"),
    [(date(2026, 2, 27), False), (date(2026, 2, 28), True), (date(2028, 2, 28), False), (date(2028, 2, 29), True),
     (date(2026, 12, 31), True)],
)  # fmt: skip
def test_month_ends(day: date, is_end: bool):
    assert is_month_end(day) is is_end
    assert (month_end(day.replace(day=1)) == day) is is_end


def test_a_vintage_is_looked_at_each_month_end_and_on_the_day_asked_for():
    january = date(2026, 1, 1)
    assert observed_on(january, date(2026, 1, 20), 12) == [date(2026, 1, 20)]
    assert observed_on(january, date(2026, 1, 31), 12) == [date(2026, 1, 31)]
    assert observed_on(january, date(2026, 3, 1), 12) == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 1)]
    assert observed_on(january, date(2026, 9, 1), 1) == [date(2026, 1, 31), date(2026, 2, 28)]
    assert [months_on_book(january, day) for day in (date(2026, 1, 31), date(2026, 2, 1), date(2027, 1, 1))] == [
        0, 1, 12,
    ]  # fmt: skip


def test_curves_add_up_what_crossed_and_divide_by_what_was_paid_out():
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    paid = {january: D("1000.00"), february: D("0.00")}
    crossed = [(january, date(2026, 2, 28), D("100.00")), (january, date(2026, 3, 1), D("50.00"))]
    first, second = curves_ever(paid, crossed, date(2026, 3, 31), 12)
    assert [(number, share) for number, _, _, share in first.points] == [(0, 0), (1, D("0.1")), (2, D("0.15"))]
    assert [share for *_, share in second.points] == [0, 0]
    now = curves_now(paid, {(january, date(2026, 2, 28)): D("20.00")}, date(2026, 3, 31), 12)
    assert [share for *_, share in now[0].points] == [0, D("0.02"), 0]
