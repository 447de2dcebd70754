"""Are a product's figures such that everything which reads them can work? Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

# Lowest and highest value of each figure; a typing mistake stops here and not at the next customer's request.
FEN, MICRO, AMOUNT_MAX = "0.01", "0.000001", "100000000.00"
RANGES: dict[str, tuple[str, str]] = {
    "score_minimum": ("0", "10000"),
    "age_minimum": ("18", "120"),
    "activity_months": ("1", "60"),
    "activity_opens_minimum": ("0", "1000"),
    "invitation_days": ("1", "3650"),
    "application_days": ("1", "3650"),
    "face_error_rate_below": (MICRO, "1"),
    "verification_failures_allowed": ("0", "100"),
    "verification_lock_hours": ("1", "8760"),
    "limit_ceiling_amount": (FEN, AMOUNT_MAX),
    "limit_step_amount": (FEN, AMOUNT_MAX),
    "student_limit_amount": ("0", AMOUNT_MAX),
    "daily_rate_min": ("0", "1"),
    "daily_rate_max": ("0", "1"),
    "loan_amount_min": (FEN, AMOUNT_MAX),
    "single_days_min": ("1", "3650"),
    "single_days_max": ("1", "3650"),
    "single_days_default": ("1", "3650"),
    "instalment_amount_min": ("0", AMOUNT_MAX),
    "fee_rate": ("0", "1"),
    "prepaid_fee_discount": ("0", "1"),
    "settlement_fee_rate": ("0", "1"),
    "appeal_reminder_working_days": ("1", "60"),
    "appeal_answer_working_days": ("1", "60"),
    "appeal_answer_hour": ("0", "23"),
    "gift_amount_max": ("0", AMOUNT_MAX),
    "gift_offer_days": ("1", "3650"),
    "gift_use_days": ("1", "3650"),
    "voucher_amount_min": ("0", AMOUNT_MAX),
    "voucher_days": ("1", "3650"),
}
TIER_RANGES: dict[str, tuple[str, str]] = {
    "assets_min_amount": ("0", "9999999999999.99"),
    "limit_min_amount": ("0", AMOUNT_MAX),
    "limit_max_amount": ("0", AMOUNT_MAX),
    "daily_rate_min": ("0", "1"),
    "daily_rate_max": ("0", "1"),
    "penalty_share": ("0", "1"),
}
# The second never lies below the first.
PAIRS = (
    ("daily_rate_min", "daily_rate_max"),
    ("single_days_min", "single_days_max"),
    ("single_days_min", "single_days_default"),
    ("single_days_default", "single_days_max"),
    ("prepaid_fee_discount", "fee_rate"),
    ("appeal_reminder_working_days", "appeal_answer_working_days"),
)
PERIODS_MAX = 120

Fault = tuple[str, Any]


def terms_faults(terms: Any, tiers: list[Any]) -> Iterator[Fault]:
    """Field and what is wrong with it, for each figure of the terms and of their tiers."""
    yield from _outside(terms, RANGES)
    for low, high in PAIRS:
        if getattr(terms, low) > getattr(terms, high):
            yield high, _("A range must not end below its beginning")
    periods = terms.instalment_periods
    whole = isinstance(periods, list) and all(type(n) is int and 1 <= n <= PERIODS_MAX for n in periods)
    if not whole or sorted(set(periods)) != periods:
        yield "instalment_periods", _("Rising whole numbers of periods, 1 to {high}").format(high=PERIODS_MAX)
    if not any(tier.months_in_use_min == 0 and tier.assets_min_amount == 0 for tier in tiers):
        yield "tiers", _("One tier must be open to everybody")
    if len({tier.rank for tier in tiers}) != len(tiers):
        yield "tiers", _("Each tier has a rank of its own")
    for tier in tiers:
        yield from (("tiers", f"{tier}: {detail}") for _field, detail in _outside(tier, TIER_RANGES))
        if tier.limit_min_amount > tier.limit_max_amount or tier.daily_rate_min > tier.daily_rate_max:
            yield "tiers", _("A range must not end below its beginning")


def _outside(row: Any, ranges: dict[str, tuple[str, str]]) -> Iterator[Fault]:
    for name, (low, high) in ranges.items():
        if not Decimal(low) <= getattr(row, name) <= Decimal(high):
            label = row._meta.get_field(name).verbose_name
            yield name, _("{name}: from {low} to {high}").format(name=label, low=low, high=high)
