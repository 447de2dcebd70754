"""Who went bad on our own books, as known on a date."""

from datetime import date
from decimal import Decimal

import pytest

from risk.rules.workbench.own_loans import Person, TapeSpan, months_later, outcome, people_dump, people_load

pytestmark = pytest.mark.req("R15", "R17")
START, DUE = date(2025, 1, 10), date(2025, 2, 9)
AS_OF = date(2026, 1, 10)


def span(begins: date = START, ends: date | None = None, due: date | None = DUE, written: bool = False) -> TapeSpan:
    return TapeSpan(begins, ends, START, due, written)


def bad(*spans: TapeSpan, as_of: date = AS_OF, months: int = 12, days: int = 90) -> int | None:
    return outcome(spans, months=months, days=days, as_of=as_of)


@pytest.mark.parametrize(("ends", "label"), [(date(2025, 5, 10), 0), (date(2025, 5, 11), 1)])
def test_90_days_past_due_are_not_bad_and_91_are(ends: date, label: int) -> None:
    assert (ends - DUE).days == (90, 91)[label]
    assert bad(span(ends=ends), span(begins=date(2025, 5, 12), due=None)) == label


@pytest.mark.parametrize(("as_of", "label"), [(date(2026, 1, 9), None), (date(2026, 1, 10), 0)])
def test_twelve_months_on_book_must_have_passed(as_of: date, label: int | None) -> None:
    assert bad(span(due=None), as_of=as_of) == label


def test_what_happens_after_the_window_does_not_count() -> None:
    late = date(2025, 10, 12)
    assert bad(span(due=late), as_of=date(2026, 6, 1)) == 0
    assert bad(span(due=date(2025, 10, 11)), as_of=date(2026, 6, 1)) == 1
    assert bad(span(due=None), span(begins=date(2026, 2, 1), written=True), as_of=date(2026, 6, 1)) == 0


def test_a_write_off_is_bad_and_nobody_is_judged_without_a_loan() -> None:
    assert bad(span(due=None, written=True)) == 1
    assert bad() is None


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [(date(2025, 1, 31), 1, date(2025, 2, 28)), (date(2025, 12, 15), 1, date(2026, 1, 15)),
     (date(2026, 1, 10), -12, date(2025, 1, 10)), (date(2024, 2, 29), 12, date(2025, 2, 28))],
)  # fmt: skip
def test_months_end_where_the_month_ends(day: date, months: int, expected: date) -> None:
    assert months_later(day, months) == expected


def test_people_come_back_from_the_file_as_they_went_in() -> None:
    people = [
        Person("a", {"assets_amount": Decimal("5500.00"), "card_utilisation": None}, Decimal("71.50"), 1, "30"),
        Person("b", {"assets_amount": None, "card_utilisation": Decimal("0.025")}, Decimal("80.00"), 0, ""),
    ]
    found = people_load(people_dump(people, ["assets_amount", "card_utilisation"]))
    assert found.clients == people
    assert found.personal == [{"age": "30"}, {"age": ""}]
