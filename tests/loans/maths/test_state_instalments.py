"""The life of an instalment loan, figures worked by hand."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.maths.allocation import Allocation, Component
from loans.maths.errors import InstalmentPeriodsRefused
from loans.maths.penalty import PenaltyMethod
from loans.maths.state import NextDue, next_due, position, prepayment_quote, replay, settlement_quote
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan

# 3 x 1 000.00 with a fee of 25.00 each, due 28 February, 31 March and 30 April 2026.
TERMS = LoanTerms(
    plan=Plan.INSTALMENTS,
    principal=Decimal("3000.00"),
    start=date(2026, 1, 31),
    daily_rate=Decimal("0.000400"),
    periods=3,
    fee_rate=Decimal("0.025"),
    prepaid_fee_reduction=Decimal("0.005"),
    settlement_fee_rate=Decimal("0.01"),
    penalty_share=Decimal("0.50"),
    cost_cap_rate=Decimal("0.24"),
)
WITH_INTEREST = replace(TERMS, with_interest=True, fee_rate=Decimal("0.005"))
FIRST, SECOND, THIRD = date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)


def repaid(day, amount):
    return LoanEvent(day, EventKind.REPAYMENT, Decimal(amount))


def paid_on_time():
    return [repaid(due, "1025.00") for due in (FIRST, SECOND, THIRD)]


@pytest.mark.req("R41")
def test_paid_on_its_days_the_loan_costs_its_three_fees():
    loan = position(TERMS, paid_on_time(), date(2026, 5, 1))
    assert loan.is_paid_off
    assert loan.fees_charged == Decimal("75.00")
    assert loan.interest_accrued == Decimal("0.00")
    assert loan.penalty_claim == Decimal("0.00")
    assert loan.unapplied_amount == Decimal("0.00")


@pytest.mark.req("R41")
def test_a_fee_is_charged_when_its_period_starts():
    assert position(TERMS, [], date(2026, 1, 31)).fees_charged == Decimal("25.00")
    assert position(TERMS, [], FIRST).fees_charged == Decimal("25.00")
    assert position(TERMS, [], date(2026, 3, 1)).fees_charged == Decimal("50.00")


def test_only_what_fell_due_is_due():
    assert position(TERMS, [], date(2026, 2, 27)).due_amount == Decimal("0.00")
    assert position(TERMS, [], FIRST).due_amount == Decimal("1025.00")


@pytest.mark.req("R26", "R54")
def test_a_missed_instalment_claims_a_share_of_its_own_principal():
    loan = position(TERMS, [], date(2026, 3, 1))
    assert loan.days_past_due == 1
    assert loan.penalty_claim == Decimal("500.00")
    # 0.24 x 3000 x 29 / 365 = 57.2054, less the fees 25.00 + 25.00
    assert loan.penalty_charged == Decimal("7.20")
    assert loan.due_amount == Decimal("1032.20")


@pytest.mark.req("R54")
def test_days_past_due_count_from_the_oldest_unpaid_due_date():
    unpaid = position(TERMS, [], date(2026, 5, 1))
    first_paid = position(TERMS, [repaid(FIRST, "1025.00")], date(2026, 5, 1))
    assert (unpaid.days_past_due, unpaid.bucket) == (62, "61-90")
    assert (first_paid.days_past_due, first_paid.bucket) == (31, "31-60")
    assert unpaid.penalty_claim == Decimal("1500.00")


def test_late_money_pays_component_by_component_over_all_that_fell_due():
    uncapped = replace(TERMS, cost_cap_rate=None)
    history = replay(uncapped, [repaid(date(2026, 4, 1), "1100.00")], date(2026, 4, 1))
    assert history.applied[0].allocations == (
        Allocation(1, Component.PENALTY, Decimal("500.00")),
        Allocation(2, Component.PENALTY, Decimal("500.00")),
        Allocation(1, Component.FEE, Decimal("25.00")),
        Allocation(2, Component.FEE, Decimal("25.00")),
        Allocation(1, Component.PRINCIPAL, Decimal("50.00")),
    )


def test_what_fell_due_is_paid_before_anything_ahead():
    history = replay(TERMS, [repaid(FIRST, "1100.00")], FIRST)
    assert history.applied[0].allocations == (
        Allocation(1, Component.FEE, Decimal("25.00")),
        Allocation(1, Component.PRINCIPAL, Decimal("1000.00")),
        Allocation(2, Component.FEE, Decimal("20.00")),
        Allocation(2, Component.PRINCIPAL, Decimal("55.00")),
    )


@pytest.mark.req("R42")
def test_a_period_paid_on_the_eve_of_its_start_costs_20_and_on_its_first_day_25():
    on_the_eve = prepayment_quote(TERMS, [repaid(FIRST, "1025.00")], FIRST, 1)
    on_its_first_day = prepayment_quote(TERMS, [repaid(FIRST, "1025.00")], date(2026, 3, 1), 1)
    assert on_the_eve.total == Decimal("1020.00")
    assert on_its_first_day.total == Decimal("1025.00")


@pytest.mark.req("R42")
def test_the_first_period_starts_with_the_payout_and_has_no_reduced_fee():
    assert prepayment_quote(TERMS, [], date(2026, 1, 31), 1).total == Decimal("1025.00")


@pytest.mark.req("R42")
def test_all_periods_paid_ahead_at_once_save_half_a_percent_each_but_the_running_one():
    quote = prepayment_quote(TERMS, [], date(2026, 2, 10), 3)
    assert quote.total == Decimal("3065.00")
    loan = position(TERMS, [repaid(date(2026, 2, 10), "3065.00")], date(2026, 6, 1))
    assert loan.is_paid_off
    assert loan.fees_charged == Decimal("65.00")


@pytest.mark.req("R42")
def test_a_period_only_partly_paid_ahead_is_charged_the_full_fee_when_it_starts():
    events = [repaid(FIRST, "2044.99")]
    assert position(TERMS, events, FIRST).outstanding_principal == Decimal("1000.01")
    assert position(TERMS, events, FIRST).fees_unpaid == Decimal("0.00")
    assert position(TERMS, events, date(2026, 3, 1)).fees_unpaid == Decimal("5.00")
    assert position(TERMS, [repaid(FIRST, "2045.00")], date(2026, 3, 1)).fees_unpaid == Decimal("0.00")


@pytest.mark.req("R42")
@pytest.mark.parametrize("periods", [0, 4])
def test_more_periods_than_are_open_cannot_be_paid_ahead(periods):
    with pytest.raises(InstalmentPeriodsRefused):
        prepayment_quote(TERMS, [], date(2026, 2, 10), periods)


def test_more_than_the_whole_debt_stays_unapplied():
    loan = position(TERMS, [repaid(date(2026, 2, 10), "3065.01")], date(2026, 2, 10))
    assert loan.unapplied_amount == Decimal("0.01")


@pytest.mark.req("R43")
def test_settling_in_a_period_owes_its_fee_and_the_later_fees_fall_away():
    quote = settlement_quote(TERMS, [repaid(FIRST, "1025.00")], date(2026, 3, 10))
    assert (quote.principal, quote.fee, quote.settlement_fee) == (
        Decimal("2000.00"),
        Decimal("25.00"),
        Decimal("20.00"),
    )
    assert quote.total == Decimal("2045.00")


@pytest.mark.req("R43")
def test_settling_on_a_due_date_owes_no_fee_of_the_period_after_it():
    quote = settlement_quote(TERMS, [repaid(FIRST, "1025.00")], FIRST)
    assert quote.total == Decimal("2020.00")


@pytest.mark.req("R43")
def test_no_settlement_fee_from_the_last_due_date_on():
    two_paid = paid_on_time()[:2]
    assert settlement_quote(TERMS, two_paid, date(2026, 4, 29)).total == Decimal("1035.00")
    assert settlement_quote(TERMS, two_paid, THIRD).total == Decimal("1025.00")


@pytest.mark.req("R43")
def test_a_settled_loan_is_charged_no_later_fee():
    events = [LoanEvent(date(2026, 2, 10), EventKind.SETTLEMENT, Decimal("3055.00"))]
    loan = position(TERMS, events, date(2026, 6, 1))
    assert loan.is_paid_off
    assert loan.fees_charged == Decimal("25.00")
    assert loan.settlement_fee == Decimal("30.00")
    assert loan.unapplied_amount == Decimal("0.00")


@pytest.mark.req("R43")
def test_settling_late_pays_the_penalty_charged_so_far():
    quote = settlement_quote(TERMS, [], date(2026, 3, 1))
    assert (quote.penalty, quote.fee, quote.settlement_fee) == (
        Decimal("7.20"),
        Decimal("50.00"),
        Decimal("30.00"),
    )


def test_a_written_off_loan_is_charged_no_later_fee():
    loan = position(TERMS, [LoanEvent(date(2026, 3, 10), EventKind.WRITE_OFF)], date(2026, 6, 1))
    assert loan.fees_charged == Decimal("50.00")


@pytest.mark.req("R41")
def test_interest_of_a_period_accrues_by_the_day_on_the_principal_outstanding_in_it():
    assert position(WITH_INTEREST, [], date(2026, 2, 10)).interest_accrued == Decimal("12.00")
    # 3000 x 0.0004 x 28
    assert position(WITH_INTEREST, [], FIRST).due_amount == Decimal("1038.60")
    paid = [repaid(FIRST, "1038.60")]
    # then 2000 x 0.0004 x 10
    assert position(WITH_INTEREST, paid, date(2026, 3, 10)).interest_unpaid == Decimal("8.00")


@pytest.mark.req("R41")
def test_interest_charged_on_its_days_is_the_interest_disclosed():
    events = [repaid(row.due_date, row.total) for row in WITH_INTEREST.schedule]
    loan = position(WITH_INTEREST, events, date(2026, 6, 1))
    assert loan.is_paid_off
    assert loan.interest_accrued == sum(row.interest for row in WITH_INTEREST.schedule)


@pytest.mark.req("R26")
def test_overdue_principal_bears_interest_under_a_share_and_the_claim_under_an_uplift():
    uplift = replace(WITH_INTEREST, penalty_method=PenaltyMethod.RATE_UPLIFT)
    share_loan = position(WITH_INTEREST, [], date(2026, 3, 10))
    uplift_loan = position(uplift, [], date(2026, 3, 10))
    # 33.60 for February, then 10 days on 3000 or, without the overdue part, on 2000.
    assert share_loan.interest_accrued == Decimal("45.60")
    assert uplift_loan.interest_accrued == Decimal("41.60")
    # 1000 x 0.0004 x 1.5 x 10
    assert uplift_loan.penalty_claim == Decimal("6.00")


def test_the_next_due_date_is_the_oldest_unpaid_one():
    paid = [repaid(FIRST, "1025.00")]
    assert next_due(TERMS, [], date(2026, 2, 1)) == NextDue(FIRST, Decimal("1025.00"))
    assert next_due(TERMS, paid, FIRST) == NextDue(SECOND, Decimal("1025.00"))
    assert next_due(TERMS, [], date(2026, 3, 1)) == NextDue(FIRST, Decimal("1032.20"))
    assert next_due(TERMS, paid_on_time(), THIRD) is None


def test_a_period_paid_ahead_is_skipped_by_the_next_due_date():
    assert next_due(TERMS, [repaid(FIRST, "2045.00")], FIRST) == NextDue(THIRD, Decimal("1025.00"))


plans = st.sampled_from([TERMS, WITH_INTEREST, replace(TERMS, penalty_method=PenaltyMethod.RATE_UPLIFT)])
payments = st.lists(st.tuples(st.integers(0, 200), st.decimals(Decimal("0.01"), Decimal("1500"), places=2)), max_size=6)


def as_events(days_and_amounts):
    return [repaid(TERMS.start + timedelta(days=day), amount) for day, amount in sorted(days_and_amounts)]


@given(plans, payments, st.integers(0, 220))
def test_money_received_is_paid_or_unapplied_and_no_debt_is_negative(terms, days_and_amounts, day):
    on = terms.start + timedelta(days=day)
    events = as_events(days_and_amounts)
    loan = position(terms, events, on)
    received = sum((event.amount for event in events if event.effective_date <= on), Decimal("0.00"))
    paid = sum(row.penalty_paid + row.fee_paid + row.interest_paid + row.principal_paid for row in loan.instalments)
    assert paid + loan.unapplied_amount == received
    assert all(
        min(row.penalty_unpaid, row.fee_unpaid, row.interest_unpaid, row.outstanding_principal) >= 0
        for row in loan.instalments
    )


@given(plans, payments, st.integers(0, 220))
def test_the_settlement_quote_closes_the_loan(terms, days_and_amounts, day):
    on = terms.start + timedelta(days=day)
    events = [event for event in as_events(days_and_amounts) if event.effective_date <= on]
    quote = settlement_quote(terms, events, on)
    before = position(terms, events, on)
    settled = [*events, LoanEvent(on, EventKind.SETTLEMENT, quote.total)]
    after = position(terms, settled, on + timedelta(days=400))
    assert after.is_paid_off
    assert after.unapplied_amount == before.unapplied_amount
    assert after.days_past_due == 0


@given(plans, payments, st.integers(0, 88), st.integers(1, 3))
def test_a_prepayment_of_its_quote_pays_exactly_the_quoted_dues(terms, days_and_amounts, day, periods):
    on = terms.start + timedelta(days=day)
    quoted_terms = replace(terms, principal=Decimal("30000.00"), periods=12)
    events = [event for event in as_events(days_and_amounts[:2]) if event.effective_date <= on]
    quote = prepayment_quote(quoted_terms, events, on, periods)
    history = replay(quoted_terms, [*events, repaid(on, quote.total)], on)
    paid = history.applied[-1]
    assert paid.remainder == 0
    assert {line.number for line in paid.allocations} == {due.number for due in quote.dues if due.total}
    assert prepayment_quote(quoted_terms, [*events, repaid(on, quote.total)], on, 1).dues[
        len(quote.dues) - 1
    ].total == Decimal("0.00")


@given(plans, payments, st.integers(0, 220), st.integers(0, 220))
def test_asking_twice_gives_the_same_and_later_events_change_nothing(terms, days_and_amounts, day, cut):
    on = terms.start + timedelta(days=min(day, cut))
    events = as_events(days_and_amounts)
    known = [event for event in events if event.effective_date <= terms.start + timedelta(days=cut)]
    assert position(terms, events, on) == position(terms, known, on)


@pytest.mark.req("R54")
def test_a_penalty_charged_later_is_due_but_makes_nobody_overdue():
    loan = position(TERMS, [repaid(date(2026, 3, 1), "1032.20")], date(2026, 3, 10))
    # 0.24 x (3000 x 29 + 2000 x 9) / 365 = 69.0410, less the fees 50.00 and the 7.20 paid
    assert loan.penalty_unpaid == Decimal("11.84")
    assert loan.due_amount == Decimal("11.84")
    assert loan.days_past_due == 0
