from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.maths.allocation import Allocation, Component, Due, allocate, allocate_in_turn

JANUARY = Due(1, date(2026, 1, 31), Decimal("5.00"), Decimal("8.33"), Decimal("2.00"), Decimal("333.33"))
FEBRUARY = Due(2, date(2026, 2, 28), Decimal("3.00"), Decimal("8.33"), Decimal("1.00"), Decimal("333.33"))
money = st.decimals(Decimal("0"), Decimal("2000"), places=2)
dues = st.lists(
    st.builds(
        Due,
        number=st.integers(1, 12),
        due_date=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
        penalty=money,
        fee=money,
        interest=money,
        principal=money,
    ),
    max_size=12,
)


def test_penalty_fee_interest_principal_in_this_order():
    assert allocate(Decimal("20.00"), [JANUARY]).lines == (
        Allocation(1, Component.PENALTY, Decimal("5.00")),
        Allocation(1, Component.FEE, Decimal("8.33")),
        Allocation(1, Component.INTEREST, Decimal("2.00")),
        Allocation(1, Component.PRINCIPAL, Decimal("4.67")),
    )


def test_a_component_is_paid_on_every_due_date_before_the_next_component():
    assert allocate(Decimal("10.00"), [JANUARY, FEBRUARY]).lines == (
        Allocation(1, Component.PENALTY, Decimal("5.00")),
        Allocation(2, Component.PENALTY, Decimal("3.00")),
        Allocation(1, Component.FEE, Decimal("2.00")),
    )


def test_within_a_component_the_oldest_due_date_comes_first_whatever_the_order_given():
    assert allocate(Decimal("6.00"), [FEBRUARY, JANUARY]).lines == (
        Allocation(1, Component.PENALTY, Decimal("5.00")),
        Allocation(2, Component.PENALTY, Decimal("1.00")),
    )


def test_what_no_debt_is_left_for_is_returned():
    result = allocate(Decimal("348.67"), [JANUARY])
    assert result.remainder == Decimal("0.01")
    assert result.allocated == Decimal("348.66")
    assert result.paid(Component.PRINCIPAL) == Decimal("333.33")


def test_to_the_fen_the_debt_leaves_no_remainder():
    assert allocate(Decimal("348.66"), [JANUARY]).remainder == Decimal("0.00")


def test_nothing_pays_nothing():
    assert allocate(Decimal("0.00"), [JANUARY]).lines == ()


def test_a_negative_payment_is_an_error():
    with pytest.raises(ValueError, match=r"-0\.01"):
        allocate(Decimal("-0.01"), [JANUARY])


def test_groups_are_paid_in_turn_the_first_in_full_before_the_second():
    result = allocate_in_turn(Decimal("350.00"), [[JANUARY], [FEBRUARY]])
    assert result.lines[3:] == (
        Allocation(1, Component.PRINCIPAL, Decimal("333.33")),
        Allocation(2, Component.PENALTY, Decimal("1.34")),
    )
    assert result.remainder == Decimal("0.00")


@given(money, dues)
def test_allocation_conserves_the_amount_and_never_overpays(amount, some_dues):
    result = allocate(amount, some_dues)
    debt = sum((due.total for due in some_dues), Decimal("0.00"))
    assert result.allocated + result.remainder == amount
    assert result.allocated == min(amount, debt)
    assert all(line.amount > 0 for line in result.lines)


@given(money, dues)
def test_a_component_is_touched_only_when_the_one_before_is_paid_in_full(amount, some_dues):
    result = allocate(amount, some_dues)
    owed = [sum(due.amount(component) for due in some_dues) for component in Component]
    paid = [result.paid(component) for component in Component]
    assert all(paid[i] == owed[i] for i in range(3) if any(paid[i + 1 :]))
