"""Hard rules of admission: score, real name, age, activity (R2–R4). Pure."""

from decimal import Decimal
from typing import Any

from risk.rules.facts import ActivityMonth, CustomerFacts

SCORE_BELOW_MINIMUM = "score_below_minimum"
IDENTITY_NOT_VERIFIED = "identity_not_verified"
BANK_CARD_REQUIRED = "bank_card_required"
AGE_BELOW_MINIMUM = "age_below_minimum"
ACTIVITY_INSUFFICIENT = "activity_insufficient"


def score_reaches(score: int | None, minimum: int) -> bool:
    """An unknown score reaches nothing."""
    return score is not None and score >= minimum


def month_is_active(month: ActivityMonth, opens_minimum: Decimal) -> bool:
    """Mean of daily opens ≥ minimum, compared as totals so that nothing is rounded: 92 of 31 days is below 3."""
    return Decimal(month.opens) >= opens_minimum * month.days


def is_active(months: tuple[ActivityMonth, ...], months_required: int, opens_minimum: Decimal) -> bool:
    """Every one of the required months; a month without rows has no opens."""
    return len(months) >= months_required and all(
        month_is_active(month, opens_minimum) for month in months[-months_required:]
    )


def identity_failures(facts: CustomerFacts) -> list[str]:
    """Identity card and bank card: one of two is not enough (R3)."""
    failures = [] if facts.identity_verified else [IDENTITY_NOT_VERIFIED]
    return failures if facts.bank_card_verified else [*failures, BANK_CARD_REQUIRED]


def admission_failures(facts: CustomerFacts, terms: dict[str, Any]) -> list[str]:
    """Codes of the hard rules that are not met, in the order in which they are told. Empty: admitted."""
    failures = identity_failures(facts)
    if facts.age_years is None or facts.age_years < terms["age_minimum"]:
        failures.append(AGE_BELOW_MINIMUM)
    if not score_reaches(facts.score, terms["score_minimum"]):
        failures.append(SCORE_BELOW_MINIMUM)
    opens_minimum = Decimal(terms["activity_opens_minimum"])
    if not is_active(facts.activity, terms["activity_months"], opens_minimum):
        failures.append(ACTIVITY_INSUFFICIENT)
    return failures


def admission_flags(facts: CustomerFacts, terms: dict[str, Any]) -> dict[str, bool]:
    """Which visible rules are met, one by one: what the funnel (R8) and the approval band (R7) count."""
    failures = set(admission_failures(facts, terms))
    return {
        "meets_score": SCORE_BELOW_MINIMUM not in failures,
        "meets_real_name": not failures & {IDENTITY_NOT_VERIFIED, BANK_CARD_REQUIRED},
        "meets_age": AGE_BELOW_MINIMUM not in failures,
        "meets_activity": ACTIVITY_INSUFFICIENT not in failures,
    }
