"""What a loan would cost: terms of the product and the line put through the lending arithmetic. Writes nothing."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from django.utils.translation import gettext as _

from loans.errors import AmountOutOfRange, TermInvalid
from loans.maths.cost import check_cap, schedule_apr, schedule_irr
from loans.maths.errors import LoanDaysOutOfRange
from loans.maths.schedule import ScheduleRow, check_instalment_plan, check_single_days, total_cost
from loans.maths.terms import LoanTerms, Plan
from loans.models import LoanPlan
from risk.errors import LimitExceeded
from risk.models import CreditLine, ProductTerms
from risk.models.product import RegulationParameter
from risk.selectors.policy import regulation, terms_current
from weilidai.lib.money import ZERO, floor_money, round_money

ZERO_RATE = Decimal("0.000000")


@dataclass(frozen=True)
class Request:
    """What the customer asks for. `days` serves the single plan (None: the product's preset), `periods` the other."""

    amount: Decimal
    plan: str
    days: int | None = None
    periods: int | None = None


@dataclass(frozen=True)
class Price:
    """Daily rate and penalty share of the line, or of the tier a stranger would start in."""

    daily_rate: Decimal
    penalty_share: Decimal


@dataclass(frozen=True)
class Quote:
    """A loan that was not made: its agreed terms and what follows from them."""

    product: str
    product_terms: ProductTerms
    terms: LoanTerms

    @property
    def days(self) -> int | None:
        return self.terms.days or None

    @property
    def periods(self) -> int | None:
        return self.terms.periods or None

    @property
    def schedule(self) -> tuple[ScheduleRow, ...]:
        return self.terms.schedule

    @cached_property
    def interest(self) -> Decimal:
        return sum((row.interest for row in self.schedule), ZERO)

    @cached_property
    def fees(self) -> Decimal:
        return sum((row.fee for row in self.schedule), ZERO)

    @cached_property
    def total_cost(self) -> Decimal:
        return total_cost(self.schedule)

    @property
    def total_repayment(self) -> Decimal:
        return self.terms.principal + self.total_cost

    @cached_property
    def apr(self) -> Decimal:
        return schedule_apr(self.terms.start, self.schedule)

    @cached_property
    def irr(self) -> Decimal:
        return schedule_irr(self.terms.start, self.schedule)


def line_quote(line: CreditLine, request: Request, as_of: date) -> Quote:
    """The quote for a line on a business date.

    Raises AmountOutOfRange, LimitExceeded, TermInvalid, InstalmentMinimumMissed, InstalmentPeriodsRefused,
    CostCapExceeded.
    """
    product_terms = terms_current(line.product_id, as_of)
    request_check(request, product_terms, as_of)
    if request.amount > line.available_amount:
        raise LimitExceeded(available=str(line.available_amount))
    quote = quote_of(request, product_terms, Price(line.daily_rate, line.penalty_share), as_of)
    check_cap(quote.apr, quote.terms.cost_cap_rate)
    return quote


def quote_of(request: Request, product_terms: ProductTerms, price: Price, as_of: date) -> Quote:
    """The figures alone, without the checks of `line_quote`; `request` must name a term that makes sense."""
    return Quote(product_terms.product_id, product_terms, _loan_terms(request, product_terms, price, as_of))


def cost_cap_on(product_terms: ProductTerms, as_of: date) -> Decimal | None:
    """The legal cap a year, or None where the product has it switched off (R54)."""
    if not product_terms.cost_cap_enforced:
        return None
    return regulation(RegulationParameter.Name.COST_CAP_RATE, as_of)


def request_check(request: Request, product_terms: ProductTerms, as_of: date) -> None:
    """What the product and the law say of amount and term, whoever asks."""
    amount = request.amount
    if amount != floor_money(amount) or not (
        product_terms.loan_amount_min <= amount <= product_terms.limit_ceiling_amount
    ):
        raise AmountOutOfRange(
            minimum=str(product_terms.loan_amount_min), maximum=str(product_terms.limit_ceiling_amount)
        )
    if request.plan == LoanPlan.SINGLE:
        _single_check(request, product_terms, as_of)
    else:
        _instalments_check(request, product_terms)


def _single_check(request: Request, product_terms: ProductTerms, as_of: date) -> None:
    if request.periods is not None:
        raise _term_invalid("periods", "invalid", _("A single payment has no periods"))
    legal_days = int(regulation(RegulationParameter.Name.SINGLE_PAYMENT_DAYS, as_of))
    days_max = min(product_terms.single_days_max, legal_days)
    try:
        days = product_terms.single_days_default if request.days is None else request.days
        check_single_days(days, days_min=product_terms.single_days_min, days_max=days_max)
    except LoanDaysOutOfRange as error:
        detail = _("From %(least)d to %(most)d days") % {"least": product_terms.single_days_min, "most": days_max}
        raise _term_invalid("days", "invalid", detail) from error


def _instalments_check(request: Request, product_terms: ProductTerms) -> None:
    if request.days is not None:
        raise _term_invalid("days", "invalid", _("Instalments are counted in periods, not in days"))
    if request.periods is None:
        raise _term_invalid("periods", "required", _("The number of instalments is needed"))
    check_instalment_plan(
        request.amount,
        request.periods,
        minimum_amount=product_terms.instalment_amount_min,
        allowed_periods=product_terms.instalment_periods,
    )


def _term_invalid(field: str, code: str, detail: str) -> TermInvalid:
    return TermInvalid(field_errors=[{"field": field, "code": code, "detail": detail}])


def _loan_terms(request: Request, product_terms: ProductTerms, price: Price, as_of: date) -> LoanTerms:
    is_single = request.plan == LoanPlan.SINGLE
    days = product_terms.single_days_default if request.days is None else request.days
    return LoanTerms(
        plan=Plan(request.plan),
        principal=round_money(request.amount),
        start=as_of,
        daily_rate=price.daily_rate,
        days=days if is_single else 0,
        periods=0 if is_single else (request.periods or 0),
        fee_rate=ZERO_RATE if is_single else product_terms.fee_rate,
        fee_base=product_terms.fee_base,
        with_interest=is_single or product_terms.with_interest,
        prepaid_fee_reduction=ZERO_RATE if is_single else product_terms.prepaid_fee_discount,
        settlement_fee_rate=product_terms.settlement_fee_rate,
        penalty_method=product_terms.penalty_method,
        penalty_share=price.penalty_share,
        cost_cap_rate=cost_cap_on(product_terms, as_of),
        early_fees_in_cap=product_terms.early_fees_in_cap,
    )
