"""A loan in difficulty gets a new schedule: worked examples, and what holds in every life with rearrangements."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loans.maths.allocation import Component
from loans.maths.cost import DAYS_PER_YEAR
from loans.maths.rearrangement import Agreed
from loans.maths.state import LoanPosition, next_due, position, prepayment_quote, replay, settlement_quote
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from tests.loans.maths.test_history import random_events, random_terms
from weilidai.lib.money import ZERO

D = Decimal
START = date(2026, 9, 15)


def day(number: int) -> date:
    return START + timedelta(days=number)


def single(**values: object) -> LoanTerms:
    """1 000 yuan for 30 days at 0.04 % a day; half of what is overdue is claimed as penalty."""
    terms = LoanTerms(
        Plan.SINGLE, D("1000.00"), START, D("0.000400"), days=30, penalty_share=D("0.5"), cost_cap_rate=D("0.24")
    )
    return replace(terms, **values)


def rearranged(on: int, first: date, periods: int = 4, rate: str = "0.000400", **values: bool) -> LoanEvent:
    agreed = Agreed(periods, first, D(rate), **values)
    return LoanEvent(day(on), EventKind.REARRANGEMENT, key=f"new-{on}", agreed=agreed)


def paid(on: int, amount: str) -> LoanEvent:
    return LoanEvent(day(on), EventKind.REPAYMENT, D(amount), key=f"paid-{on}")


def charged(now: LoanPosition) -> Decimal:
    return now.interest_accrued + now.fees_charged + now.penalty_charged


@pytest.mark.req("R41")
def test_an_overdue_loan_is_spread_over_four_months_and_is_no_longer_overdue() -> None:
    events = [rearranged(40, date(2026, 11, 25), waives_penalty=True, stops_penalty=True)]
    before, after = position(single(), [], day(40)), position(single(), events, day(40))
    assert (before.days_past_due, after.days_past_due) == (10, 0)
    assert (before.interest_accrued, after.interest_accrued) == (D("16.00"), D("16.00"))
    assert before.penalty_claim == D("500.00")
    # Room under 24 %: 1000 x 40 days x 0.24 / 365 - 16.00.
    assert before.penalty_charged == D("10.30")
    assert (after.penalty_charged, after.penalty_unpaid, after.waived_amount) == (D("10.30"), ZERO, D("10.30"))
    assert [row.due_date for row in after.current] == [
        date(2026, 11, 25), date(2026, 12, 25), date(2027, 1, 25), date(2027, 2, 25),
    ]  # fmt: skip
    assert [row.principal for row in after.current] == [D("250.00")] * 4
    assert [row.number for row in after.instalments] == [1, 2, 3, 4, 5]
    assert (after.outstanding_principal, after.debt_amount) == (D("1000.00"), D("1016.00"))


@pytest.mark.req("R41")
def test_the_first_new_instalment_takes_what_was_unpaid() -> None:
    events = [rearranged(40, date(2026, 11, 25), waives_penalty=True, stops_penalty=True)]
    schedule = replay(single(), events, day(40)).terms.schedule
    # 31 days on 1000.00 beside the 16.00 brought, then 30 days on 750.00 and so on.
    assert [row.interest for row in schedule] == [D("28.40"), D("9.00"), D("6.20"), D("3.10")]
    assert next_due(single(), events, day(60)) == next_due(single(), events, day(70))
    upcoming = next_due(single(), events, day(60))
    assert upcoming is not None
    assert (upcoming.due_date, upcoming.amount) == (date(2026, 11, 25), D("278.40"))


@pytest.mark.req("R26")
@pytest.mark.parametrize(("on", "days"), [(71, 0), (72, 1), (161, 90), (162, 91)])
def test_days_past_due_count_from_the_new_schedule(on: int, days: int) -> None:
    events = [rearranged(40, date(2026, 11, 25))]
    assert position(single(), events, day(on)).days_past_due == days


@pytest.mark.req("R26")
def test_no_principal_is_claimed_for_twice() -> None:
    events = [rearranged(40, date(2026, 11, 25))]
    for number in (41, 80, 400):
        assert position(single(), events, day(number)).penalty_claim == D("500.00")
    early = [rearranged(20, date(2026, 11, 25))]
    assert position(single(), early, day(72)).penalty_claim == D("125.00")
    assert position(single(), early, day(400)).penalty_claim == D("500.00")


@pytest.mark.req("R26")
def test_a_stopped_penalty_never_begins_and_a_kept_claim_stays() -> None:
    stopped = [rearranged(20, date(2026, 11, 25), stops_penalty=True)]
    assert position(single(), stopped, day(400)).penalty_claim == ZERO
    kept = [rearranged(40, date(2026, 11, 25), rate="0", stops_penalty=True)]
    assert position(single(), kept, day(400)).penalty_claim == D("500.00")
    # It is charged as room under the cap grows, though interest stopped.
    now = position(single(), kept, day(140))
    assert (now.interest_accrued, now.penalty_charged) == (D("16.00"), D("76.05"))


@pytest.mark.req("R26")
def test_the_raised_rate_goes_on_only_where_it_was_agreed_to() -> None:
    terms = single(penalty_method="rate_uplift", cost_cap_rate=None)
    # Ten days at 0.06 % a day, then nothing overdue any more.
    kept = [rearranged(40, date(2026, 11, 25))]
    assert position(terms, kept, day(40)).penalty_claim == D("6.00")
    assert position(terms, kept, day(71)).penalty_claim == D("6.00")
    assert position(terms, kept, day(72)).penalty_claim == D("6.15")
    waived = [rearranged(40, date(2026, 11, 25), waives_penalty=True, stops_penalty=True)]
    assert position(terms, waived, day(400)).penalty_unpaid == ZERO


@pytest.mark.req("R41")
def test_fees_of_later_periods_fall_away_or_keep_their_amounts() -> None:
    terms = LoanTerms(
        Plan.INSTALMENTS, D("1200.00"), START, ZERO, periods=3, fee_rate=D("0.025"), settlement_fee_rate=D("0.01")
    )
    assert [row.fee for row in terms.schedule] == [D("10.00")] * 3
    # On day 40 the second period runs: two fees are charged, the first of them unpaid like the second.
    dropped = replay(terms, [rearranged(40, date(2026, 11, 20), rate="0")], day(40))
    assert [row.fee for row in dropped.terms.schedule] == [D("20.00"), ZERO, ZERO, ZERO]
    kept = replay(terms, [rearranged(40, date(2026, 11, 20), rate="0", keeps_fees=True)], day(40))
    assert [row.fee for row in kept.terms.schedule] == [D("20.00"), D("10.00"), ZERO, ZERO]
    assert charged(position(terms, [rearranged(40, date(2026, 11, 20), rate="0", keeps_fees=True)], day(400))) == 30
    quote = settlement_quote(terms, [rearranged(40, date(2026, 11, 20), rate="0")], day(41))
    assert (quote.settlement_fee, quote.total) == (ZERO, D("1220.00"))


@pytest.mark.req("R42")
def test_periods_of_the_new_schedule_can_be_paid_ahead() -> None:
    events = [rearranged(40, date(2026, 11, 25), rate="0", waives_penalty=True, stops_penalty=True)]
    quote = prepayment_quote(single(), events, day(50), 2)
    assert ([due.number for due in quote.dues], quote.total) == ([2, 3], D("516.00"))
    done = replay(single(), [*events, paid(50, "516.00")], day(50))
    assert [line.number for line in done.applied[-1].allocations] == [2, 2, 3]


@pytest.mark.req("R41")
def test_a_payment_that_turns_out_to_be_older_makes_the_new_instalments_smaller() -> None:
    events = [rearranged(40, date(2026, 11, 25)), paid(20, "408.00")]
    now = position(single(), events, day(40))
    assert now.outstanding_principal == D("600.00")
    assert [row.principal for row in now.current] == [D("150.00")] * 4


@pytest.mark.req("R41")
def test_a_loan_that_was_paid_off_all_along_has_an_empty_schedule() -> None:
    events = [rearranged(40, date(2026, 11, 25)), paid(20, "1008.00")]
    now = position(single(), events, day(400))
    assert now.is_paid_off
    assert [row.principal for row in now.current] == [ZERO] * 4
    assert charged(now) == D("8.00")


@pytest.mark.req("R41")
def test_a_payout_that_came_back_leaves_nothing_to_rearrange() -> None:
    events = [paid(35, "100.00"), rearranged(40, date(2026, 11, 25)), LoanEvent(START, EventKind.PAYOUT_RETURN)]
    now = position(single(), events, day(400))
    assert (charged(now), now.debt_amount, now.unapplied_amount) == (ZERO, ZERO, D("100.00"))


@pytest.mark.req("R41")
def test_a_loan_can_be_rearranged_again() -> None:
    events = [
        rearranged(40, date(2026, 11, 25), waives_penalty=True, stops_penalty=True),
        paid(71, "278.40"),
        rearranged(120, date(2027, 3, 1), periods=5, rate="0"),
    ]
    now = position(single(), events, day(120))
    assert [row.number for row in now.instalments] == list(range(1, 11))
    assert [row.replaced_on for row in now.instalments] == [day(40), *[day(120)] * 4, *[None] * 5]
    assert now.outstanding_principal == D("750.00")
    # 49 days on 750.00, by the periods they lie in: 30 and 19 days.
    assert now.interest_accrued == D("28.40") + D("9.00") + D("5.70")
    assert position(single(), events, day(500)).interest_accrued == now.interest_accrued


def agreement(chance: random.Random, terms: LoanTerms, on: date) -> Agreed:
    """Some relief, at a rate no higher than the loan's."""
    rate = terms.daily_rate * chance.choice([0, 1, D("0.5")]) if terms.bears_interest else ZERO
    return Agreed(
        periods=chance.randint(1, 18),
        first_due_date=on + timedelta(days=chance.randint(1, 100)),
        daily_rate=rate.quantize(D("0.000001")),
        keeps_fees=chance.random() < 0.5,
        waives_penalty=chance.random() < 0.5,
        stops_penalty=chance.random() < 0.5,
    )


