"""Points from a scorecard's definition: five weighted dimensions, bonuses, graded deductions (R15, R17, R18). Pure."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from risk.rules.variables import DERIVED_NAMES, VARIABLE_NAMES
from risk.variables.catalogue import by_name

DIMENSIONS = ("consumption", "social", "capacity", "device_stability", "external_credit")
WEIGHT_TOTAL = Decimal(100)
ZERO_POINTS = Decimal(0)
Values = dict[str, Decimal | None]


class ScorecardInvalid(ValueError):
    """The definition breaks a rule every scorecard must hold."""


@dataclass(frozen=True)
class VariablePoints:
    name: str
    reason: str
    points: Decimal
    best: Decimal


@dataclass(frozen=True)
class DimensionPoints:
    """`points` lies between 0 and `weight`, after deductions."""

    code: str
    weight: Decimal
    points: Decimal
    variables: tuple[VariablePoints, ...]


@dataclass(frozen=True)
class Adjustment:
    """A bonus (positive) or a deduction (negative), whole: what a dimension cannot bear is taken from the sum."""

    code: str
    points: Decimal


@dataclass(frozen=True)
class Scored:
    score: Decimal
    dimensions: tuple[DimensionPoints, ...]
    adjustments: tuple[Adjustment, ...]


def names_used(definition: dict[str, Any]) -> list[str]:
    """Every variable the scorecard asks for, once, in its order."""
    names = [v["name"] for dimension in definition["dimensions"] for v in dimension["variables"]]
    return list(dict.fromkeys(names + [rule["variable"] for rule in definition["bonuses"] + definition["deductions"]]))


def catalogue_names(definition: dict[str, Any]) -> list[str]:
    """Those of them that come from the catalogue, not from the facts."""
    return [name for name in names_used(definition) if name not in VARIABLE_NAMES + DERIVED_NAMES]


@lru_cache(maxsize=20_000)
def _number(text: str) -> Decimal:
    """A scorecard's figures are texts; a batch asks for the same few a million times."""
    return Decimal(text)


def bin_points(variable: dict[str, Any], value: Decimal | None) -> Decimal:
    """Points of the first bin whose upper bound lies above the value; the bound belongs to the next bin."""
    if value is None:
        return _number(variable["missing"])
    for entry in variable["bins"]:
        if "below" not in entry or value < _number(entry["below"]):
            return _number(entry["points"])
    raise ScorecardInvalid(f"{variable['name']}: the last bin must be open")


def deduction_points(rule: dict[str, Any], value: Decimal | None) -> Decimal:
    """0 below the first grade, then the highest grade reached, never outside the rule's own bounds (R18)."""
    reached = [_number(g["points"]) for g in rule["grades"] if value is not None and value >= _number(g["from"])]
    if not reached:
        return ZERO_POINTS
    return min(max(*reached, _number(rule["points_min"])), _number(rule["points_max"]))


def bonus_points(rule: dict[str, Any], value: Decimal | None) -> Decimal:
    """The rule's points when the value lies above its bound, the bound itself excluded."""
    return _number(rule["points"]) if value is not None and value > _number(rule["above"]) else ZERO_POINTS


def score_compute(definition: dict[str, Any], values: Values) -> Scored:
    """Score from 0 to 100: dimensions net of deductions, plus bonuses, less what a dimension could not bear."""
    bonuses = [(rule, bonus_points(rule, values[rule["variable"]])) for rule in definition["bonuses"]]
    deductions = [(rule, deduction_points(rule, values[rule["variable"]])) for rule in definition["deductions"]]
    gross = [_dimension(dimension, values) for dimension in definition["dimensions"]]
    taken = {d.code: sum((p for r, p in deductions if r["dimension"] == d.code), ZERO_POINTS) for d in gross}
    total = sum((d.points for d in gross), ZERO_POINTS)
    total += sum((p for _, p in bonuses), ZERO_POINTS) - sum((p for _, p in deductions), ZERO_POINTS)
    return Scored(
        score=min(max(total, ZERO_POINTS), WEIGHT_TOTAL),
        dimensions=tuple(_net(d, taken[d.code]) for d in gross),
        adjustments=tuple(
            Adjustment(rule["code"], sign * points if points else ZERO_POINTS)
            for rules, sign in ((bonuses, 1), (deductions, -1))
            for rule, points in rules
        ),
    )


def _dimension(dimension: dict[str, Any], values: Values) -> DimensionPoints:
    weight = _number(dimension["weight"])
    variables = tuple(
        VariablePoints(v["name"], v["reason"], bin_points(v, values[v["name"]]), _best(v))
        for v in dimension["variables"]
    )
    points = sum((variable.points for variable in variables), ZERO_POINTS)
    return DimensionPoints(dimension["code"], weight, min(max(points, ZERO_POINTS), weight), variables)


def _net(dimension: DimensionPoints, taken: Decimal) -> DimensionPoints:
    net = max(dimension.points - taken, ZERO_POINTS)
    return DimensionPoints(dimension.code, dimension.weight, net, dimension.variables)


def _best(variable: dict[str, Any]) -> Decimal:
    return max(_number(entry["points"]) for entry in variable["bins"])


def scorecard_check(definition: dict[str, Any]) -> None:
    """Raises `ScorecardInvalid` on a definition that must not be activated."""
    codes = tuple(dimension["code"] for dimension in definition["dimensions"])
    if codes != DIMENSIONS:
        raise ScorecardInvalid(f"dimensions must be {', '.join(DIMENSIONS)}")
    if sum((Decimal(d["weight"]) for d in definition["dimensions"]), ZERO_POINTS) != WEIGHT_TOTAL:
        raise ScorecardInvalid("weights must sum to 100")
    for dimension in definition["dimensions"]:
        _check_dimension(dimension)
    for rule in definition["bonuses"] + definition["deductions"]:
        _check_name(rule["variable"])
    for rule in definition["deductions"]:
        _check_grades(rule)
    if not ZERO_POINTS <= Decimal(definition["approve_from"]) < Decimal(definition["top_score"]) <= WEIGHT_TOTAL:
        raise ScorecardInvalid("0 ≤ approve_from < top_score ≤ 100 must hold")


def _check_dimension(dimension: dict[str, Any]) -> None:
    for variable in dimension["variables"]:
        _check_name(variable["name"])
        bounds = [Decimal(entry["below"]) for entry in variable["bins"] if "below" in entry]
        if bounds != sorted(bounds) or len(bounds) != len(variable["bins"]) - 1 or "below" in variable["bins"][-1]:
            raise ScorecardInvalid(f"{variable['name']}: bins must rise and end with an open one")
    best = sum((_best(variable) for variable in dimension["variables"]), ZERO_POINTS)
    if best != Decimal(dimension["weight"]):
        raise ScorecardInvalid(f"{dimension['code']}: the best bins must sum to the weight")


def _check_grades(rule: dict[str, Any]) -> None:
    points = [Decimal(grade["points"]) for grade in rule["grades"]]
    low, high = Decimal(rule["points_min"]), Decimal(rule["points_max"])
    if points != sorted(points) or not all(low <= value <= high for value in points):
        raise ScorecardInvalid(f"{rule['code']}: grades must rise inside {low} to {high}")


def _check_name(name: str) -> None:
    if name not in VARIABLE_NAMES + DERIVED_NAMES and name not in by_name():
        raise ScorecardInvalid(f"unknown variable {name}")
