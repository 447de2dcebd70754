"""What a loan was agreed to be, and what happened to it since."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from loans.maths.allocation import Allocation
from loans.maths.penalty import PenaltyMethod
from loans.maths.rearrangement import Agreed, Brought
from loans.maths.schedule import FeeBase, ScheduleRow, instalment_schedule, single_schedule
from loans.maths.settlement import reduced_period_fee
from weilidai.lib.money import ZERO


class Plan(StrEnum):
    """How a loan is paid back."""

    SINGLE = "single"
    INSTALMENTS = "instalments"


@dataclass(frozen=True)
class LoanTerms:
    """Everything fixed at drawdown. `start` is the business date the money went out.

    Rates are fractions: `daily_rate` a day, `cost_cap_rate` a year (None: the cap is switched off).
    `days` serves the single plan, `periods` and the fee fields the instalment plan. After a rearrangement `start` is
    its day, and `brought` has its schedule and what the former one handed on.
    """

    plan: Plan
    principal: Decimal
    start: date
    daily_rate: Decimal
    days: int = 0
    periods: int = 0
    fee_rate: Decimal = Decimal(0)
    fee_base: str = FeeBase.PERIOD_PRINCIPAL
    with_interest: bool = False
    prepaid_fee_reduction: Decimal = Decimal(0)
    settlement_fee_rate: Decimal = Decimal(0)
    penalty_method: str = PenaltyMethod.PRINCIPAL_SHARE
    penalty_share: Decimal = Decimal(0)
    cost_cap_rate: Decimal | None = None
    early_fees_in_cap: bool = False
    brought: Brought | None = None

    @cached_property
    def schedule(self) -> tuple[ScheduleRow, ...]:
        """The normal schedule, disclosed before the loan (R59)."""
        if self.brought is not None:
            return self.brought.schedule
        if self.plan == Plan.SINGLE:
            return single_schedule(self.principal, self.daily_rate, self.start, self.days)
        return instalment_schedule(
            self.principal,
            self.periods,
            self.start,
            self.fee_rate,
            self.fee_base,
            self.with_interest,
            self.daily_rate,
        )

    @property
    def last_due_date(self) -> date:
        return self.schedule[-1].due_date

    def place(self, number: int) -> int:
        """Where the row of that number stands: numbers go on from schedule to schedule."""
        return number - self.schedule[0].number

    @property
    def version(self) -> int:
        """0 for the schedule agreed at drawdown, then one more with each rearrangement."""
        return self.brought.version if self.brought is not None else 0

    @property
    def bears_interest(self) -> bool:
        """The fee of a period stands in place of daily interest unless the product adds it (R41)."""
        return self.plan == Plan.SINGLE or self.with_interest

    @property
    def uplifts_rate(self) -> bool:
        return self.penalty_method == PenaltyMethod.RATE_UPLIFT

    def reduced_fee(self, row: ScheduleRow) -> Decimal:
        """Fee of the period when it is repaid before it starts (R42); after a rearrangement it falls away."""
        if self.plan == Plan.SINGLE or self.brought is not None:
            return ZERO
        return reduced_period_fee(
            period_principal=row.principal,
            loan_principal=self.principal,
            fee_rate=self.fee_rate,
            reduction=self.prepaid_fee_reduction,
            fee_base=self.fee_base,
        )


class EventKind(StrEnum):
    """What can happen to a loan after its drawdown."""

    REPAYMENT = "repayment"
    SETTLEMENT = "settlement"
    REVERSAL = "reversal"
    WRITE_OFF = "write_off"
    PAYOUT_RETURN = "payout_return"
    REARRANGEMENT = "rearrangement"


class Funding(StrEnum):
    """Where the money of a payment came from."""

    BANK = "bank"
    UNAPPLIED = "unapplied"


@dataclass(frozen=True, slots=True)
class LoanEvent:
    """One event. `key` names it for a reversal, whose `reverses` carries that key.

    A settlement that `may_fall_short` was enough when it was made; where the events before it were rewritten
    since and it is not any more, it pays like any repayment. A rearrangement carries what was `agreed`.
    """

    effective_date: date
    kind: EventKind
    amount: Decimal = ZERO
    key: str = ""
    reverses: str = ""
    funding: str = Funding.BANK
    may_fall_short: bool = False
    agreed: Agreed | None = None


@dataclass(frozen=True, slots=True)
class AppliedEvent:
    """What an event paid, or what a rearrangement waived: `remainder` found no debt and stays unapplied."""

    event: LoanEvent
    allocations: tuple[Allocation, ...] = ()
    settlement_fee: Decimal = ZERO
    remainder: Decimal = ZERO