def a_life(chance: random.Random) -> tuple[LoanTerms, list[LoanEvent], date]:
    """Random terms and events, of which one or two are rearrangements; the day of the first."""
    terms = random_terms(chance)
    events = random_events(chance, terms)
    span = (terms.last_due_date - terms.start).days + 90
    days = sorted(terms.start + timedelta(days=chance.randint(0, span)) for _ in range(chance.choice([1, 1, 2])))
    for on in days:
        new = LoanEvent(on, EventKind.REARRANGEMENT, key=f"new-{on}", agreed=agreement(chance, terms, on))
        events.insert(chance.randint(0, len(events)), new)
    # Money comes back once. A reversal stands after what it reverses.
    returns = [event for event in events if event.kind == EventKind.PAYOUT_RETURN]
    events = [event for event in events if event not in returns[1:]]
    places = {event.key: place for place, event in enumerate(events) if event.kind != EventKind.REVERSAL}
    events = [event for place, event in enumerate(events) if places.get(event.reverses, -1) < place]
    return terms, events, days[0]


@pytest.mark.req("R41")
@pytest.mark.req("R54")
@settings(max_examples=150)
@given(st.randoms(use_true_random=False))
def test_in_every_life_parts_sum_up_and_nothing_is_charged_beyond_the_cap(chance: random.Random) -> None:
    terms, events, _ = a_life(chance)
    dates = sorted(terms.start + timedelta(days=chance.randint(0, 900)) for _ in range(5))
    for on in dates:
        history = replay(terms, events, on)
        now = position(terms, events, on)
        principal_paid = sum((row.principal_paid for row in now.instalments), ZERO)
        assert now.outstanding_principal + principal_paid == terms.principal
        received = sum((i.event.amount for i in history.applied if i.event.kind not in NO_MONEY), ZERO)
        used = sum((line.amount for _, line in history.payments), ZERO)
        returned = terms.principal if history.tally.returned else ZERO
        assert used + now.settlement_fee + now.unapplied_amount == received + now.waived_amount + returned
        for row in now.instalments:
            assert min(row.penalty_unpaid, row.fee_unpaid, row.interest_unpaid, row.outstanding_principal) >= 0
        if terms.cost_cap_rate is not None and now.penalty_charged:
            penalty_paid = now.penalty_charged - now.penalty_unpaid
            cap = terms.cost_cap_rate * now.exposure / DAYS_PER_YEAR
            assert charged(now) <= max(cap, now.interest_accrued + now.fees_charged + penalty_paid)
        assert now.penalty_charged <= now.penalty_claim or terms.cost_cap_rate is None


