from datetime import date
from decimal import Decimal

import pytest

from loans.maths.settlement import SettlementQuote, reduced_period_fee, settlement_fee

RATE = Decimal("0.01")
LAST = date(2026, 4, 30)


def fee_on(on, principal="666.67", room=None):
    return settlement_fee(outstanding_principal=Decimal(principal), fee_rate=RATE, on=on, last_due_date=LAST, room=room)


@pytest.mark.req("R43")
def test_one_percent_of_the_outstanding_principal_half_up():
    assert fee_on(date(2026, 3, 1)) == Decimal("6.67")
    assert fee_on(date(2026, 3, 1), "666.50") == Decimal("6.67")
    assert fee_on(date(2026, 3, 1), "666.49") == Decimal("6.66")


@pytest.mark.req("R43")
def test_the_fee_ends_on_the_last_due_date():
    assert fee_on(date(2026, 4, 29)) == Decimal("6.67")
    assert fee_on(date(2026, 4, 30)) == Decimal("0.00")
    assert fee_on(date(2026, 5, 1)) == Decimal("0.00")


@pytest.mark.req("R43", "R54")
def test_a_fee_counted_in_the_cap_shrinks_to_fit():
    assert fee_on(date(2026, 3, 1), room=Decimal("6.67")) == Decimal("6.67")
    assert fee_on(date(2026, 3, 1), room=Decimal("6.66")) == Decimal("6.66")
    assert fee_on(date(2026, 3, 1), room=Decimal("-1.00")) == Decimal("0.00")


@pytest.mark.req("R43")
def test_a_quote_is_the_sum_of_its_parts():
    quote = SettlementQuote(
        on=date(2026, 3, 1),
        principal=Decimal("666.67"),
        penalty=Decimal("1.00"),
        fee=Decimal("8.33"),
        interest=Decimal("2.00"),
        settlement_fee=Decimal("6.67"),
    )
    assert quote.total == Decimal("684.67")


def reduced(principal, fee_base="period_principal", reduction="0.005"):
    return reduced_period_fee(
        period_principal=Decimal(principal),
        loan_principal=Decimal("12000.00"),
        fee_rate=Decimal("0.025"),
        reduction=Decimal(reduction),
        fee_base=fee_base,
    )


@pytest.mark.req("R42")
def test_a_period_paid_ahead_costs_2_instead_of_2_5_percent():
    assert reduced("1000.00") == Decimal("20.00")
    assert reduced("333.33") == Decimal("6.67")
    assert reduced("1000.00", "loan_principal") == Decimal("240.00")


@pytest.mark.req("R42")
def test_a_reduction_above_the_rate_leaves_no_fee():
    assert reduced("1000.00", reduction="0.030") == Decimal("0.00")
