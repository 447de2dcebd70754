"""What lending arithmetic refuses; `code` is the error code a client sees.

Each is a `DomainError`, so that the API can tell it, and a `ValueError`, because to the arithmetic it
is a wrong value.
"""

from django.utils.translation import gettext_lazy as _

from weilidai.lib.errors import DomainError


class MathsRefusal(DomainError, ValueError):
    """A figure the lending rules do not allow. Never raised for what only looks unusual."""

    http_state = 422


class PrincipalOutOfRange(MathsRefusal):
    """A loan needs a positive principal in whole fen."""

    code = "amount_out_of_range"
    title = _("The amount is outside what this product lends")


class LoanDaysOutOfRange(MathsRefusal):
    """The term of a single-payment loan lies outside what the product and the law allow (R54)."""

    code = "days_out_of_range"
    title = _("The number of days is outside what this product allows")


class InstalmentMinimumMissed(MathsRefusal):
    """The loan is too small to be paid in instalments (R40)."""

    code = "instalment_minimum"
    title = _("The amount is too small for instalments")


class InstalmentPeriodsRefused(MathsRefusal):
    """This number of periods is not on offer, or not open any more (R40)."""

    code = "instalment_periods"
    title = _("This number of instalments is not possible")


class CostCapExceeded(MathsRefusal):
    """The normal schedule costs more a year than the law allows (R54)."""

    code = "cost_cap_exceeded"
    title = _("The yearly cost is above the legal cap")


class SettlementAmountShort(MathsRefusal):
    """A settlement brings less than its quote; it would leave the loan open without its later fees."""

    code = "settlement_amount_short"
    title = _("The amount does not settle the loan")


class ReversalUnknown(MathsRefusal):
    """A reversal names no earlier event of the loan."""

    code = "reversal_unknown"
    title = _("There is nothing to reverse")


class NoRateOfReturn(MathsRefusal):
    """The flows do not change sign, so no yearly rate makes them cancel."""

    code = "no_rate_of_return"
    title = _("These payments have no yearly rate")
