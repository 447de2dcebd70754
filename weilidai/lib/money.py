"""Money and rates: the one place where rounding is named.

Amounts are yuan (`Decimal`, two places). Rates are fractions (0.000400 a day = 0.04 %).
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from django.db import models

CENT = Decimal("0.01")
RATE_STEP = Decimal("0.000001")
ZERO = Decimal("0.00")


def round_money(amount: Decimal) -> Decimal:
    """Half-up to the fen: the rounding of every charge unless a rule says otherwise."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def floor_money(amount: Decimal) -> Decimal:
    """Down to the fen, towards zero: used where the customer must never pay the rounding."""
    return amount.quantize(CENT, rounding=ROUND_DOWN)


def round_rate(rate: Decimal) -> Decimal:
    """Half-up to six places, the precision in which rates are stored and shown."""
    return rate.quantize(RATE_STEP, rounding=ROUND_HALF_UP)


def split_evenly(amount: Decimal, parts: int) -> list[Decimal]:
    """Equal parts rounded down to the fen, the remainder in the last; they sum to `amount`."""
    if parts < 1:
        raise ValueError("an amount is split into at least one part")
    part = floor_money(amount / parts)
    pieces = [part] * (parts - 1)
    pieces.append(amount - part * (parts - 1))
    return pieces


class MoneyField(models.DecimalField[Any, Any]):
    """Yuan with two places, up to 10^16."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 2)
        super().__init__(*args, **kwargs)


class RateField(models.DecimalField[Any, Any]):
    """A fraction with six places: 0.000400 is 0.04 %."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 9)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)
