"""Fees for paying early counted in the cost cap where the product says so (R42, R43, R54): they shrink to fit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from loans.maths.state import position, prepayment_quote, replay, settlement_quote
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan

pytestmark = pytest.mark.req("R42", "R43", "R54")
D = Decimal
START, DUE, SECOND = date(2026, 1, 15), date(2026, 2, 15), date(2026, 3, 15)
# Three periods of 400 yuan; a fee of 0.5 % a period, 0.4 % paid ahead.
OUTSIDE = LoanTerms(
    plan=Plan.INSTALMENTS, principal=D("1200.00"), start=START, daily_rate=D("0"), periods=3, fee_rate=D("0.005"),
    prepaid_fee_reduction=D("0.001"), settlement_fee_rate=D("0.01"), cost_cap_rate=D("0.24"),
)  # fmt: skip
INSIDE = replace(OUTSIDE, early_fees_in_cap=True)


def paid(on: date, amount: str) -> LoanEvent:
    return LoanEvent(on, EventKind.REPAYMENT, D(amount), key=f"{on}")


def fees(terms: LoanTerms, on: date, periods: int, *events: LoanEvent) -> list[Decimal]:
    return [due.fee for due in prepayment_quote(terms, events, on, periods).dues]


@pytest.mark.parametrize(
    ("on", "inside"),
    [
        # 0.24 x 1200 x 4 / 365 = 3.156, less the 2.00 of the running period.
        (date(2026, 1, 19), ["2.00", "1.15", "0.00"]),
        # 4.734 - 2.00: the second takes 1.60, the third what is left.
        (date(2026, 1, 21), ["2.00", "1.60", "1.13"]),
        # 5.52 - 2.00 is room for both.
        (date(2026, 1, 22), ["2.00", "1.60", "1.60"]),
        # Not even the running period fits: its own fee is none for paying early and stays.
        (START, ["2.00", "0.00", "0.00"]),
    ],
)
def test_periods_paid_ahead_share_what_the_cap_leaves(on: date, inside: list[str]):
    assert fees(INSIDE, on, 3) == [D(fee) for fee in inside]
    assert fees(OUTSIDE, on, 3) == [D("2.00"), D("1.60"), D("1.60")]
    assert fees(replace(INSIDE, cost_cap_rate=None), on, 3) == [D("2.00"), D("1.60"), D("1.60")]


def test_what_was_paid_ahead_is_paid_for_good():
    """Neither growing room nor the start of the period charges the rest of the fee."""
    event = paid(date(2026, 1, 19), "803.15")
    for on in (date(2026, 2, 10), date(2026, 2, 16), SECOND):
        loan = position(INSIDE, [event], on)
        assert [row.fee_charged for row in loan.instalments][:2] == [D("2.00"), D("1.15")]
        assert loan.instalments[1].unpaid == 0
    later = replay(INSIDE, [event], date(2026, 2, 10)).book(date(2026, 2, 10))
    assert [later.due(row).total for row in INSIDE.schedule][:2] == [D(0), D(0)]
    assert position(OUTSIDE, [event], date(2026, 1, 19)).outstanding_principal == D("400.45")


def test_a_period_paid_ahead_in_part_owes_its_whole_fee_once_it_starts():
    event = paid(date(2026, 1, 19), "803.14")
    loan = position(INSIDE, [event], date(2026, 2, 16))
    assert loan.instalments[1].fee_charged == D("2.00")
    assert loan.instalments[1].unpaid == D("0.86")


def test_fees_paid_ahead_leave_less_for_settling():
    on = date(2026, 1, 22)
    assert settlement_quote(INSIDE, [], on).settlement_fee == D("3.52")
    assert settlement_quote(INSIDE, [paid(on, "803.60")], on).settlement_fee == D("1.92")
    assert settlement_quote(OUTSIDE, [], on).settlement_fee == D("12.00")
    assert settlement_quote(OUTSIDE, [paid(on, "803.60")], on).settlement_fee == D("4.00")


def test_all_paid_at_once_costs_at_most_the_cap():
    on = date(2026, 1, 31)
    whole = prepayment_quote(INSIDE, [], on, 3)
    loan = position(INSIDE, [paid(on, str(whole.total))], on)
    assert loan.is_paid_off
    assert loan.fees_charged <= INSIDE.cost_cap_rate * loan.exposure / 365