NO_MONEY = (EventKind.REARRANGEMENT, EventKind.WRITE_OFF, EventKind.PAYOUT_RETURN, EventKind.REVERSAL)


@pytest.mark.req("R41")
@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_on_the_day_itself_nothing_is_charged_and_no_principal_moves(chance: random.Random) -> None:
    terms, events, first = a_life(chance)
    known = [event for event in events if event.effective_date <= first and event.agreed is None]
    new = next(event for event in events if event.agreed is not None and event.effective_date == first)
    before, after = position(terms, known, first), position(terms, [*known, new], first)
    assert charged(after) == charged(before)
    assert after.outstanding_principal == before.outstanding_principal
    assert after.interest_unpaid == before.interest_unpaid
    assert after.fees_unpaid == before.fees_unpaid
    assert after.exposure == before.exposure
    assert after.penalty_claim <= before.penalty_claim
    assert after.penalty_unpaid + after.waived_amount == before.penalty_unpaid


@pytest.mark.req("R59")
@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_a_new_schedule_that_is_kept_costs_exactly_what_it_says(chance: random.Random) -> None:
    terms, events, first = a_life(chance)
    known = [event for event in events if event.effective_date <= first and event.agreed is None]
    new = next(event for event in events if event.agreed is not None and event.effective_date == first)
    lived = [*known, replace(new, agreed=replace(new.agreed, waives_penalty=True))]
    before = position(terms, lived, first)
    assume(not (before.is_paid_off or before.written_off_on or before.settled_on))
    schedule = replay(terms, lived, first).terms.schedule
    for row in schedule:
        lived.append(LoanEvent(row.due_date, EventKind.REPAYMENT, row.total, key=f"row-{row.number}"))
    after = position(terms, lived, schedule[-1].due_date)
    assert (after.debt_amount, after.unapplied_amount) == (ZERO, before.unapplied_amount)
    brought = before.interest_unpaid + before.fees_unpaid
    assert charged(after) == charged(before) + sum((row.cost for row in schedule), ZERO) - brought
    later = position(terms, lived, schedule[-1].due_date + timedelta(days=999))
    assert charged(later) == charged(after)


@pytest.mark.req("R41")
@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_charges_only_ever_grow_where_nothing_happens(chance: random.Random) -> None:
    terms, events, _ = a_life(chance)
    last = max(event.effective_date for event in events)
    totals = [charged(position(terms, events, last + timedelta(days=number))) for number in (0, 1, 30, 31, 365, 1000)]
    assert all(earlier <= later for earlier, later in pairwise(totals))
    assert sum(replay(terms, events, last).tally.paid[Component.PRINCIPAL], ZERO) >= ZERO
