"""The replay in one pass against the computation it replaced, on random lives: every figure equal to the fen."""

import random
import sys
from datetime import date, timedelta
from decimal import Decimal

import pytest

from loans.maths.errors import SettlementAmountShort
from loans.maths.history import LoanHistory
from loans.maths.state import next_due, position, position_of, replay, settlement_quote
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from tests.loans.maths import former

STARTS = (date(2027, 1, 31), date(2028, 2, 29), date(2027, 12, 31), date(2026, 9, 15))


def random_terms(chance: random.Random) -> LoanTerms:
    periods = chance.choice([0, 0, 3, 6, 12])
    return LoanTerms(
        plan=Plan.INSTALMENTS if periods else Plan.SINGLE,
        principal=Decimal(chance.randint(100_000, 2_000_000)) / 100,
        start=chance.choice(STARTS),
        daily_rate=Decimal(chance.choice(["0.000150", "0.000333", "0.000500"])),
        days=0 if periods else chance.randint(1, 365),
        periods=periods,
        fee_rate=Decimal(chance.choice(["0.025", "0.0033"])) if periods else Decimal(0),
        fee_base=chance.choice(["loan_principal", "period_principal"]),
        with_interest=not periods or chance.random() < 0.5,
        prepaid_fee_reduction=Decimal(chance.choice(["0", "0.005"])),
        settlement_fee_rate=Decimal("0.01"),
        penalty_method=chance.choice(["rate_uplift", "principal_share"]),
        penalty_share=Decimal(chance.choice(["0.5", "0.2"])),
        cost_cap_rate=chance.choice([None, Decimal("0.24"), Decimal("0.36")]),
        early_fees_in_cap=chance.random() < 0.3,
    )


def random_events(chance: random.Random, terms: LoanTerms) -> list[LoanEvent]:
    """Payments, several on some days, with here and there a reversal, a settlement, a write-off, a returned payout."""
    span = (terms.last_due_date - terms.start).days + 120
    days = sorted(chance.choices(range(span), k=chance.randint(1, 30)))
    events: list[LoanEvent] = []
    for place, day in enumerate(days):
        on, what = terms.start + timedelta(days=day), chance.random()
        if what < 0.06 and events:
            gone = chance.choice(events)
            if gone.kind != EventKind.REVERSAL and all(event.reverses != gone.key for event in events):
                events.append(LoanEvent(on, EventKind.REVERSAL, reverses=gone.key))
        elif what < 0.09:
            events.append(LoanEvent(on, EventKind.WRITE_OFF, key=str(place)))
        elif what < 0.14:
            much = terms.principal * chance.choice([1, 2])
            events.append(LoanEvent(on, EventKind.SETTLEMENT, much, key=str(place), may_fall_short=True))
        elif what < 0.15:
            events.append(LoanEvent(terms.start, EventKind.PAYOUT_RETURN, key=str(place)))
        else:
            amount = Decimal(chance.randint(1, int(terms.principal * chance.choice([2, 10, 30])))) / 100
            events.append(LoanEvent(on, EventKind.REPAYMENT, amount, key=str(place)))
    return events


@pytest.mark.req("R42")
@pytest.mark.req("R43")
@pytest.mark.req("R54")
@pytest.mark.parametrize("seed", range(40))
def test_one_pass_gives_what_the_whole_history_gives(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(8):
        terms = random_terms(chance)
        events = random_events(chance, terms)
        end = (terms.last_due_date - terms.start).days + 200
        dates = {terms.start + timedelta(days=day) for day in chance.sample(range(end), 6)}
        for on in sorted(dates | {events[-1].effective_date, terms.last_due_date + timedelta(days=1)}):
            old, new = former.replay(terms, events, on), replay(terms, events, on)
            assert tuple(new.applied) == old.applied, (terms, events, on)
            assert position_of(new.book(on)) == former.position(terms, events, on), (terms, events, on)
            assert new.book(on).settlement_quote() == former.Book(terms, old, on).settlement_quote()


@pytest.mark.req("R43")
@pytest.mark.parametrize("seed", range(10))
def test_the_next_due_date_and_a_short_settlement_are_the_same_whichever_way(seed: int) -> None:
    chance = random.Random(500 + seed)
    for _ in range(10):
        terms = random_terms(chance)
        events = [event for event in random_events(chance, terms) if event.kind == EventKind.REPAYMENT]
        on = max((event.effective_date for event in events), default=terms.start)
        quote = former.Book(terms, former.replay(terms, events, on), on).settlement_quote()
        assert settlement_quote(terms, events, on) == quote
        upcoming = next_due(terms, events, on)
        if upcoming is not None and upcoming.due_date > on:
            # What will be due then, nothing paid before.
            due = former.Book(terms, former.replay(terms, events, on), upcoming.due_date).due
            assert upcoming.amount == next(
                due(row).total for row in terms.schedule if row.due_date == upcoming.due_date
            )
        if quote.total > Decimal("0.01"):
            short = LoanEvent(on, EventKind.SETTLEMENT, quote.total - Decimal("0.01"))
            with pytest.raises(SettlementAmountShort):
                replay(terms, [*events, short], on)


def test_a_book_before_the_last_event_is_refused() -> None:
    terms = random_terms(random.Random(1))
    later = terms.start + timedelta(days=3)
    history = LoanHistory(terms)
    history.apply(LoanEvent(later, EventKind.REPAYMENT, Decimal("1.00")))
    assert position_of(history.book(later)) == position(terms, [history.applied[0].event], later)
    with pytest.raises(ValueError, match="lies before the event of"):
        history.book(later - timedelta(days=1))


@pytest.mark.parametrize("periods", [0, 12])
def test_twice_the_events_are_twice_the_work(periods: int) -> None:
    """Counted in calls, which no machine's speed changes."""
    assert calls(periods, 400) < 2.2 * calls(periods, 200)


def calls(periods: int, count: int) -> int:
    """Python calls of a replay of so many repayments of a long overdue loan."""
    start, counted = date(2020, 1, 1), 0
    terms = LoanTerms(
        plan=Plan.INSTALMENTS if periods else Plan.SINGLE, principal=Decimal("12000.00"), start=start,
        daily_rate=Decimal("0.0004"), days=30, periods=periods, with_interest=True, penalty_share=Decimal("0.5"),
        cost_cap_rate=Decimal("0.24"),
    )  # fmt: skip
    first = start + timedelta(days=400)
    events = [
        LoanEvent(first + timedelta(days=day), EventKind.REPAYMENT, Decimal("9.00"), key=str(day))
        for day in range(count)
    ]

    def count_one(frame: object, what: str, argument: object) -> None:
        nonlocal counted
        counted += what == "call"

    sys.setprofile(count_one)
    try:
        replay(terms, events, events[-1].effective_date)
    finally:
        sys.setprofile(None)
    return counted
