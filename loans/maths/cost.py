"""The yearly price of a loan: `apr`, the central bank's simple form, and `irr`, the effective rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from loans.maths.dates import days_between
from loans.maths.errors import CostCapExceeded, NoRateOfReturn
from loans.maths.schedule import ScheduleRow, total_cost
from weilidai.lib.money import ZERO, round_rate

DAYS_PER_YEAR = 365
_SOLVER_DIGITS = 40
_SOLVER_STEPS_MAX = 200
_SOLVER_JUMPS_MAX = 20
_SOLVER_WIDTH = Decimal("1e-25")


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money on a date, seen by the lender: paid out is negative, received positive."""

    on: date
    amount: Decimal


def apr(cost: Decimal, exposure: Decimal) -> Decimal:
    """Cost over the principal actually outstanding, a fraction a year to 6 places, half-up.

    `exposure` is the sum of outstanding principal x days. Without exposure there is no rate:
    ZeroDivisionError.
    """
    if exposure <= ZERO:
        raise ZeroDivisionError("no principal was outstanding")
    return round_rate(cost * DAYS_PER_YEAR / exposure)


def schedule_exposure(start: date, rows: Sequence[ScheduleRow]) -> Decimal:
    """Sum of outstanding principal x days of the normal schedule: each part is out until its due date."""
    return sum((row.principal * days_between(start, row.due_date) for row in rows), ZERO)


def schedule_apr(start: date, rows: Sequence[ScheduleRow]) -> Decimal:
    """`apr` of the normal schedule of a loan paid out on `start`."""
    return apr(total_cost(rows), schedule_exposure(start, rows))


def schedule_flows(start: date, rows: Sequence[ScheduleRow]) -> tuple[CashFlow, ...]:
    """The payout and every payment of the normal schedule."""
    paid_out = sum((row.principal for row in rows), ZERO)
    return (CashFlow(start, -paid_out), *(CashFlow(row.due_date, row.total) for row in rows))


def schedule_irr(start: date, rows: Sequence[ScheduleRow]) -> Decimal:
    """`irr` of the normal schedule of a loan paid out on `start`."""
    return irr(schedule_flows(start, rows))


def irr(flows: Sequence[CashFlow]) -> Decimal:
    """The yearly rate r with sum of flow / (1 + r)^(days / 365) = 0, to 6 places, half-up.

    Solved for the daily discount factor v = (1 + r)^(-1/365): a loan's value is a polynomial in v
    that rises from the payout's minus to plus, so bisection always ends at its one root. Where all later
    flows bring money the polynomial is convex too, and Newton's steps from above get there in a tenth of the time.
    Raises `NoRateOfReturn` unless the first flow is a payout and later ones bring money.
    """
    first = min(flow.on for flow in flows)
    dated = [(days_between(first, flow.on), flow.amount) for flow in flows]
    paid_out = sum((amount for days, amount in dated if days == 0), ZERO)
    if paid_out >= ZERO or all(amount <= ZERO for days, amount in dated if days > 0):
        raise NoRateOfReturn("the flows never change sign")
    with localcontext() as context:
        context.prec = _SOLVER_DIGITS
        factor = _root(dated)
        rate = 1 / factor**DAYS_PER_YEAR - 1
    return round_rate(rate)


def exceeds_cap(rate: Decimal, cap_rate: Decimal | None) -> bool:
    """True when the yearly cost lies above the cap; no cap (None) is never exceeded (R54)."""
    return cap_rate is not None and rate > cap_rate


def check_cap(rate: Decimal, cap_rate: Decimal | None) -> None:
    """Raise `CostCapExceeded` when the normal schedule's `apr` lies above the cap (R54)."""
    if exceeds_cap(rate, cap_rate):
        raise CostCapExceeded(f"{rate} a year is above the cap of {cap_rate}")


def _value(dated: Sequence[tuple[int, Decimal]], factor: Decimal) -> Decimal:
    return sum((amount * factor**days for days, amount in dated), Decimal(0))


def _root(dated: Sequence[tuple[int, Decimal]]) -> Decimal:
    low, high = Decimal(0), Decimal(1)
    while _value(dated, high) < 0:  # less came back than went out: the rate is negative
        low, high = high, high * 2
    if _value(dated, high) == 0:
        return high
    if all(amount >= 0 for days, amount in dated if days > 0):
        high, step = _closer(dated, high)
        if step <= _SOLVER_WIDTH:
            return high
    for _ in range(_SOLVER_STEPS_MAX):
        if high - low <= _SOLVER_WIDTH:
            break
        middle = (low + high) / 2
        if _value(dated, middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _closer(dated: Sequence[tuple[int, Decimal]], factor: Decimal) -> tuple[Decimal, Decimal]:
    """Newton's steps for a value that rises ever more steeply, with the last of them: from above its root they never
    go below it. From far away they are small; then so many are not enough.
    """
    step = factor
    for _ in range(_SOLVER_JUMPS_MAX):
        terms = [(days, amount * factor**days) for days, amount in dated]
        slope = sum((days * term for days, term in terms), Decimal(0)) / factor
        step = sum((term for _, term in terms), Decimal(0)) / slope
        factor -= step
        if step <= _SOLVER_WIDTH:
            break
    return factor, step
