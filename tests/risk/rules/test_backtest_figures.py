from collections import Counter
from decimal import Decimal

import pytest

from risk.rules.backtest import Judged, parts_changed
from risk.rules.backtest_figures import (
    LIMIT_ENDS,
    LoanSeen,
    loan_figures,
    loan_group,
    row_figures,
    step_of,
)

D = Decimal
pytestmark = pytest.mark.req("R33")


def approved(limit: str, rate: str = "0.000400") -> Judged:
    return Judged("approved", "good_consumption", D("70"), "new", D(limit), D(rate))


@pytest.mark.parametrize(
    ("change", "step"),
    [("0", 0), ("0.01", 1), ("500", 1), ("500.01", 2), ("-500", -1), ("-500.01", -2), ("50000", 7), ("50000.01", 8),
     ("-50000.01", -8)],
)  # fmt: skip
def test_steps_of_a_change_hold_their_upper_end(change: str, step: int) -> None:
    assert step_of(D(change), LIMIT_ENDS) == step


def test_a_refused_customer_is_counted_in_every_group() -> None:
    old, new = approved("3000.00"), Judged("rejected", "capacity")
    found = row_figures(old, new, parts_changed(old, new), {"sex": "female", "age": "25–34"})
    assert found["judged"] == found["changed"] == found["part:outcome"] == found["outcome:approved>rejected"] == 1
    assert found["limit_sum:old"] == 300_000
    assert found["limit_sum:new"] == 0
    assert found["group:sex:female:worse"] == found["group:age:25–34:old"] == 1
    assert found["group:sex:female:new"] == 0
    assert not [name for name in found if name.startswith(("limit:", "rate:"))]


def test_changes_of_limit_and_rate_fall_into_their_steps() -> None:
    old, new = approved("3000.00"), approved("2400.00", "0.000420")
    found = row_figures(old, new, parts_changed(old, new), {})
    assert found["limit:-2"] == found["rate:3"] == found["part:limit"] == found["part:rate"] == 1
    assert (found["limit_sum:old"], found["limit_sum:new"]) == (300_000, 240_000)


def test_the_same_decision_adds_to_the_matrix_and_changes_nothing() -> None:
    old = approved("3000.00")
    found = row_figures(old, old, [], {"sex": "male"})
    assert found["outcome:approved>approved"] == found["limit:0"] == found["rate:0"] == 1
    assert "changed" not in found
    assert "group:sex:male:worse" not in found


@pytest.mark.parametrize(
    ("old", "new", "group"),
    [
        (approved("3000.00"), Judged("rejected"), "refused"),
        (approved("3000.00"), Judged("referred"), "asked"),
        (Judged("referred"), Judged("referred"), "kept"),
        (Judged("referred"), Judged("rejected"), "refused"),
        (approved("3000.00"), approved("2999.99"), "less"),
        (approved("3000.00"), approved("3000.00"), "kept"),
        (Judged("pass"), Judged("freeze"), "refused"),
        (Judged("pass"), Judged("challenge"), "asked"),
        (Judged("alert"), Judged("pass"), "kept"),
    ],
)
def test_what_becomes_of_loans_that_were_made(old: Judged, new: Judged, group: str) -> None:
    assert loan_group(old, new) == group


@pytest.mark.req("R53")
def test_overdue_counts_what_lies_beyond_the_edge() -> None:
    loans = [
        LoanSeen(D("1000.00"), D("0.00"), worst_days=30, days_now=0),
        LoanSeen(D("1000.00"), D("400.00"), worst_days=31, days_now=31),
        LoanSeen(D("1000.00"), D("500.00"), worst_days=90, days_now=90),
        LoanSeen(D("1000.00"), D("600.00"), worst_days=91, days_now=91),
    ]
    found = loan_figures("refused", loans)
    assert found["loans:refused:count"] == 4
    assert found["loans:refused:principal"] == 400_000
    assert (found["loans:refused:over30"], found["loans:refused:over90"]) == (3, 1)
    assert (found["loans:refused:outstanding"], found["loans:refused:npl"]) == (150_000, 60_000)


def test_figures_add_up_in_any_order() -> None:
    one = row_figures(approved("3000.00"), Judged("rejected"), ["outcome"], {"sex": "male"})
    two = row_figures(approved("1000.00"), approved("2000.00"), ["limit"], {"sex": "male"})
    assert Counter(one) + Counter(two) == Counter(two) + Counter(one)
