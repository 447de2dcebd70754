"""Penalties: what is claimed for being overdue, and how much of the claim may be charged (R26, R54).

Amounts are yuan, exposure is yuan-days (principal outstanding x days).
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from loans.maths.cost import DAYS_PER_YEAR
from weilidai.lib.money import ZERO, floor_money, round_money


class PenaltyMethod(StrEnum):
    """How a product claims for overdue principal (R26)."""

    PRINCIPAL_SHARE = "principal_share"
    RATE_UPLIFT = "rate_uplift"


def share_claim(overdue_principal: Decimal, share: Decimal) -> Decimal:
    """Half-up(share x the principal that became overdue), claimed once however long it stays so."""
    return round_money(overdue_principal * share)


def uplifted_rate(daily_rate: Decimal, share: Decimal) -> Decimal:
    """What overdue principal bears a day as claim, in place of interest: daily rate x (1 + share)."""
    return daily_rate * (1 + share)


def cap_room(*, cap_rate: Decimal, exposure: Decimal, charged: Decimal) -> Decimal:
    """What the cost cap leaves for penalties: max(0, cap x exposure / 365 - interest and fees).

    Rounded down to the fen, so the cap holds to the fen.
    """
    return max(ZERO, floor_money(cap_rate * exposure / DAYS_PER_YEAR - charged))


def charged_total(*, claim: Decimal, room: Decimal | None, paid: Decimal = ZERO) -> Decimal:
    """The part of the claim that is owed today; the rest waits for room.

    Without a cap (`room` is None) the whole claim is owed at once. What was paid stays charged, also
    when a fee charged later took the room it was charged in.
    """
    return claim if room is None else max(paid, min(claim, room))


def spread_charge(total: Decimal, claims: Sequence[Decimal], paid: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Share the charged total over the instalments' claims: first what each has paid, then oldest first."""
    rest = total - sum(paid, ZERO)
    charges: list[Decimal] = []
    for claim, already in zip(claims, paid, strict=True):
        share = min(rest, max(ZERO, claim - already))
        charges.append(already + share)
        rest -= share
    if rest != ZERO:
        raise AssertionError(f"{rest} of the charged penalty belongs to no claim")
    return tuple(charges)
