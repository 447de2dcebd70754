from datetime import date
from decimal import Decimal

import pytest

from loans.maths.delinquency import (
    BUCKETS,
    Band,
    band_of,
    bucket_of,
    check_bands,
    days_past_due,
    npl_ratio,
)

FIVE_CLASSES = (
    Band("normal", 0, 0),
    Band("special_mention", 1, 90),
    Band("substandard", 91, 270),
    Band("doubtful", 271, 360),
    Band("loss", 361, None),
)


def test_overdue_starts_on_the_day_after_the_due_date():
    assert days_past_due(date(2026, 1, 31), date(2026, 1, 30)) == 0
    assert days_past_due(date(2026, 1, 31), date(2026, 1, 31)) == 0
    assert days_past_due(date(2026, 1, 31), date(2026, 2, 1)) == 1


def test_days_past_due_cross_a_leap_day():
    assert days_past_due(date(2028, 2, 28), date(2028, 3, 1)) == 2
    assert days_past_due(date(2026, 2, 28), date(2026, 3, 1)) == 1


def test_nothing_unpaid_is_not_overdue():
    assert days_past_due(None, date(2026, 2, 1)) == 0


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (0, "0"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "91-180"),
        (180, "91-180"),
        (181, "181-270"),
        (270, "181-270"),
        (271, "271-360"),
        (360, "271-360"),
        (361, ">360"),
        (5000, ">360"),
    ],
)
def test_both_sides_of_every_bucket_edge(days, bucket):
    assert bucket_of(days) == bucket


@pytest.mark.req("R54")
@pytest.mark.parametrize(
    ("days", "code"),
    [
        (0, "normal"),
        (1, "special_mention"),
        (90, "special_mention"),
        (91, "substandard"),
        (270, "substandard"),
        (271, "doubtful"),
        (360, "doubtful"),
        (361, "loss"),
    ],
)
def test_both_sides_of_every_class_edge(days, code):
    assert band_of(days, FIVE_CLASSES) == code


def test_the_bands_cover_every_day_once():
    check_bands(BUCKETS)
    check_bands(FIVE_CLASSES)


@pytest.mark.parametrize(
    "bands",
    [
        (),
        (Band("late", 1, None),),
        (Band("a", 0, 0), Band("b", 2, None)),
        (Band("a", 0, 5), Band("b", 5, None)),
        (Band("a", 0, 5),),
        (Band("a", 0, None), Band("b", 1, None)),
        (Band("a", 0, -1), Band("b", 0, None)),
    ],
)
def test_bands_with_holes_overlaps_or_an_end_are_refused(bands):
    with pytest.raises(ValueError):
        check_bands(bands)


def test_a_day_in_no_band_is_an_error():
    with pytest.raises(ValueError, match="5 days"):
        band_of(5, (Band("a", 0, 4),))


@pytest.mark.req("R53", "R54")
def test_the_npl_ratio_counts_the_last_three_classes():
    principal = [
        ("normal", Decimal("98800.00")),
        ("special_mention", Decimal("0.00")),
        ("substandard", Decimal("600.00")),
        ("doubtful", Decimal("400.00")),
        ("loss", Decimal("200.00")),
    ]
    assert npl_ratio(principal, {"substandard", "doubtful", "loss"}) == Decimal("0.012000")


@pytest.mark.req("R53")
def test_an_empty_book_has_no_bad_loans():
    assert npl_ratio([], {"loss"}) == Decimal("0")
    assert npl_ratio([("normal", Decimal("0.00"))], {"loss"}) == Decimal("0")
