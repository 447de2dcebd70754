"""Interest over stretches of unchanged principal, each kept as a row: what `loans.maths.interest.Stretch` adds up as it
goes. The yardstick of `former.py` and of the tests of interest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from loans.maths.dates import days_between
from weilidai.lib.money import ZERO, round_money


@dataclass(frozen=True, slots=True)
class Reduction:
    """Principal repaid on a date, 0 for a payment of charges only; that day already carries the smaller principal."""

    on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PrincipalSegment:
    """A stretch [start, end) over which the principal did not change."""

    start: date
    end: date
    principal: Decimal
    daily_rate: Decimal

    @property
    def days(self) -> int:
        return days_between(self.start, self.end)

    @property
    def interest(self) -> Decimal:
        """Half-up(principal x daily rate x days): one rounding for the stretch."""
        return round_money(self.principal * self.daily_rate * self.days)

    def until(self, on: date) -> "PrincipalSegment":
        """The part of the stretch before `on`; empty when it starts later."""
        return replace(self, end=max(self.start, min(self.end, on)))


def principal_segments(
    *, principal: Decimal, daily_rate: Decimal, start: date, end: date, reductions: Iterable[Reduction] = ()
) -> tuple[PrincipalSegment, ...]:
    """Stretches of [start, end) cut on every date of a payment.

    Each stretch is rounded on its own: interest so far is kept to the fen and the formula starts again on
    the remaining principal, also where a payment covered interest only and left the principal as it was.
    """
    segments: list[PrincipalSegment] = []
    begun, remaining = start, principal
    for reduction in sorted(reductions, key=lambda item: item.on):
        if reduction.on >= end:
            break
        if reduction.on > begun:
            segments.append(PrincipalSegment(begun, reduction.on, remaining, daily_rate))
            begun = reduction.on
        remaining -= reduction.amount
    if end > begun:
        segments.append(PrincipalSegment(begun, end, remaining, daily_rate))
    return tuple(segments)


def cumulative_interest(segments: Sequence[PrincipalSegment], on: date) -> Decimal:
    """Interest accrued from the first stretch up to, not including, `on`."""
    return sum((segment.until(on).interest for segment in segments), ZERO)


def exposure(segments: Iterable[PrincipalSegment]) -> Decimal:
    """Sum of outstanding principal x days, in yuan-days: the base of `apr` and of the cost cap."""
    return sum((segment.principal * segment.days for segment in segments), ZERO)


def uplift_claim(overdue_segments: Sequence[PrincipalSegment], share: Decimal) -> Decimal:
    """Half-up(overdue principal x daily rate x (1 + share) x days overdue), in place of interest.

    The segments carry the ordinary daily rate and cover the overdue days of one instalment.
    """
    uplifted = (replace(part, daily_rate=part.daily_rate * (1 + share)) for part in overdue_segments)
    return sum((part.interest for part in uplifted), ZERO)
