"""What lending arithmetic refuses; `code` is the error code a client sees."""

from typing import ClassVar


class MathsRefusal(ValueError):
    """A figure the lending rules do not allow. Never raised for what only looks unusual."""

    code: ClassVar[str] = "invalid"


class PrincipalOutOfRange(MathsRefusal):
    """A loan needs a positive principal in whole fen."""

    code = "amount_out_of_range"


class LoanDaysOutOfRange(MathsRefusal):
    """The term of a single-payment loan lies outside what the product and the law allow (R54)."""

    code = "days_out_of_range"


class InstalmentMinimumMissed(MathsRefusal):
    """The loan is too small to be paid in instalments (R40)."""

    code = "instalment_minimum"


class InstalmentPeriodsRefused(MathsRefusal):
    """The product does not offer this number of periods (R40)."""

    code = "instalment_periods"


class CostCapExceeded(MathsRefusal):
    """The normal schedule costs more a year than the law allows (R54)."""

    code = "cost_cap_exceeded"


class SettlementAmountShort(MathsRefusal):
    """A settlement brings less than its quote; it would leave the loan open without its later fees."""

    code = "settlement_amount_short"


class NoRateOfReturn(MathsRefusal):
    """The flows do not change sign, so no yearly rate makes them cancel."""

    code = "no_rate_of_return"
