"""Scores of many customers under one scorecard: those stored and young enough, the others computed."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from accounts.models import Customer
from risk.models import CustomerScore, ProductTerms, Scorecard
from risk.rules.scorecard import catalogue_names, score_compute
from risk.rules.variables import variables_compute
from risk.selectors.facts import facts_gather
from risk.selectors.variables import variables_kept


def scores_stored(customers: Sequence[UUID], scorecard: Scorecard, oldest: date, newest: date) -> dict[UUID, Decimal]:
    """Scores of the scorecard dated between the two days."""
    rows = CustomerScore.objects.filter(
        customer__among=customers, scorecard=scorecard, as_of__gte=oldest, as_of__lte=newest
    )
    return dict(rows.values_list("customer_id", "score"))


def score_now(customer: Customer, scorecard: Scorecard, terms: ProductTerms, as_of: date) -> Decimal:
    """The score from everything known on the date."""
    definition = scorecard.definition
    values = variables_compute(facts_gather(customer, terms, as_of), definition["auxiliary"], terms.housing_fund_months)
    kept = variables_kept(customer, catalogue_names(definition), as_of)
    values |= {name: None if value is None else Decimal(value) for name, value in kept.items()}
    return score_compute(definition, values).score.quantize(Decimal("0.01"))
