from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.maths.cost import (
    CashFlow,
    apr,
    check_cap,
    exceeds_cap,
    irr,
    schedule_apr,
    schedule_exposure,
    schedule_flows,
    schedule_irr,
)
from loans.maths.errors import CostCapExceeded, NoRateOfReturn
from loans.maths.schedule import instalment_schedule, single_schedule

START = date(2026, 1, 1)


@pytest.mark.req("R54")
def test_apr_of_a_single_payment_loan_is_the_daily_rate_times_365():
    rows = single_schedule(Decimal("8000.00"), Decimal("0.000400"), START, 30)
    # 96.00 / (8000 x 30) x 365
    assert schedule_apr(START, rows) == Decimal("0.146000")


@pytest.mark.req("R41", "R54")
def test_apr_of_instalments_is_cost_over_the_principal_actually_outstanding():
    rows = instalment_schedule(Decimal("1200.00"), 3, START, Decimal("0.025"))
    # 400 x (31 + 59 + 90) yuan-days, 30.00 of fees: 30 x 365 / 72000 = 0.15208333
    assert schedule_exposure(START, rows) == Decimal("72000.00")
    assert schedule_apr(START, rows) == Decimal("0.152083")


def test_apr_is_rounded_half_up_to_six_places():
    assert apr(Decimal("0.01"), Decimal("7300000")) == Decimal("0.000001")
    assert apr(Decimal("0.01"), Decimal("7300001")) == Decimal("0.000000")


def test_apr_needs_outstanding_principal():
    with pytest.raises(ZeroDivisionError):
        apr(Decimal("1.00"), Decimal("0.00"))


@pytest.mark.req("R31")
def test_irr_of_ten_percent_over_exactly_365_days():
    flows = [CashFlow(START, Decimal("-1000")), CashFlow(date(2027, 1, 1), Decimal("1100"))]
    assert irr(flows) == Decimal("0.100000")


@pytest.mark.req("R31")
def test_irr_counts_actual_days_also_in_a_leap_year():
    flows = [CashFlow(date(2028, 1, 1), Decimal("-1000")), CashFlow(date(2029, 1, 1), Decimal("1100"))]
    # 366 days: 1.1 ^ (365 / 366) - 1 = 0.0997136
    assert irr(flows) == Decimal("0.099714")


def test_irr_compounds_what_apr_adds():
    rows = single_schedule(Decimal("8000.00"), Decimal("0.000400"), START, 30)
    # 1.012 ^ (365 / 30) - 1 = 0.15619...
    assert schedule_irr(START, rows) == Decimal("0.156191")
    assert schedule_flows(START, rows) == (
        CashFlow(START, Decimal("-8000.00")),
        CashFlow(date(2026, 1, 31), Decimal("8096.00")),
    )


def test_irr_of_a_free_loan_is_zero_and_of_a_loss_negative():
    free = [CashFlow(START, Decimal("-100")), CashFlow(date(2026, 6, 1), Decimal("100"))]
    loss = [CashFlow(START, Decimal("-100")), CashFlow(date(2027, 1, 1), Decimal("90"))]
    assert irr(free) == Decimal("0.000000")
    assert irr(loss) == Decimal("-0.100000")


@pytest.mark.parametrize("amounts", [("100", "50"), ("-100", "-50"), ("-100", "0")])
def test_flows_that_do_not_change_sign_have_no_rate(amounts):
    first, second = amounts
    with pytest.raises(NoRateOfReturn):
        irr([CashFlow(START, Decimal(first)), CashFlow(date(2026, 2, 1), Decimal(second))])


@pytest.mark.req("R54")
def test_the_cap_holds_at_24_percent_and_breaks_a_millionth_above():
    cap = Decimal("0.24")
    check_cap(Decimal("0.240000"), cap)
    with pytest.raises(CostCapExceeded) as refusal:
        check_cap(Decimal("0.240001"), cap)
    assert refusal.value.code == "cost_cap_exceeded"


def test_without_a_cap_nothing_exceeds_it():
    assert exceeds_cap(Decimal("9.99"), None) is False


@pytest.mark.req("R41", "R54")
def test_the_unlawful_fee_base_breaks_the_cap():
    rows = instalment_schedule(Decimal("1200.00"), 12, START, Decimal("0.025"), "loan_principal")
    assert exceeds_cap(schedule_apr(START, rows), Decimal("0.24"))


@given(
    st.decimals(Decimal("1000"), Decimal("200000"), places=2),
    st.sampled_from([3, 6, 12]),
    st.decimals(Decimal("0"), Decimal("0.05"), places=3),
)
def test_at_the_irr_the_discounted_flows_cancel(principal, periods, fee_rate):
    rows = instalment_schedule(principal, periods, START, fee_rate)
    rate = schedule_irr(START, rows)
    value = sum(
        flow.amount / (1 + rate) ** (Decimal((flow.on - START).days) / 365) for flow in schedule_flows(START, rows)
    )
    assert abs(value) <= principal * Decimal("0.000001")
    assert rate >= 0


@pytest.mark.req("R59")
@pytest.mark.parametrize(
    ("back", "rate"),
    [("110.00", "0.100000"), ("100.00", "0.000000"), ("1000000.00", "9999.000000"), ("1.00", "-0.990000")],
)
def test_the_rate_of_return_is_found_however_far_away_it_lies(back: str, rate: str):
    start = date(2026, 1, 31)
    flows = [CashFlow(start, Decimal("-100.00")), CashFlow(date(2027, 1, 31), Decimal(back))]
    assert irr(flows) == Decimal(rate)
