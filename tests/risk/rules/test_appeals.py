from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from risk.rules.appeals import Picture, appeal_dates, may_grant_alone, picture_faults, working_days_left

pytestmark = pytest.mark.req("R39")

GOOD = Picture("id_front", 900, 600, sharpness=300, brightness=128, look="0f0f0f0f0f0f0f0f", seen_elsewhere=False)
OTHER = replace(GOOD, kind="id_back", look="f0f0f0f0f0f0f0f0")


def test_a_good_picture_has_no_faults() -> None:
    assert picture_faults(GOOD, [OTHER]) == []


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"width": 480, "height": 300}, []),
        ({"width": 479, "height": 300}, ["too_small"]),
        ({"width": 480, "height": 299}, ["too_small"]),
        ({"width": 300, "height": 480}, []),
        ({"sharpness": 20}, []),
        ({"sharpness": 19}, ["blurred"]),
        ({"brightness": 15}, []),
        ({"brightness": 14}, ["too_dark"]),
        ({"brightness": 250}, []),
        ({"brightness": 251}, ["too_bright"]),
        ({"seen_elsewhere": True}, ["seen_elsewhere"]),
        ({"look": "f0f0f0f0f0f0f0f7"}, ["same_picture"]),  # three bits from the other
        ({"look": "f0f0f0f0f0f0f0ff"}, []),  # four
        ({"width": 1, "height": 1, "sharpness": 0, "brightness": 0}, ["too_small", "blurred", "too_dark"]),
    ],
)
def test_each_edge_from_both_sides(change: dict[str, Any], faults: list[str]) -> None:
    assert picture_faults(replace(GOOD, **change), [OTHER]) == faults


@pytest.mark.parametrize(
    ("passed", "reason", "denied", "granted"),
    [
        (True, "unusual_place", False, True),
        (True, "staff", False, True),
        (True, "risk_layer", False, True),
        (True, "overdue", False, False),
        (True, "unusual_place", True, False),
        (False, "unusual_place", False, False),
    ],
)
def test_papers_answer_doubts_about_a_person_and_nothing_else(
    passed: bool, reason: str, denied: bool, granted: bool
) -> None:
    assert may_grant_alone(documents_passed=passed, frozen_reason=reason, is_denied=denied) is granted


@pytest.mark.parametrize(
    ("received", "reminder", "due"),
    [
        (date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 19)),  # Monday
        (date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 25)),  # Friday
        (date(2026, 11, 21), date(2026, 11, 23), date(2026, 11, 25)),  # Saturday
        (date(2025, 9, 26), date(2025, 9, 28), date(2025, 9, 30)),  # Friday before the Sunday that is worked
        (date(2025, 9, 30), date(2025, 10, 9), date(2025, 10, 11)),  # over National Day, to the Saturday that is worked
        (date(2025, 10, 4), date(2025, 10, 9), date(2025, 10, 11)),  # on the holiday itself
        (date(2025, 10, 10), date(2025, 10, 11), date(2025, 10, 14)),
        (date(2026, 2, 13), date(2026, 2, 14), date(2026, 2, 25)),  # Saturday worked before the Spring Festival
        (date(2026, 2, 14), date(2026, 2, 24), date(2026, 2, 26)),
        (date(2026, 2, 26), date(2026, 2, 27), date(2026, 3, 2)),  # Saturday the 28th worked
        (date(2031, 9, 30), date(2031, 10, 6), date(2031, 10, 8)),  # a year nobody has announced
    ],
)
def test_the_third_working_day(received: date, reminder: date, due: date) -> None:
    assert appeal_dates(received, reminder_days=1, answer_days=3) == (reminder, due)


@pytest.mark.parametrize(
    ("today", "due", "left"),
    [
        (date(2025, 9, 30), date(2025, 10, 11), 3),
        (date(2025, 10, 8), date(2025, 10, 11), 3),
        (date(2025, 10, 9), date(2025, 10, 11), 2),
        (date(2025, 10, 10), date(2025, 10, 11), 1),
        (date(2025, 10, 11), date(2025, 10, 11), 0),
        (date(2025, 10, 12), date(2025, 10, 11), -1),
    ],
)
def test_time_left_counts_working_days(today: date, due: date, left: int) -> None:
    assert working_days_left(today, due) == left
