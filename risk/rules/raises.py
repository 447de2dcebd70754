"""How far a limit may rise, whatever the reason (R27, R38, R56). Pure; all figures come in as policy data."""

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from risk.rules.limits import floor_step, limit_cap
from weilidai.lib.money import ZERO

# Ends of the bands in which amounts are counted, in yuan.
BAND_ENDS = (0, 500, 1000, 2000, 5000, 8000, 20_000, 40_000, 100_000, 200_000)


def band_of(fen: int) -> int:
    """0 for nothing, else the number of the band that an amount lies in; its end counts in."""
    return bisect_left(BAND_ENDS, -(-fen // 100))


@dataclass(frozen=True)
class RaiseRoom:
    """What bounds a line on a date: its tier, the product, the student limit (R50) and the law (R54), in yuan.

    `household_room_amount` is what the law leaves this line beside the person's other lines.
    """

    limit_amount: Decimal
    tier_min_amount: Decimal
    tier_max_amount: Decimal
    ceiling_amount: Decimal
    household_room_amount: Decimal
    student_limit_amount: Decimal | None
    step_amount: Decimal


def limit_raised(room: RaiseRoom, by: Decimal) -> Decimal:
    """The limit after a raise by `by` yuan: a whole step, inside every bound, never below what it is now."""
    wanted = limit_cap(
        min(room.limit_amount + by, room.tier_max_amount),
        ceiling=room.ceiling_amount,
        student_limit=room.student_limit_amount,
        household_room=room.household_room_amount,
        step=room.step_amount,
    )
    return max(floor_step(wanted, room.step_amount), room.limit_amount)


def share_amount(room: RaiseRoom, share: Decimal) -> Decimal:
    """A share of the tier's span from its lowest to its highest limit, down to a whole step."""
    return floor_step(max(room.tier_max_amount - room.tier_min_amount, ZERO) * share, room.step_amount)


@dataclass(frozen=True)
class ProofShares:
    """Shares of the tier's span that accepted asset proofs are worth; `both` is what the second adds on top."""

    property: Decimal
    vehicle: Decimal
    both: Decimal

    def of(self, kinds: Collection[str]) -> Decimal:
        """What the kinds in force are worth together."""
        single = {"property": self.property, "vehicle": self.vehicle}
        known = [single[kind] for kind in single if kind in kinds]
        return sum(known, Decimal(0)) + (self.both if len(known) == len(single) else Decimal(0))


def proof_raise(room: RaiseRoom, shares: ProofShares, kinds: Collection[str], raised_before: Decimal) -> Decimal:
    """The raise that the proofs in force still owe a line which proofs have raised by `raised_before` so far.

    So the order of the proofs does not matter, and one renewed year after year raises once.
    """
    return owed(room, shares.of(kinds), raised_before)


@dataclass(frozen=True)
class FundHeld:
    """The newest complete month of a person's assets, in yuan."""

    current_fund_mean_amount: Decimal
    wealth_products_amount: Decimal


def fund_share(held: FundHeld | None, mean_min_amount: Decimal, share: Decimal) -> Decimal:
    """What the current-money fund is worth: its monthly mean reaches the minimum and a wealth product is held (R27)."""
    if held is None or held.wealth_products_amount <= ZERO or held.current_fund_mean_amount < mean_min_amount:
        return Decimal(0)
    return share


def green_points(acts: Mapping[str, int], worth: Mapping[str, int]) -> int:
    """Points of all acts so far, each act once; a kind the policy does not name is worth nothing (R56)."""
    return sum(count * worth.get(act, 0) for act, count in acts.items())


def green_share(points: int, step_points: int, step_share: Decimal, max_share: Decimal) -> Decimal:
    """What the points are worth: full steps only, up to the most the policy gives (R56)."""
    return min(points // step_points * step_share, max_share)


def owed(room: RaiseRoom, share: Decimal, raised_before: Decimal) -> Decimal:
    """The raise a share still owes a line which the same source has raised by `raised_before` so far."""
    return max(share_amount(room, share) - raised_before, ZERO)
