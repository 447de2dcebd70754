"""The normal schedule of a loan: what falls due, and when, if everything is paid on its day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from loans.maths.dates import day_after, days_between, instalment_due_dates, single_due_date
from loans.maths.errors import (
    InstalmentMinimumMissed,
    InstalmentPeriodsRefused,
    LoanDaysOutOfRange,
    PrincipalOutOfRange,
)
from weilidai.lib.money import ZERO, floor_money, round_money, split_evenly


class FeeBase(StrEnum):
    """What the fee of a period is a share of (R41)."""

    PERIOD_PRINCIPAL = "period_principal"
    LOAN_PRINCIPAL = "loan_principal"


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One due date. A fee of a period counts as charged from `start_date` on."""

    number: int
    start_date: date
    due_date: date
    days: int
    principal: Decimal
    interest: Decimal
    fee: Decimal

    @property
    def cost(self) -> Decimal:
        return self.interest + self.fee

    @property
    def total(self) -> Decimal:
        return self.principal + self.cost


def check_single_days(days: int, *, days_min: int, days_max: int) -> None:
    """Raise `LoanDaysOutOfRange` outside the product's and the law's term (R54); both ends allowed."""
    if not days_min <= days <= days_max:
        raise LoanDaysOutOfRange(f"{days} days are not within {days_min} to {days_max}")


def check_instalment_plan(
    principal: Decimal, periods: int, *, minimum_amount: Decimal, allowed_periods: Collection[int]
) -> None:
    """Raise when the loan is too small or the number of periods is not offered (R40)."""
    if principal < minimum_amount:
        raise InstalmentMinimumMissed(f"{principal} is below {minimum_amount}")
    if periods not in allowed_periods:
        raise InstalmentPeriodsRefused(f"{periods} periods are not offered")


def single_schedule(principal: Decimal, daily_rate: Decimal, start: date, days: int) -> tuple[ScheduleRow, ...]:
    """One row: the principal and half-up(principal x daily rate x days), due `days` after payout.

    The product's term is checked by `check_single_days`; here a day is the least that makes sense.
    """
    _check_principal(principal)
    if days < 1:
        raise LoanDaysOutOfRange("a loan runs for at least one day")
    interest = round_money(principal * daily_rate * days)
    due_date = single_due_date(start, days)
    return (ScheduleRow(1, start, due_date, days, principal, interest, ZERO),)


def instalment_schedule(
    principal: Decimal,
    periods: int,
    start: date,
    fee_rate: Decimal,
    fee_base: str = FeeBase.PERIOD_PRINCIPAL,
    with_interest: bool = False,
    daily_rate: Decimal = ZERO,
) -> tuple[ScheduleRow, ...]:
    """Equal parts of the principal due monthly, the remainder in the last, each with its fee (R41).

    With `with_interest` a period also bears half-up(principal outstanding in it x daily rate x days).
    The product's offer is checked by `check_instalment_plan`.
    """
    _check_principal(principal)
    if periods < 1:
        raise InstalmentPeriodsRefused("a plan has at least one period")
    rows: list[ScheduleRow] = []
    outstanding, previous_due = principal, start
    rate = daily_rate if with_interest else ZERO
    parts = split_evenly(principal, periods)
    for number, (part, due_date) in enumerate(zip(parts, instalment_due_dates(start, periods), strict=True), start=1):
        days = days_between(previous_due, due_date)
        start_date = start if number == 1 else day_after(previous_due)
        fee = period_fee(part, principal, fee_rate, fee_base)
        interest = round_money(outstanding * rate * days)
        rows.append(ScheduleRow(number, start_date, due_date, days, part, interest, fee))
        outstanding, previous_due = outstanding - part, due_date
    if outstanding != ZERO:
        raise AssertionError(f"the parts of {principal} leave {outstanding}")
    return tuple(rows)


def period_fee(period_principal: Decimal, loan_principal: Decimal, fee_rate: Decimal, fee_base: str) -> Decimal:
    """Half-up(fee rate x base), the base being the period's or the whole loan's principal (R41)."""
    bases = {FeeBase.PERIOD_PRINCIPAL: period_principal, FeeBase.LOAN_PRINCIPAL: loan_principal}
    return round_money(fee_rate * bases[FeeBase(fee_base)])


def total_cost(rows: Collection[ScheduleRow]) -> Decimal:
    """Every charge of the schedule: interest and fees, without the principal."""
    return sum((row.cost for row in rows), ZERO)


def _check_principal(principal: Decimal) -> None:
    if principal <= ZERO or floor_money(principal) != principal:
        raise PrincipalOutOfRange(f"{principal} is not a positive amount in whole fen")
