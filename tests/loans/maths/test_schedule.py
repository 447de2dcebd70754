from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.maths.errors import (
    InstalmentMinimumMissed,
    InstalmentPeriodsRefused,
    LoanDaysOutOfRange,
    PrincipalOutOfRange,
)
from loans.maths.schedule import (
    FeeBase,
    ScheduleRow,
    check_instalment_plan,
    check_single_days,
    instalment_schedule,
    single_schedule,
    total_cost,
)

START = date(2026, 1, 31)
FEE = Decimal("0.025")
OFFER = {"minimum_amount": Decimal("1000.00"), "allowed_periods": (3, 6, 12)}


@pytest.mark.req("R54")
@pytest.mark.parametrize("days", [1, 30, 365])
def test_a_single_payment_loan_runs_1_to_365_days(days):
    check_single_days(days, days_min=1, days_max=365)
    assert single_schedule(Decimal("500.00"), Decimal("0.0005"), START, days)[0].days == days


@pytest.mark.req("R54")
@pytest.mark.parametrize("days", [-1, 0, 366])
def test_a_single_payment_loan_of_other_days_is_refused(days):
    with pytest.raises(LoanDaysOutOfRange) as refusal:
        check_single_days(days, days_min=1, days_max=365)
    assert refusal.value.code == "days_out_of_range"


def test_a_schedule_without_a_day_is_refused():
    with pytest.raises(LoanDaysOutOfRange):
        single_schedule(Decimal("500.00"), Decimal("0.0005"), START, 0)


def test_a_single_payment_loan_has_one_due_date():
    rows = single_schedule(Decimal("8000.00"), Decimal("0.000400"), date(2026, 1, 1), 30)
    assert rows == (
        ScheduleRow(
            number=1,
            start_date=date(2026, 1, 1),
            due_date=date(2026, 1, 31),
            days=30,
            principal=Decimal("8000.00"),
            interest=Decimal("96.00"),
            fee=Decimal("0.00"),
        ),
    )
    assert rows[0].total == Decimal("8096.00")


@pytest.mark.parametrize("principal", ["0.00", "-1.00", "100.001"])
def test_a_principal_that_is_no_positive_amount_in_fen_is_refused(principal):
    with pytest.raises(PrincipalOutOfRange):
        single_schedule(Decimal(principal), Decimal("0.0005"), START, 30)
    with pytest.raises(PrincipalOutOfRange):
        instalment_schedule(Decimal(principal), 3, START, FEE)


@pytest.mark.req("R40")
@pytest.mark.parametrize("periods", [3, 6, 12])
def test_1000_yuan_in_3_6_or_12_periods_is_allowed(periods):
    check_instalment_plan(Decimal("1000.00"), periods, **OFFER)
    assert len(instalment_schedule(Decimal("1000.00"), periods, START, FEE)) == periods


@pytest.mark.req("R40")
def test_a_fen_below_1000_is_refused():
    with pytest.raises(InstalmentMinimumMissed) as refusal:
        check_instalment_plan(Decimal("999.99"), 3, **OFFER)
    assert refusal.value.code == "instalment_minimum"


@pytest.mark.req("R40")
@pytest.mark.parametrize("periods", [0, 1, 2, 4, 5, 7, 11, 13, 24])
def test_other_numbers_of_periods_are_refused(periods):
    with pytest.raises(InstalmentPeriodsRefused) as refusal:
        check_instalment_plan(Decimal("1000.00"), periods, **OFFER)
    assert refusal.value.code == "instalment_periods"


def test_a_refusal_is_a_value_error_as_well():
    assert issubclass(InstalmentPeriodsRefused, ValueError)


def test_no_periods_make_no_schedule():
    with pytest.raises(InstalmentPeriodsRefused):
        instalment_schedule(Decimal("1000.00"), 0, START, FEE)


@pytest.mark.req("R41")
def test_a_thousand_in_three_from_the_31st_of_january():
    rows = instalment_schedule(Decimal("1000.00"), 3, START, FEE)
    assert [(row.start_date, row.due_date, row.days) for row in rows] == [
        (date(2026, 1, 31), date(2026, 2, 28), 28),
        (date(2026, 3, 1), date(2026, 3, 31), 31),
        (date(2026, 4, 1), date(2026, 4, 30), 30),
    ]
    assert [row.principal for row in rows] == [Decimal("333.33"), Decimal("333.33"), Decimal("333.34")]
    # 333.33 x 2.5 % = 8.33325 and 333.34 x 2.5 % = 8.3335
    assert [row.fee for row in rows] == [Decimal("8.33")] * 3
    assert total_cost(rows) == Decimal("24.99")
    assert [row.interest for row in rows] == [Decimal("0.00")] * 3


@pytest.mark.req("R41")
def test_the_fee_can_be_a_share_of_the_whole_loan():
    rows = instalment_schedule(Decimal("1000.00"), 3, START, FEE, FeeBase.LOAN_PRINCIPAL)
    assert [row.fee for row in rows] == [Decimal("25.00")] * 3


@pytest.mark.req("R41")
def test_with_interest_a_period_bears_interest_on_the_principal_outstanding_in_it():
    rows = instalment_schedule(
        Decimal("1200.00"),
        3,
        START,
        FEE,
        "period_principal",
        with_interest=True,
        daily_rate=Decimal("0.000300"),
    )
    # 1200 x 0.0003 x 28, 800 x 0.0003 x 31, 400 x 0.0003 x 30
    assert [row.interest for row in rows] == [Decimal("10.08"), Decimal("7.44"), Decimal("3.60")]
    assert [row.total for row in rows] == [Decimal("420.08"), Decimal("417.44"), Decimal("413.60")]


def test_an_unknown_fee_base_is_an_error():
    with pytest.raises(ValueError, match="half_principal"):
        instalment_schedule(Decimal("1000.00"), 3, START, FEE, "half_principal")


@given(
    st.decimals(Decimal("1000"), Decimal("200000"), places=2),
    st.sampled_from([3, 6, 12]),
    st.dates(date(2025, 10, 1), date(2040, 1, 1)),
)
def test_the_parts_sum_to_the_principal_and_the_periods_join_without_a_gap(principal, periods, start):
    rows = instalment_schedule(principal, periods, start, FEE)
    assert sum(row.principal for row in rows) == principal
    assert len({row.principal for row in rows[:-1]}) == 1
    assert rows[0].principal <= rows[-1].principal < rows[0].principal + Decimal("0.01") * periods
    assert sum(row.days for row in rows) == (rows[-1].due_date - start).days
    assert all((late.start_date - early.due_date).days == 1 for early, late in pairwise(rows))
    assert abs(total_cost(rows) - principal * FEE) <= Decimal("0.005") * periods
