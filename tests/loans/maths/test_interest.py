from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from loans.maths.interest import (
    PrincipalSegment,
    Reduction,
    cumulative_interest,
    exposure,
    interest_between,
    principal_segments,
)

START = date(2026, 1, 1)
money = st.decimals(Decimal("0.01"), Decimal("200000"), places=2)
rates = st.decimals(Decimal("0.000001"), Decimal("0.000900"), places=6)


def segment(principal, rate, start, end):
    return PrincipalSegment(start, end, Decimal(principal), Decimal(rate))


def test_interest_is_principal_times_daily_rate_times_actual_days():
    assert segment("8000.00", "0.000400", START, date(2026, 1, 31)).interest == Decimal("96.00")


def test_half_a_fen_is_rounded_up():
    assert segment("50.00", "0.000300", START, date(2026, 1, 2)).interest == Decimal("0.02")
    assert segment("49.99", "0.000300", START, date(2026, 1, 2)).interest == Decimal("0.01")


def test_the_day_of_payout_counts_and_the_day_of_repayment_does_not():
    part = segment("10000.00", "0.000500", START, date(2026, 1, 31))
    assert cumulative_interest([part], START) == Decimal("0.00")
    assert cumulative_interest([part], date(2026, 1, 2)) == Decimal("5.00")
    assert cumulative_interest([part], date(2026, 1, 31)) == Decimal("150.00")
    assert cumulative_interest([part], date(2026, 2, 28)) == Decimal("150.00")


def test_a_leap_day_is_a_day_like_any_other():
    assert segment("10000.00", "0.000500", date(2028, 2, 28), date(2028, 3, 1)).interest == Decimal("10.00")
    assert segment("10000.00", "0.000500", date(2026, 2, 28), date(2026, 3, 1)).interest == Decimal("5.00")


def test_after_a_partial_repayment_the_formula_starts_again_and_keeps_the_fen():
    segments = principal_segments(
        principal=Decimal("1000.00"),
        daily_rate=Decimal("0.000333"),
        start=START,
        end=date(2026, 1, 31),
        reductions=[Reduction(date(2026, 1, 11), Decimal("333.33"))],
    )
    # 1000.00 x 0.000333 x 10 = 3.33 and 666.67 x 0.000333 x 20 = 4.4400222
    assert [part.interest for part in segments] == [Decimal("3.33"), Decimal("4.44")]
    assert cumulative_interest(segments, date(2026, 1, 31)) == Decimal("7.77")


def test_a_payment_of_charges_only_starts_the_formula_again():
    segments = principal_segments(
        principal=Decimal("50.00"),
        daily_rate=Decimal("0.000300"),
        start=START,
        end=date(2026, 1, 3),
        reductions=[Reduction(date(2026, 1, 2), Decimal("0.00"))],
    )
    # Two stretches of 0.015, each rounded half-up.
    assert cumulative_interest(segments, date(2026, 1, 3)) == Decimal("0.04")


def test_two_reductions_on_one_day_make_one_cut():
    segments = principal_segments(
        principal=Decimal("300.00"),
        daily_rate=Decimal("0.000500"),
        start=START,
        end=date(2026, 1, 11),
        reductions=[Reduction(date(2026, 1, 6), Decimal("100.00"))] * 2,
    )
    assert [(part.principal, part.days) for part in segments] == [
        (Decimal("300.00"), 5),
        (Decimal("100.00"), 5),
    ]


def test_reductions_at_or_before_the_start_count_and_at_the_end_do_not():
    segments = principal_segments(
        principal=Decimal("300.00"),
        daily_rate=Decimal("0.000500"),
        start=START,
        end=date(2026, 1, 11),
        reductions=[Reduction(date(2026, 1, 11), Decimal("50.00")), Reduction(START, Decimal("100.00"))],
    )
    assert segments == (segment("200.00", "0.000500", START, date(2026, 1, 11)),)


def test_an_empty_stretch_has_no_segments():
    assert principal_segments(principal=Decimal("1"), daily_rate=Decimal("0.0005"), start=START, end=START) == ()


def test_exposure_is_yuan_days():
    parts = [
        segment("300.00", "0.0005", START, date(2026, 1, 11)),
        segment("100.00", "0.0005", date(2026, 1, 11), date(2026, 1, 16)),
    ]
    assert exposure(parts) == Decimal("3500.00")


@given(money, rates, st.integers(1, 365), st.integers(0, 364), money)
def test_daily_accruals_add_up_to_the_total(principal, rate, days, cut_day, repaid):
    end = START + timedelta(days=days)
    cut = Reduction(START + timedelta(days=cut_day), min(principal, repaid))
    segments = principal_segments(principal=principal, daily_rate=rate, start=START, end=end, reductions=[cut])
    daily = [
        interest_between(segments, START + timedelta(days=day), START + timedelta(days=day + 1)) for day in range(days)
    ]
    assert sum(daily) == cumulative_interest(segments, end)
    assert min(daily) >= 0


@given(money, rates, st.integers(2, 365), st.data())
def test_repaying_earlier_never_costs_more(principal, rate, days, data):
    end = START + timedelta(days=days)
    cut_day = data.draw(st.integers(1, days - 1))
    whole = principal_segments(principal=principal, daily_rate=rate, start=START, end=end)
    reduced = principal_segments(
        principal=principal,
        daily_rate=rate,
        start=START,
        end=end,
        reductions=[Reduction(START + timedelta(days=cut_day), principal)],
    )
    assert cumulative_interest(reduced, end) <= cumulative_interest(whole, end)
    assert exposure(reduced) == principal * cut_day
