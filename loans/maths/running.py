"""What a loan has earned on a date, in closed form from the figures kept at its last event.

`Book` gives the same from the whole history; the night uses this for the many loans on which nothing happened, so
that it need not replay them. It holds from the last event up to the next start of a period or due date, at which the
night itself writes `fee_charged` and `penalty_claimed` on. Amounts are yuan, rates fractions.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.maths.penalty import cap_room, charged_total
from weilidai.lib.money import ZERO, round_money


@dataclass(frozen=True, slots=True)
class Running:
    """A loan as its columns hold it since `since`, the date of its last event. `exposure` is in yuan-days."""

    accrues: bool
    outstanding: Decimal
    daily_rate: Decimal
    since: date
    interest: Decimal
    fee: Decimal
    exposure: Decimal
    penalty_claimed: Decimal
    penalty_paid: Decimal
    cost_cap_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Earned:
    """Cumulative interest, fees and penalties charged."""

    interest: Decimal
    fee: Decimal
    penalty: Decimal


def interest_on(row: Running, on: date) -> Decimal:
    """Interest from the payout up to, not including, `on`."""
    if not row.accrues:
        return row.interest
    return row.interest + round_money(row.outstanding * row.daily_rate * (on - row.since).days)


def earned_on(row: Running, on: date) -> Earned:
    """The loan on `on`, without an event after `since`."""
    interest = interest_on(row, on)
    if not row.penalty_claimed:
        return Earned(interest, row.fee, ZERO)
    room = None
    if row.cost_cap_rate is not None:
        exposure = row.exposure + row.outstanding * (on - row.since).days
        room = cap_room(cap_rate=row.cost_cap_rate, exposure=exposure, charged=interest + row.fee)
    return Earned(interest, row.fee, charged_total(claim=row.penalty_claimed, room=room, paid=row.penalty_paid))
