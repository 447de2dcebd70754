"""One amount and one term under every product, side by side (R31)."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

from accounts.models import Customer
from loans.maths.cost import DAYS_PER_YEAR, exceeds_cap
from loans.maths.errors import CostCapExceeded
from loans.selectors.quote import Price, Quote, Request, cost_cap_on, quote_of, request_check
from risk.errors import CreditLineFrozen, LimitExceeded
from risk.models import CreditLine, LineState, Product, ProductTerms
from risk.selectors.applications import entry_show, lines_of
from risk.selectors.policy import products_listed, tier_open
from weilidai.lib.errors import DomainError
from weilidai.lib.money import RATE_STEP


@dataclass(frozen=True)
class Comparison:
    """A product's answer. `is_own_rate` tells the customer's own rate from the highest a stranger may get."""

    product: Product
    quote: Quote
    is_own_rate: bool
    time_to_money_seconds: int
    reason: str | None

    @property
    def is_eligible(self) -> bool:
        return self.reason is None


def products_compare(customer: Customer, request: Request, as_of: date) -> list[Comparison]:
    """Cost, yearly rates, time to money and eligibility under each product on offer."""
    lines = {line.product_id: line for line in lines_of(customer).exclude(state=LineState.CLOSED)}
    return [
        _compare(customer, product, terms, lines.get(product.pk), request, as_of)
        for product, terms in products_listed(as_of)
    ]


def _compare(
    customer: Customer,
    product: Product,
    terms: ProductTerms,
    line: CreditLine | None,
    request: Request,
    as_of: date,
) -> Comparison:
    quote = quote_of(request, terms, _best_known_price(terms, line, as_of), as_of)
    return Comparison(
        product=product,
        quote=quote,
        is_own_rate=line is not None,
        time_to_money_seconds=terms.payout_target_seconds,
        reason=_obstacle(customer, product, line, quote, request, as_of),
    )


def _best_known_price(terms: ProductTerms, line: CreditLine | None, as_of: date) -> Price:
    """The line's own price, else the dearest of the tier everybody starts in, within the cost cap (R25)."""
    if line is not None:
        return Price(line.daily_rate, line.penalty_share)
    tier = tier_open(terms)
    cap = cost_cap_on(terms, as_of)
    rate = tier.daily_rate_max if cap is None else min(tier.daily_rate_max, _per_day(cap))
    return Price(rate, tier.penalty_share)


def _per_day(yearly: Decimal) -> Decimal:
    return (yearly / DAYS_PER_YEAR).quantize(RATE_STEP, rounding=ROUND_DOWN)


def _obstacle(
    customer: Customer, product: Product, line: CreditLine | None, quote: Quote, request: Request, as_of: date
) -> str | None:
    """The code of the first thing in the way, None when nothing is."""
    try:
        request_check(request, quote.product_terms, as_of)
    except DomainError as error:
        return str(error.field_errors[0]["field"] + "_out_of_range") if error.field_errors else error.code
    if exceeds_cap(quote.apr, quote.terms.cost_cap_rate):
        return CostCapExceeded.code
    if line is None:
        return _entry_obstacle(customer, product, as_of)
    if line.state == LineState.FROZEN:
        return CreditLineFrozen.code
    return LimitExceeded.code if request.amount > line.available_amount else None


def _entry_obstacle(customer: Customer, product: Product, as_of: date) -> str | None:
    entry = entry_show(customer, product, as_of)
    if not entry["available"]:
        return str(entry["reason"])
    if entry["application"] is not None:
        return "application_open"
    return entry["hints"][0] if entry["hints"] else None
