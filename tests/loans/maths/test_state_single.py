"""The life of a single-payment loan, figures worked by hand."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.maths.allocation import Allocation, Component
from loans.maths.errors import ReversalUnknown, SettlementAmountShort
from loans.maths.penalty import PenaltyMethod
from loans.maths.state import NextDue, next_due, position, prepayment_quote, replay, settlement_quote
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan

# 10 000.00 at 0.04 % a day for 30 days: due 31 January 2026 with 120.00 of interest.
TERMS = LoanTerms(
    plan=Plan.SINGLE,
    principal=Decimal("10000.00"),
    start=date(2026, 1, 1),
    daily_rate=Decimal("0.000400"),
    days=30,
    settlement_fee_rate=Decimal("0.01"),
    penalty_share=Decimal("0.50"),
    cost_cap_rate=Decimal("0.24"),
)
UPLIFT = replace(TERMS, penalty_method=PenaltyMethod.RATE_UPLIFT)
UNCAPPED = replace(TERMS, cost_cap_rate=None)
DUE = date(2026, 1, 31)


def repaid(day, amount, key=""):
    return LoanEvent(day, EventKind.REPAYMENT, Decimal(amount), key=key)


def test_interest_grows_by_the_day_from_the_payout():
    assert position(TERMS, [], date(2026, 1, 1)).interest_accrued == Decimal("0.00")
    assert position(TERMS, [], date(2026, 1, 2)).interest_accrued == Decimal("4.00")
    assert position(TERMS, [], DUE).interest_accrued == Decimal("120.00")


def test_on_the_due_date_all_is_due_and_nothing_overdue():
    loan = position(TERMS, [], DUE)
    assert loan.due_amount == Decimal("10120.00")
    assert loan.days_past_due == 0
    assert loan.penalty_claim == Decimal("0.00")
    assert loan.bucket == "0"


def test_the_day_before_nothing_is_due():
    loan = position(TERMS, [], date(2026, 1, 30))
    assert loan.due_amount == Decimal("0.00")
    assert loan.debt_amount == Decimal("10116.00")


@pytest.mark.req("R26", "R54")
def test_a_day_late_the_share_is_claimed_and_charged_as_far_as_the_cap_leaves_room():
    loan = position(TERMS, [], date(2026, 2, 1))
    assert loan.days_past_due == 1
    assert loan.bucket == "1-30"
    assert loan.penalty_claim == Decimal("5000.00")
    # 0.24 x 10000 x 31 / 365 = 203.8356, less interest 124.00
    assert loan.penalty_charged == Decimal("79.83")
    assert loan.penalty_waiting == Decimal("4920.17")
    assert loan.due_amount == Decimal("10203.83")


@pytest.mark.req("R26", "R54")
def test_the_rest_of_the_claim_is_charged_as_room_grows():
    # 0.24 x 10000 x 121 / 365 = 795.6164, less interest 484.00
    assert position(TERMS, [], date(2026, 5, 2)).penalty_charged == Decimal("311.61")


@pytest.mark.req("R26")
def test_with_the_cap_off_the_full_claim_falls_due_at_once():
    loan = position(UNCAPPED, [], date(2026, 2, 1))
    assert loan.penalty_charged == Decimal("5000.00")
    assert loan.cap_room is None
    assert position(UNCAPPED, [], date(2027, 2, 1)).penalty_charged == Decimal("5000.00")


@pytest.mark.req("R26")
def test_the_uplift_takes_the_place_of_interest_from_the_due_date():
    loan = position(UPLIFT, [], date(2026, 2, 10))
    assert loan.interest_accrued == Decimal("120.00")
    # 10000 x 0.0004 x 1.5 x 10
    assert loan.penalty_claim == Decimal("60.00")
    assert loan.penalty_charged == Decimal("60.00")


@pytest.mark.req("R26")
def test_the_uplift_goes_on_with_the_smaller_principal_after_a_part_payment():
    events = [repaid(date(2026, 2, 10), "5180.00")]  # 60 penalty, 120 interest, 5000 principal
    loan = position(UPLIFT, events, date(2026, 2, 20))
    assert loan.outstanding_principal == Decimal("5000.00")
    assert loan.penalty_claim == Decimal("90.00")
    assert loan.penalty_unpaid == Decimal("30.00")


@pytest.mark.req("R26")
def test_what_was_repaid_on_the_due_date_did_not_become_overdue():
    on_time = position(UNCAPPED, [repaid(DUE, "6120.00")], date(2026, 2, 1))
    too_late = position(UNCAPPED, [repaid(date(2026, 2, 1), "11124.00")], date(2026, 2, 2))
    assert on_time.penalty_claim == Decimal("2000.00")
    assert too_late.penalty_claim == Decimal("5000.00")


def test_a_part_payment_pays_the_interest_so_far_and_the_formula_starts_again():
    events = [repaid(date(2026, 1, 11), "3373.33")]
    history = replay(TERMS, events, DUE)
    assert history.applied[0].allocations == (
        Allocation(1, Component.INTEREST, Decimal("40.00")),
        Allocation(1, Component.PRINCIPAL, Decimal("3333.33")),
    )
    loan = position(TERMS, events, DUE)
    # 6666.67 x 0.0004 x 20 = 53.33336
    assert loan.interest_accrued == Decimal("93.33")
    assert loan.due_amount == Decimal("6720.00")


def test_repaid_in_full_the_loan_is_still_for_ever():
    loan = position(TERMS, [repaid(DUE, "10120.00")], date(2030, 1, 1))
    assert loan.is_paid_off
    assert loan.days_past_due == 0
    assert loan.penalty_claim == Decimal("0.00")
    assert loan.unapplied_amount == Decimal("0.00")


def test_a_fen_short_leaves_the_due_date_unpaid():
    loan = position(TERMS, [repaid(DUE, "10119.99")], date(2026, 2, 1))
    assert not loan.is_paid_off
    assert loan.days_past_due == 1
    assert loan.outstanding_principal == Decimal("0.01")


def test_more_than_the_debt_stays_unapplied():
    assert position(TERMS, [repaid(DUE, "10120.01")], DUE).unapplied_amount == Decimal("0.01")


@pytest.mark.req("R54")
def test_a_late_loan_paid_off_never_is_charged_the_rest_of_its_claim():
    events = [repaid(date(2026, 2, 1), "10203.83")]
    loan = position(TERMS, events, date(2027, 1, 1))
    assert loan.is_paid_off
    assert loan.penalty_charged == Decimal("79.83")
    assert loan.penalty_waiting == Decimal("4920.17")


def test_events_after_the_date_asked_for_do_not_count():
    assert position(TERMS, [repaid(DUE, "10120.00")], date(2026, 1, 30)).debt_amount == Decimal("10116.00")


@pytest.mark.req("R43")
def test_settling_early_costs_one_percent_and_on_the_due_date_nothing():
    early = settlement_quote(TERMS, [], date(2026, 1, 30))
    assert (early.principal, early.interest, early.settlement_fee, early.total) == (
        Decimal("10000.00"),
        Decimal("116.00"),
        Decimal("100.00"),
        Decimal("10216.00"),
    )
    assert settlement_quote(TERMS, [], DUE).total == Decimal("10120.00")


@pytest.mark.req("R43", "R54")
def test_an_early_fee_inside_the_cap_shrinks_to_what_the_cap_leaves():
    inside = replace(TERMS, early_fees_in_cap=True)
    # 0.24 x 10000 x 10 / 365 = 65.7534, less interest 40.00
    assert settlement_quote(inside, [], date(2026, 1, 11)).settlement_fee == Decimal("25.75")
    assert settlement_quote(TERMS, [], date(2026, 1, 11)).settlement_fee == Decimal("100.00")


@pytest.mark.req("R43")
def test_a_settlement_closes_the_loan_with_exactly_its_quote():
    day = date(2026, 1, 11)
    settled = LoanEvent(day, EventKind.SETTLEMENT, Decimal("10140.00"))
    loan = position(TERMS, [settled], date(2026, 3, 1))
    assert loan.is_paid_off
    assert loan.settlement_fee == Decimal("100.00")
    assert loan.settled_on == day
    assert loan.unapplied_amount == Decimal("0.00")


@pytest.mark.req("R43")
def test_a_settlement_a_fen_short_is_refused():
    short = LoanEvent(date(2026, 1, 11), EventKind.SETTLEMENT, Decimal("10139.99"))
    with pytest.raises(SettlementAmountShort):
        position(TERMS, [short], DUE)


def test_a_reversed_repayment_counts_until_its_reversal_and_then_never_was():
    events = [
        repaid(DUE, "10120.00", key="bank-1"),
        LoanEvent(date(2026, 2, 3), EventKind.REVERSAL, reverses="bank-1"),
    ]
    assert position(TERMS, events, date(2026, 2, 2)).is_paid_off
    assert position(TERMS, events, date(2026, 2, 3)) == position(TERMS, [], date(2026, 2, 3))
    assert position(TERMS, events, date(2026, 2, 3)).days_past_due == 3


def test_a_reversal_of_nothing_is_refused():
    with pytest.raises(ReversalUnknown):
        position(TERMS, [LoanEvent(DUE, EventKind.REVERSAL, reverses="bank-1")], DUE)


def test_a_written_off_loan_accrues_nothing_more_and_takes_what_is_recovered():
    written_off = LoanEvent(date(2026, 2, 10), EventKind.WRITE_OFF)
    before = position(TERMS, [], date(2026, 2, 10))
    after = position(TERMS, [written_off], date(2026, 6, 1))
    assert after.debt_amount == before.debt_amount
    assert after.written_off_on == date(2026, 2, 10)
    recovered = position(TERMS, [written_off, repaid(date(2026, 5, 1), "1000.00")], date(2026, 6, 1))
    assert recovered.debt_amount == before.debt_amount - Decimal("1000.00")


def test_the_next_due_date_comes_with_what_will_be_due_then():
    assert next_due(TERMS, [], date(2026, 1, 5)) == NextDue(DUE, Decimal("10120.00"))
    assert next_due(TERMS, [], date(2026, 2, 1)) == NextDue(DUE, Decimal("10203.83"))
    assert next_due(TERMS, [repaid(DUE, "10120.00")], DUE) is None


def test_a_prepayment_of_a_single_payment_loan_is_its_debt_of_the_day():
    assert prepayment_quote(TERMS, [], date(2026, 1, 11), 1).total == Decimal("10040.00")


def test_a_leap_day_bears_interest():
    leap = replace(TERMS, start=date(2028, 2, 28))
    assert position(leap, [], date(2028, 3, 1)).interest_accrued == Decimal("8.00")
    assert leap.last_due_date == date(2028, 3, 29)


def test_the_order_the_events_are_given_in_does_not_matter():
    events = [repaid(date(2026, 1, 11), "1000.00"), repaid(date(2026, 1, 21), "2000.00")]
    assert position(TERMS, events, DUE) == position(TERMS, events[::-1], DUE)


payments = st.lists(st.tuples(st.integers(0, 500), st.decimals(Decimal("0.01"), Decimal("4000"), places=2)), max_size=6)
both_methods = st.sampled_from([TERMS, UPLIFT])


def as_events(days_and_amounts):
    return [repaid(TERMS.start + timedelta(days=day), amount) for day, amount in sorted(days_and_amounts)]


@given(both_methods, payments, st.integers(0, 520))
def test_money_received_is_paid_or_unapplied_to_the_fen(terms, days_and_amounts, day):
    on = terms.start + timedelta(days=day)
    events = as_events(days_and_amounts)
    loan = position(terms, events, on)
    received = sum((event.amount for event in events if event.effective_date <= on), Decimal("0.00"))
    (row,) = loan.instalments
    paid = row.penalty_paid + row.fee_paid + row.interest_paid + row.principal_paid
    assert paid + loan.unapplied_amount == received
    assert row.unpaid == loan.debt_amount >= 0
    assert min(row.penalty_unpaid, row.interest_unpaid, row.outstanding_principal) >= 0


@pytest.mark.req("R54")
@given(both_methods, payments, st.integers(0, 520))
def test_interest_and_penalty_never_exceed_the_cost_cap(terms, days_and_amounts, day):
    loan = position(terms, as_events(days_and_amounts), terms.start + timedelta(days=day))
    cap = Decimal("0.24") * loan.exposure / 365
    assert loan.penalty_charged <= loan.penalty_claim
    assert loan.penalty_charged == 0 or loan.penalty_charged + loan.interest_accrued <= cap


@given(both_methods, payments, st.integers(0, 519))
def test_interest_claim_and_charge_only_grow(terms, days_and_amounts, day):
    events = as_events(days_and_amounts)
    today = position(terms, events, terms.start + timedelta(days=day))
    tomorrow = position(terms, events, terms.start + timedelta(days=day + 1))
    assert today.interest_accrued <= tomorrow.interest_accrued
    assert today.penalty_claim <= tomorrow.penalty_claim
    assert today.penalty_charged <= tomorrow.penalty_charged


@given(payments, st.integers(0, 520))
def test_the_daily_accruals_of_a_loan_add_up(days_and_amounts, days):
    events = as_events(days_and_amounts)
    totals = [
        position(TERMS, events, TERMS.start + timedelta(days=day)).interest_accrued for day in range(0, days + 1, 13)
    ]
    steps = [late - early for early, late in pairwise(totals)]
    assert sum(steps, Decimal("0.00")) == totals[-1]
    assert min(steps, default=Decimal("0.00")) >= 0
