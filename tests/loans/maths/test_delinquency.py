from datetime import date
from decimal import Decimal

import pytest

from loans.maths.delinquency import (
    BUCKETS,
    Band,
    band_of,
    bucket_of,
    check_bands,
    cuts,
    days_past_due,
    five_classes,
    is_past_limit,
    npl_ratio,
)

FIVE_CLASSES = five_classes()


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


@pytest.mark.req("R53")
@pytest.mark.parametrize(("bad", "past"), [("1.20", False), ("1.2001", True), ("1.1999", False), ("0", False)])
def test_the_limit_itself_is_not_past_the_limit(bad, past):
    assert is_past_limit(Decimal(bad), Decimal("100.00"), Decimal("0.012")) is past
    assert is_past_limit(Decimal(0), Decimal(0), Decimal("0.012")) is False


@pytest.mark.req("R54")
def test_other_days_of_the_law_make_other_classes():
    moved = five_classes([1, 61, 271, 361])
    assert [band_of(days, moved) for days in (60, 61)] == ["special_mention", "substandard"]
    assert [(cut.bucket, cut.risk_class) for cut in cuts(five_classes([1, 100, 271, 361]))][4:6] == [
        ("91-180", "special_mention"),
        ("91-180", "substandard"),
    ]


@pytest.mark.req("R54")
@pytest.mark.parametrize("days", [[1, 91, 91, 361], [1, 91, 271], [0, 91, 271, 361], [91, 1, 271, 361]])
def test_classes_that_do_not_follow_one_another_are_refused(days):
    with pytest.raises(ValueError):
        five_classes(days)
