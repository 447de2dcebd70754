"""Paying early: the fee of a period paid ahead (R42) and the quote that closes a loan (R43)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.maths.schedule import period_fee
from weilidai.lib.money import ZERO, round_money


@dataclass(frozen=True, slots=True)
class SettlementQuote:
    """What closes the loan on the business date `on`; it holds for that date only."""

    on: date
    principal: Decimal
    penalty: Decimal
    fee: Decimal
    interest: Decimal
    settlement_fee: Decimal

    @property
    def total(self) -> Decimal:
        return self.principal + self.penalty + self.fee + self.interest + self.settlement_fee


def settlement_fee(
    *,
    outstanding_principal: Decimal,
    fee_rate: Decimal,
    on: date,
    last_due_date: date,
    room: Decimal | None = None,
) -> Decimal:
    """Half-up(rate x outstanding principal) before the last due date, nothing from that date on.

    `room` is what the cost cap leaves where the product counts early fees in the cap; None leaves
    the fee outside the cap.
    """
    if on >= last_due_date:
        return ZERO
    fee = round_money(fee_rate * outstanding_principal)
    return fee if room is None else min(fee, max(ZERO, room))


def reduced_period_fee(
    *,
    period_principal: Decimal,
    loan_principal: Decimal,
    fee_rate: Decimal,
    reduction: Decimal,
    fee_base: str,
) -> Decimal:
    """Fee of a period repaid before it starts: the rate less `reduction` (2.5 % - 0.5 % = 2.0 %).

    Rounded half-up on the lower rate itself; a reduction above the rate leaves no fee.
    """
    return period_fee(period_principal, loan_principal, max(Decimal(0), fee_rate - reduction), fee_base)
