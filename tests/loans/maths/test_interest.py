from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from loans.maths.interest import Stretch
from tests.loans.maths.segments import Reduction, cumulative_interest, exposure, principal_segments

START = date(2026, 1, 1)
money = st.decimals(Decimal("0.01"), Decimal("200000"), places=2)
rates = st.decimals(Decimal("0.000001"), Decimal("0.000900"), places=6)


def stretch(principal: str, rate: str, start: date = START, stop: date = date.max) -> Stretch:
    return Stretch(Decimal(principal), Decimal(rate), start, stop)


def paid(over: Stretch, *payments: tuple[date, Decimal]) -> Stretch:
    for on, amount in payments:
        over.cut(on)
        over.repay(amount)
    return over


def test_interest_is_principal_times_daily_rate_times_actual_days():
    assert stretch("8000.00", "0.000400").brought_by(date(2026, 1, 31)) == Decimal("96.00")


def test_half_a_fen_is_rounded_up():
    assert stretch("50.00", "0.000300").brought_by(date(2026, 1, 2)) == Decimal("0.02")
    assert stretch("49.99", "0.000300").brought_by(date(2026, 1, 2)) == Decimal("0.01")


def test_the_day_of_payout_counts_and_the_day_of_repayment_does_not():
    part = stretch("10000.00", "0.000500", stop=date(2026, 1, 31))
    assert part.brought_by(START) == Decimal("0.00")
    assert part.brought_by(date(2026, 1, 2)) == Decimal("5.00")
    assert part.brought_by(date(2026, 1, 31)) == Decimal("150.00")
    assert part.brought_by(date(2026, 2, 28)) == Decimal("150.00")


def test_a_leap_day_is_a_day_like_any_other():
    assert stretch("10000.00", "0.000500", date(2028, 2, 28)).brought_by(date(2028, 3, 1)) == Decimal("10.00")
    assert stretch("10000.00", "0.000500", date(2026, 2, 28)).brought_by(date(2026, 3, 1)) == Decimal("5.00")


def test_after_a_partial_repayment_the_formula_starts_again_and_keeps_the_fen():
    over = paid(stretch("1000.00", "0.000333"), (date(2026, 1, 11), Decimal("333.33")))
    # 1000.00 x 0.000333 x 10 = 3.33 and 666.67 x 0.000333 x 20 = 4.4400222
    assert over.brought_by(date(2026, 1, 11)) == Decimal("3.33")
    assert over.brought_by(date(2026, 1, 31)) == Decimal("7.77")


def test_a_payment_of_charges_only_starts_the_formula_again():
    over = paid(stretch("50.00", "0.000300"), (date(2026, 1, 2), Decimal("0.00")))
    # Two stretches of 0.015, each rounded half-up.
    assert over.brought_by(date(2026, 1, 3)) == Decimal("0.04")


def test_two_reductions_on_one_day_make_one_cut():
    one = (date(2026, 1, 6), Decimal("100.00"))
    over = paid(stretch("300.00", "0.000500"), one, one)
    # 300.00 over 5 days and 100.00 over 5 days.
    assert over.brought_by(date(2026, 1, 11)) == Decimal("1.00")
    assert over.exposure_by(date(2026, 1, 11)) == Decimal("2000.00")


def test_reductions_at_or_before_the_start_count_and_at_the_end_do_not():
    end = date(2026, 1, 11)
    before = (START - timedelta(days=3), Decimal("60.00"))
    over = paid(stretch("300.00", "0.000500", stop=end), before, (START, Decimal("40.00")), (end, Decimal("50.00")))
    assert over.brought_by(end) == Decimal("1.00")
    assert over.brought_by(date(2026, 2, 11)) == Decimal("1.00")


def test_nothing_is_brought_before_the_start():
    assert stretch("1.00", "0.000500").brought_by(START - timedelta(days=9)) == Decimal("0.00")
    assert stretch("1.00", "0.000500").exposure_by(START) == Decimal("0.00")


def test_exposure_is_yuan_days():
    over = paid(stretch("300.00", "0.0005"), (date(2026, 1, 11), Decimal("200.00")))
    assert over.exposure_by(date(2026, 1, 16)) == Decimal("3500.00")


@given(money, rates, st.integers(1, 365), st.lists(st.tuples(st.integers(-5, 380), money), max_size=6))
def test_a_stretch_is_the_sum_of_its_segments(principal, rate, days, payments):
    end, rest, reductions = START + timedelta(days=days), principal, []
    for day, amount in sorted(payments):
        reductions.append(Reduction(START + timedelta(days=day), min(rest, amount)))
        rest -= min(rest, amount)
    over = paid(Stretch(principal, rate, START, end), *((cut.on, cut.amount) for cut in reductions))
    segments = principal_segments(principal=principal, daily_rate=rate, start=START, end=end, reductions=reductions)
    assert over.brought_by(date.max) == cumulative_interest(segments, end)
    assert over.exposure_by(date.max) == exposure(segments)


@given(money, rates, st.integers(1, 365), st.integers(0, 364), money)
def test_daily_accruals_add_up_to_the_total(principal, rate, days, cut_day, repaid):
    over = Stretch(principal, rate, START)
    daily, so_far = [], Decimal("0.00")
    for day in range(1, days + 1):
        if day - 1 == cut_day:
            over = paid(over, (START + timedelta(days=cut_day), min(principal, repaid)))
        brought = over.brought_by(START + timedelta(days=day))
        daily.append(brought - so_far)
        so_far = brought
    assert sum(daily) == over.brought_by(START + timedelta(days=days))
    assert min(daily) >= 0


@given(money, rates, st.integers(2, 365), st.data())
def test_repaying_earlier_never_costs_more(principal, rate, days, data):
    end, cut_day = START + timedelta(days=days), data.draw(st.integers(1, days - 1))
    whole = Stretch(principal, rate, START)
    reduced = paid(Stretch(principal, rate, START), (START + timedelta(days=cut_day), principal))
    assert reduced.brought_by(end) <= whole.brought_by(end)
    assert reduced.exposure_by(end) == principal * cut_day
