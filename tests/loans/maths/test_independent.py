"""Thousands of random loans against a second calculator written from the specification: equal to the fen."""

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from loans.maths.cost import schedule_apr, schedule_irr
from loans.maths.state import position, settlement_quote
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from tests.loans.maths import calculator as second

# Days on which calendars go wrong.
STARTS = (date(2027, 1, 31), date(2028, 1, 31), date(2028, 2, 29), date(2027, 2, 28), date(2027, 12, 31),
          date(2027, 8, 30), date(2028, 1, 30), date(2027, 11, 30), date(2026, 9, 15))  # fmt: skip


def yuan(fen: int) -> Decimal:
    return Decimal(fen) / 100


def pair(chance: random.Random) -> tuple[LoanTerms, second.Terms]:
    """The same random terms for both calculators."""
    start = chance.choice(STARTS) if chance.random() < 0.6 else date(2026, 1, 1) + timedelta(chance.randrange(1500))
    periods = chance.choice([0, 3, 6, 12])
    fen = chance.randint(100_000, 2_000_000) if periods else chance.randint(1, 2_000_000)
    rate = chance.choice(["0.000150", "0.000300", "0.000333", "0.000499", "0.000500"])
    fee = chance.choice(["0.025", "0.005", "0.0033"]) if periods else "0"
    share, cap = chance.choice(["0.5", "0.3", "0.2"]), chance.choice(["0.24", "0.36", None])
    uplift, on_loan = chance.random() < 0.5, chance.random() < 0.3
    with_interest, days = chance.random() < 0.5, chance.randint(1, 365)
    first = LoanTerms(
        plan=Plan.INSTALMENTS if periods else Plan.SINGLE,
        principal=yuan(fen),
        start=start,
        daily_rate=Decimal(rate),
        days=0 if periods else days,
        periods=periods,
        fee_rate=Decimal(fee),
        fee_base="loan_principal" if on_loan else "period_principal",
        with_interest=with_interest or not periods,
        prepaid_fee_reduction=Decimal("0.005") if periods else Decimal(0),
        settlement_fee_rate=Decimal("0.01"),
        penalty_method="rate_uplift" if uplift else "principal_share",
        penalty_share=Decimal(share),
        cost_cap_rate=Decimal(cap) if cap else None,
    )
    other = second.Terms(
        principal=fen,
        start=start,
        rate=Fraction(rate),
        days=days,
        periods=periods,
        fee=Fraction(fee),
        reduction=Fraction("0.005"),
        on_loan=on_loan,
        with_interest=with_interest,
        settlement=Fraction("0.01"),
        uplift=uplift,
        share=Fraction(share),
        cap=Fraction(cap) if cap else None,
    )
    return first, other


@pytest.mark.req("R41")
@pytest.mark.parametrize("seed", range(20))
def test_schedules_and_their_price_agree(seed: int):
    chance = random.Random(seed)
    for _ in range(150):
        first, other = pair(chance)
        rows = second.schedule(other)
        interest = second.disclosed_interest(other, rows)
        assert [(row.start_date, row.due_date, row.principal, row.fee, row.interest) for row in first.schedule] == [
            (row.starts, row.due, yuan(row.principal), yuan(row.full_fee), yuan(amount))
            for row, amount in zip(rows, interest, strict=True)
        ], (first, seed)
        rate = second.apr(other, rows)
        assert schedule_apr(first.start, first.schedule) * 1_000_000 == rate * 1_000_000, first


@pytest.mark.req("R54")
def test_irr_makes_the_flows_cancel():
    chance = random.Random(7)
    for _ in range(60):
        first, _other = pair(chance)
        rate = schedule_irr(first.start, first.schedule)
        worth = sum(
            float(row.total) / (1 + float(rate)) ** ((row.due_date - first.start).days / 365) for row in first.schedule
        )
        years = (first.last_due_date - first.start).days / 365
        # Six decimals of a yearly rate move the value by at most this much.
        assert abs(worth - float(first.principal)) <= float(first.principal) * (1e-6 * years + 1e-9)


@pytest.mark.req("R26")
@pytest.mark.req("R54")
@pytest.mark.parametrize("seed", range(40))
def test_lives_agree_on_every_figure_of_every_day(seed: int):
    chance = random.Random(1000 + seed)
    for _ in range(12):
        live_once(chance)


def live_once(chance: random.Random) -> None:
    """Random payments, some exactly a due date's; after each, and on days between, all figures are compared."""
    first, other = pair(chance)
    life, events = second.Life(other), list[LoanEvent]()
    end = (first.last_due_date - first.start).days + 200
    days = sorted(chance.sample(range(end), min(6, end)))
    for number in days:
        on = first.start + timedelta(days=number)
        compare(first, events, life, on)
        debt = life.debt(on)
        if not debt:
            break
        amount = debt if chance.random() < 0.1 else chance.randint(1, max(1, debt // chance.choice([1, 2, 4, 8])))
        life.pay(on, amount)
        events.append(LoanEvent(on, EventKind.REPAYMENT, yuan(amount)))
        compare(first, events, life, on)
    for later in (first.last_due_date, first.last_due_date + timedelta(days=1), first.start + timedelta(days=end + 99)):
        if later >= max((event.effective_date for event in events), default=first.start):
            compare(first, events, life, later)


def compare(first: LoanTerms, events: list[LoanEvent], life: second.Life, on: date) -> None:
    now = position(first, events, on)
    charged = life.penalties(on)
    for row, line, penalty in zip(life.rows, now.instalments, charged, strict=True):
        assert (line.penalty_claim, line.penalty_charged, line.penalty_paid) == (
            yuan(life.claim(row, on)), yuan(penalty), yuan(row.paid["penalty"])
        ), (first, events, on)  # fmt: skip
        assert (line.fee_charged, line.fee_paid) == (yuan(life.fee(row, on)), yuan(row.paid["fee"])), (first, events)
        assert (line.interest_accrued, line.interest_paid) == (
            yuan(life.interest(row, on)), yuan(row.paid["interest"])
        ), (first, events, on)  # fmt: skip
        assert line.principal_paid == yuan(row.paid["principal"]), (first, events, on)
    assert now.exposure == yuan(life.exposure(on))
    assert settlement_quote(first, events, on).total == yuan(life.settlement(on)), (first, events, on)
