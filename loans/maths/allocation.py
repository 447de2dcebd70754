"""What money received pays: penalty, fee, interest, principal; oldest due first.

The component comes first: every penalty, oldest due first, then every fee, every interest, every
principal. The rule names the components before the dates, so a later instalment's penalty is paid
before an earlier one's principal. With a single due date both readings give the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from weilidai.lib.money import ZERO


class Component(StrEnum):
    """The parts of a debt in the order in which money pays them."""

    PENALTY = "penalty"
    FEE = "fee"
    INTEREST = "interest"
    PRINCIPAL = "principal"


@dataclass(frozen=True, slots=True)
class Due:
    """What one instalment still owes, by component, in yuan."""

    number: int
    due_date: date
    penalty: Decimal = ZERO
    fee: Decimal = ZERO
    interest: Decimal = ZERO
    principal: Decimal = ZERO

    def amount(self, component: Component) -> Decimal:
        amount: Decimal = getattr(self, component)
        return amount

    @property
    def total(self) -> Decimal:
        return self.penalty + self.fee + self.interest + self.principal


@dataclass(frozen=True, slots=True)
class Allocation:
    """One positive amount paid on one component of one instalment."""

    number: int
    component: Component
    amount: Decimal


@dataclass(frozen=True, slots=True)
class AllocationResult:
    """`lines` in the order paid, and the `remainder` no debt was left for."""

    lines: tuple[Allocation, ...]
    remainder: Decimal

    @property
    def allocated(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    def paid(self, component: Component) -> Decimal:
        return sum((line.amount for line in self.lines if line.component == component), ZERO)


def allocate(amount: Decimal, dues: Iterable[Due]) -> AllocationResult:
    """Pay `dues` with `amount`: component by component, within each the oldest due date first.

    Raises ValueError for a negative amount: money given back is a reversal, not a payment.
    """
    if amount < ZERO:
        raise ValueError(f"a payment of {amount}")
    oldest_first = sorted(dues, key=lambda due: (due.due_date, due.number))
    lines: list[Allocation] = []
    rest = amount
    for component in Component:
        for due in oldest_first:
            if not rest:
                break
            part = min(rest, due.amount(component))
            if part > ZERO:
                lines.append(Allocation(due.number, component, part))
                rest -= part
    return AllocationResult(tuple(lines), rest)


def allocate_in_turn(amount: Decimal, groups: Iterable[Sequence[Due]]) -> AllocationResult:
    """Pay one group of dues in full before the next: what fell due before what is paid ahead. No group is asked for
    once the money is gone.
    """
    result = AllocationResult((), amount)
    if not amount:
        return result
    for group in groups:
        step = allocate(result.remainder, group)
        result = replace(step, lines=result.lines + step.lines)
        if not result.remainder:
            break
    return result
