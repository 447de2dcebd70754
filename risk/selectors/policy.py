"""Which policy rows hold on a date: product, terms, scorecard, regulation, and a decision's snapshot of them."""

from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Prefetch, Q, QuerySet

from risk.errors import PolicyMissing
from risk.models import (
    LimitRaisePolicy,
    MonitoringPolicy,
    PolicyState,
    Product,
    ProductTerms,
    RegulationParameter,
    Scorecard,
    ScreeningPolicy,
    Tier,
)
from risk.models.product import VersionedPolicy
from risk.rules.limits import TierRange
from risk.selectors.remembered import remembered
from weilidai.lib.errors import ObjectNotFound

SCORECARD_CODE = "main"
P = TypeVar("P", bound=VersionedPolicy)

# The figures of the terms the pure rules read; kept with every decision.
_TERMS_FIGURES = (
    "version",
    "score_name",
    "score_minimum",
    "age_minimum",
    "activity_months",
    "activity_opens_minimum",
    "housing_fund_months",
    "limit_ceiling_amount",
    "limit_step_amount",
    "student_limit_amount",
    "cost_cap_enforced",
)
_TIER_FIGURES = (
    "code",
    "rank",
    "months_in_use_min",
    "assets_min_amount",
    "limit_min_amount",
    "limit_max_amount",
    "daily_rate_min",
    "daily_rate_max",
    "penalty_share",
)


def _valid_on(rows: QuerySet[P], as_of: date) -> P | None:
    """The newest version that was put into force and covers the date; drafts never do."""
    covering = rows.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=as_of),
        state__in=[PolicyState.ACTIVE, PolicyState.RETIRED],
        valid_from__lte=as_of,
    )
    return covering.order_by("-valid_from", "-version").first()


def product_get(code: str) -> Product:
    """Raises `ObjectNotFound` for a code that is not configured."""
    product = Product.objects.filter(code=code).first()
    if product is None:
        raise ObjectNotFound
    return product


def terms_current(product: Product | str, as_of: date) -> ProductTerms:
    """Terms in force with their tiers by rank; raises `PolicyMissing` when the date is not covered."""
    return _terms(product if isinstance(product, str) else product.pk, as_of)


@remembered
def _terms(code: str, as_of: date) -> ProductTerms:
    rows = ProductTerms.objects.filter(product_id=code).select_related("product")
    tiers = Prefetch("tiers", queryset=Tier.objects.order_by("rank"))
    terms = _valid_on(rows.prefetch_related(tiers), as_of)
    if terms is None:
        raise PolicyMissing
    return terms


@remembered
def scorecard_current(as_of: date, code: str = SCORECARD_CODE) -> Scorecard:
    scorecard = _valid_on(Scorecard.objects.filter(code=code), as_of)
    if scorecard is None:
        raise PolicyMissing
    return scorecard


@remembered
def monitoring_current(as_of: date) -> MonitoringPolicy:
    """How alerts and referrals are watched. Where no row covers the date the shipped figures hold: no alert is lost."""
    return _valid_on(MonitoringPolicy.objects.filter(code="desk"), as_of) or MonitoringPolicy()


@remembered
def raises_current(as_of: date) -> LimitRaisePolicy:
    """What raises a limit and by how much. Where no row covers the date the shipped figures hold."""
    return _valid_on(LimitRaisePolicy.objects.filter(code="main"), as_of) or LimitRaisePolicy()


@remembered
def screening_covering(as_of: date) -> ScreeningPolicy | None:
    """The pipeline of layers in force on the date, without its definition; None where none covers it."""
    return _valid_on(ScreeningPolicy.objects.filter(code="main").defer("definition"), as_of)


def tier_ranges(terms: ProductTerms) -> list[TierRange]:
    """The tiers as the pure rules read them, by rank."""
    return [TierRange(**{name: getattr(tier, name) for name in _TIER_FIGURES}) for tier in terms.tiers.all()]


def tier_open(terms: ProductTerms) -> Tier:
    """The tier a stranger starts in, whatever it is called: the highest of those that ask for nothing."""
    return max(
        (tier for tier in terms.tiers.all() if tier.months_in_use_min == 0 and tier.assets_min_amount == 0),
        key=lambda tier: tier.rank,
    )


@remembered
def regulation(name: str, as_of: date) -> Decimal:
    """The figure of the law on a date (R54): a `RegulationParameter.Name`."""
    value = (
        RegulationParameter.objects.filter(name=name, valid_from__lte=as_of)
        .order_by("-valid_from")
        .values_list("value", flat=True)
        .first()
    )
    if value is None:
        raise PolicyMissing
    return value


def policy_snapshot(terms: ProductTerms, scorecard: Scorecard, as_of: date) -> dict[str, Any]:
    """Every figure `decide` reads, as JSON: later versions cannot change an old decision (R21)."""
    names = RegulationParameter.Name
    return {
        **terms_snapshot(terms),
        "scorecard": {
            "code": scorecard.code,
            "version": scorecard.version,
            "definition": scorecard.definition,
        },
        "cost_cap_rate": str(regulation(names.COST_CAP_RATE, as_of)),
        "household_credit_amount": str(regulation(names.HOUSEHOLD_CREDIT_AMOUNT, as_of)),
    }


def terms_snapshot(terms: ProductTerms) -> dict[str, Any]:
    """The figures of the terms and of their tiers by rank, as JSON."""
    return {
        "terms": {"product": terms.product_id, **_plain(terms, _TERMS_FIGURES)},
        "tiers": [_plain(tier, _TIER_FIGURES) for tier in sorted(terms.tiers.all(), key=lambda tier: tier.rank)],
    }


def _plain(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def products_listed(as_of: date) -> list[tuple[Product, ProductTerms]]:
    """Products open for business with their terms on the date; one without terms is not offered yet."""
    listed = []
    for product in Product.objects.filter(is_open=True):
        try:
            listed.append((product, terms_current(product, as_of)))
        except PolicyMissing:
            continue
    return listed
