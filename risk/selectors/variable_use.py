"""What the back office shows of one variable: who uses it, how its values spread, what one customer's is (R16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Q

from accounts.models import Customer
from risk.models import Decision, PolicyState, Product, Scorecard
from risk.rules.facts import CustomerFacts, facts_load
from risk.rules.scorecard import names_used
from risk.rules.variables import variables_compute
from risk.selectors.facts import facts_gather
from risk.selectors.known import Known
from risk.selectors.policy import scorecard_current, terms_current
from risk.selectors.variables import batch_variables, customer_variables
from risk.variables.facts import FAMILY
from risk.variables.families import Variable
from weilidai.lib.prepared import gather

DECISIONS = 200
SCORECARDS = 50
BARS = 12
STEP = Decimal("0.0001")


@dataclass(frozen=True)
class Use:
    """One place of a scorecard: a dimension's variable, a bonus or a deduction. `rows` are bounds and points."""

    scorecard: Scorecard
    kind: str
    dimension: str
    rows: tuple[tuple[str | None, str | None, str], ...]
    missing: str


@dataclass(frozen=True)
class Spread:
    """`bars` are bounds and how many lie between them; `asked` people in all, `missing` of them without a value."""

    bars: tuple[tuple[Decimal, Decimal, int], ...]
    missing: int
    asked: int
    is_kept: bool


def variable_uses(name: str) -> list[Use]:
    """Places in scorecards in force, drafted or run as challengers, newest first."""
    rows = Scorecard.objects.filter(Q(state__in=[PolicyState.ACTIVE, PolicyState.DRAFT]) | Q(is_shadow=True))
    return [use for card in rows.order_by("code", "-version")[:SCORECARDS] for use in _uses(card, name)]


def _uses(card: Scorecard, name: str) -> list[Use]:
    found = []
    for dimension in card.definition.get("dimensions", []):
        for variable in dimension.get("variables", []):
            if variable["name"] == name:
                bounds = _bounds(variable["bins"])
                found.append(Use(card, "dimension", dimension["code"], bounds, variable["missing"]))
    for rule in card.definition.get("bonuses", []):
        if rule["variable"] == name:
            found.append(Use(card, "bonus", "", ((rule["above"], None, f"+{rule['points']}"),), "0"))
    for rule in card.definition.get("deductions", []):
        if rule["variable"] == name:
            found.append(Use(card, "deduction", rule["dimension"], _grades(rule["grades"]), "0"))
    return found


def _bounds(bins: Sequence[dict[str, str]]) -> tuple[tuple[str | None, str | None, str], ...]:
    lows: list[str | None] = [None, *(entry.get("below") for entry in bins[:-1])]
    return tuple((low, entry.get("below"), entry["points"]) for low, entry in zip(lows, bins, strict=True))


def _grades(grades: Sequence[dict[str, str]]) -> tuple[tuple[str | None, str | None, str], ...]:
    highs = [*(grade["from"] for grade in grades[1:]), None]
    return tuple((grade["from"], high, f"−{grade['points']}") for grade, high in zip(grades, highs, strict=True))


def variable_spread(variable: Variable, as_of: date) -> Spread:
    """Over the latest decisions by the rules: values they kept, else those of the same people on the date."""
    latest = Decision.objects.filter(decided_by__isnull=True).order_by("-id")[:DECISIONS]
    if variable.family == FAMILY:
        return spread_of([_kept_fact(inputs, variable.name) for inputs in latest.values_list("inputs", flat=True)])
    people = list(dict.fromkeys(latest.values_list("customer_id", flat=True)))
    if not people:
        return spread_of([], is_kept=False)
    values = batch_variables(people, as_of)
    return spread_of([values.of(row, variable.name) for row in range(len(people))], is_kept=False)


def _kept_fact(inputs: dict[str, Any], name: str) -> Decimal | None:
    return values_kept(inputs)[name]


def values_kept(inputs: dict[str, Any]) -> dict[str, Decimal | None]:
    """Every value a decision was made from: those of its facts, and those of the catalogue it kept."""
    policy = inputs["policy"]
    definition, months = policy["scorecard"]["definition"], policy["terms"]["housing_fund_months"]
    values = variables_compute(facts_load(inputs["facts"]), definition["auxiliary"], months)
    kept = inputs.get("variables", {}).items()
    return values | {name: None if value is None else Decimal(value) for name, value in kept}


def decision_values(decision: Decision) -> dict[str, Decimal | None]:
    """What the scorecard of a decision looked at, in its order."""
    values = values_kept(decision.inputs)
    return {name: values.get(name) for name in names_used(decision.inputs["policy"]["scorecard"]["definition"])}


def spread_of(values: Sequence[Decimal | None], *, is_kept: bool = True) -> Spread:
    """Few different values each have a bar; many fall into bars of equal width, their ends open for outliers."""
    known = sorted(value for value in values if value is not None)
    distinct = sorted(set(known))
    each = tuple((value, value, known.count(value)) for value in distinct[:BARS])
    bars = each if len(distinct) <= BARS else _bars(known)
    return Spread(bars, len(values) - len(known), len(values), is_kept)


def _bars(known: list[Decimal]) -> tuple[tuple[Decimal, Decimal, int], ...]:
    """Inner bounds lie between the 5th and the 95th of a hundred."""
    low, high = known[len(known) // 20], known[-1 - len(known) // 20]
    width = (high - low) / (BARS - 2)
    inner = sorted({(low + width * n).quantize(STEP) for n in range(BARS - 1)})
    edges = [min(known[0], inner[0]), *inner, max(known[-1], inner[-1])]
    last = len(edges) - 2
    return tuple(
        (below, above, sum(below <= value and (value < above or n == last) for value in known))
        for n, (below, above) in enumerate(pairwise(edges))
        if below < above or n == last
    )


def variable_of(customer: Customer, variable: Variable, as_of: date) -> tuple[Decimal | None, bool]:
    """The value on the date, and whether the customer agreed to its use; None is missing."""
    known = Known(customer, as_of)
    [consents] = gather(known.consents(), answers=known.answers)
    agreed = not variable.consent or variable.consent in consents
    if variable.family != FAMILY:
        return customer_variables(customer, as_of, [variable.name], known)[variable.name], agreed
    product = Product.objects.order_by("position", "code").first()
    if product is None:
        return None, agreed
    terms = terms_current(product, as_of)
    facts: CustomerFacts = facts_gather(customer, terms, as_of, known)
    auxiliary = scorecard_current(as_of).definition["auxiliary"]
    return variables_compute(facts, auxiliary, terms.housing_fund_months)[variable.name], agreed
