"""Points from a scorecard's definition: five weighted dimensions, bonuses, graded deductions (R15, R17, R18). Pure."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext

from risk.rules.reasons import REASON_CODES
from risk.rules.variables import DERIVED_NAMES, VARIABLE_NAMES
from risk.variables.catalogue import by_name

DIMENSIONS = ("consumption", "social", "capacity", "device_stability", "external_credit")
WEIGHT_TOTAL = Decimal(100)
ZERO_POINTS = Decimal(0)
# Nothing a scorecard compares or adds has more digits than this, before or behind the point.
FIGURE_DIGITS = 15
DAYS_MAX = 36_500
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
    return Scorer(definition).score(values)


class Scorer:
    """A definition made ready for many: people whose values fall into the same bins share one answer per dimension."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.bonuses, self.deductions = definition["bonuses"], definition["deductions"]
        self.dimensions = [_Dimension(dimension, self.deductions) for dimension in definition["dimensions"]]

    def score(self, values: Values) -> Scored:
        """See `score_compute`."""
        bonuses = [bonus_points(rule, values[rule["variable"]]) for rule in self.bonuses]
        deductions = [deduction_points(rule, values[rule["variable"]]) for rule in self.deductions]
        both = [dimension.points(values, deductions) for dimension in self.dimensions]
        total = sum((gross.points for gross, _ in both), ZERO_POINTS)
        total += sum(bonuses, ZERO_POINTS) - sum(deductions, ZERO_POINTS)
        adjustments = [
            Adjustment(rule["code"], sign * points if points else ZERO_POINTS)
            for rules, found, sign in ((self.bonuses, bonuses, 1), (self.deductions, deductions, -1))
            for rule, points in zip(rules, found, strict=True)
        ]
        score = min(max(total, ZERO_POINTS), WEIGHT_TOTAL)
        return Scored(score, tuple(net for _, net in both), tuple(adjustments))


class _Dimension:
    def __init__(self, dimension: dict[str, Any], deductions: list[dict[str, Any]]) -> None:
        self.code, self.weight = dimension["code"], _number(dimension["weight"])
        self.variables = [_Variable(variable) for variable in dimension["variables"]]
        self.rules = [place for place, rule in enumerate(deductions) if rule["dimension"] == self.code]
        self._known: dict[tuple[Any, ...], tuple[DimensionPoints, DimensionPoints]] = {}

    def points(self, values: Values, deductions: list[Decimal]) -> tuple[DimensionPoints, DimensionPoints]:
        """Before and after what is deducted from it."""
        bins = tuple(variable.bin_of(values[variable.name]) for variable in self.variables)
        taken = tuple(deductions[place] for place in self.rules)
        if (bins, taken) not in self._known:
            variables = tuple(v.points[place] for v, place in zip(self.variables, bins, strict=True))
            points = sum((variable.points for variable in variables), ZERO_POINTS)
            gross = DimensionPoints(self.code, self.weight, min(max(points, ZERO_POINTS), self.weight), variables)
            self._known[bins, taken] = gross, _net(gross, sum(taken, ZERO_POINTS))
        return self._known[bins, taken]


class _Variable:
    """`points` of each bin, those of a missing value last."""

    def __init__(self, variable: dict[str, Any]) -> None:
        self.name = variable["name"]
        self.bounds = [_number(entry["below"]) if "below" in entry else None for entry in variable["bins"]]
        figures = [_number(entry["points"]) for entry in variable["bins"]]
        best = max(figures)
        reason, missing = variable["reason"], _number(variable["missing"])
        self.points = [VariablePoints(self.name, reason, points, best) for points in (*figures, missing)]

    def bin_of(self, value: Decimal | None) -> int:
        """Place of the first bin whose upper bound lies above the value; the bound belongs to the next bin."""
        if value is None:
            return -1
        for place, bound in enumerate(self.bounds):
            if bound is None or value < bound:
                return place
        raise ScorecardInvalid(f"{self.name}: the last bin must be open")


def _net(dimension: DimensionPoints, taken: Decimal) -> DimensionPoints:
    net = max(dimension.points - taken, ZERO_POINTS)
    return DimensionPoints(dimension.code, dimension.weight, net, dimension.variables)


def scorecard_check(definition: dict[str, Any]) -> None:
    """Raises `ScorecardInvalid` on a definition that must not be activated: whatever a decision reads is looked at."""
    try:
        _check_whole(definition)
    except KeyError as error:
        raise ScorecardInvalid(gettext("{name} is missing").format(name=error.args[0])) from error
    except (TypeError, AttributeError, IndexError) as error:
        raise ScorecardInvalid(gettext("This is not the definition of a scorecard")) from error


def _check_whole(definition: dict[str, Any]) -> None:
    codes = tuple(dimension["code"] for dimension in definition["dimensions"])
    if codes != DIMENSIONS:
        raise ScorecardInvalid(gettext("The dimensions must be {names}").format(names=", ".join(DIMENSIONS)))
    weights = [_figure(d["weight"], d["code"], above=ZERO_POINTS) for d in definition["dimensions"]]
    if sum(weights, ZERO_POINTS) != WEIGHT_TOTAL:
        raise ScorecardInvalid(gettext("The weights must sum to 100"))
    for dimension, weight in zip(definition["dimensions"], weights, strict=True):
        _check_dimension(dimension, weight)
    for rule in definition["bonuses"]:
        _check_text(rule["code"], "bonuses")
        _check_name(rule["variable"])
        _figure(rule["above"], rule["code"])
        _figure(rule["points"], rule["code"], least=ZERO_POINTS)
    for rule in definition["deductions"]:
        _check_grades(rule)
    _check_outside(definition)
    approve_from, top = (_figure(definition[name], name) for name in ("approve_from", "top_score"))
    if not ZERO_POINTS <= approve_from < top <= WEIGHT_TOTAL:
        raise ScorecardInvalid(gettext("0 ≤ approve_from < top_score ≤ 100 must hold"))


def _told(words: str, where: str, stored: Any = "") -> str:
    return words.format(where=where, value=str(stored)[:40])


def _figure(stored: Any, where: str, *, least: Decimal | None = None, above: Decimal | None = None) -> Decimal:
    """A figure as scorecards keep it: text of an ordinary number, so that it is exact."""
    try:
        value = Decimal(stored) if isinstance(stored, str) else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or not -FIGURE_DIGITS < value.adjusted() < FIGURE_DIGITS:
        raise ScorecardInvalid(_told(gettext("{where}: {value} is no figure"), where, stored))
    if (least is not None and value < least) or (above is not None and value <= above):
        raise ScorecardInvalid(_told(gettext("{where}: {value} is too small"), where, stored))
    return value


def _check_days(stored: Any, where: str) -> None:
    if type(stored) is not int or not 0 <= stored <= DAYS_MAX:
        raise ScorecardInvalid(_told(gettext("{where}: {value} is no number of days"), where, stored))


def _check_text(stored: Any, where: str) -> None:
    if not isinstance(stored, str) or not stored:
        raise ScorecardInvalid(_told(gettext("{where}: {value} is no code"), where, stored))


def _check_outside(definition: dict[str, Any]) -> None:
    """What is asked of the credit report and of the items that are cross-checked (R5)."""
    for name in ("worst_dpd_reject_from", "bureau_max_age_days"):
        _check_days(definition[name], name)
    for name, rule in definition["auxiliary"].items():
        _figure(rule["weight"], name, least=ZERO_POINTS)
        _check_days(rule["fresh_days"], name)


def _check_dimension(dimension: dict[str, Any], weight: Decimal) -> None:
    total = ZERO_POINTS
    for variable in dimension["variables"]:
        name = variable["name"]
        _check_name(name)
        if variable["reason"] not in REASON_CODES:
            raise ScorecardInvalid(_told(gettext("{where}: unknown reason {value}"), name, variable["reason"]))
        bounds = [_figure(entry["below"], name) for entry in variable["bins"] if "below" in entry]
        if bounds != sorted(bounds) or len(bounds) != len(variable["bins"]) - 1 or "below" in variable["bins"][-1]:
            raise ScorecardInvalid(_told(gettext("{where}: bins must rise and end with an open one"), name))
        best = max(_figure(entry["points"], name) for entry in variable["bins"])
        if _figure(variable["missing"], name) > best:
            raise ScorecardInvalid(
                _told(gettext("{where}: a missing value must not earn more than the best bin"), name)
            )
        total += best
    if total != weight:
        raise ScorecardInvalid(_told(gettext("{where}: the best bins must sum to the weight"), dimension["code"]))


def _check_grades(rule: dict[str, Any]) -> None:
    code = rule["code"]
    _check_text(code, "deductions")
    _check_name(rule["variable"])
    if rule["dimension"] not in DIMENSIONS:
        raise ScorecardInvalid(_told(gettext("{where}: unknown dimension {value}"), code, rule["dimension"]))
    low, high = (_figure(rule[name], code, least=ZERO_POINTS) for name in ("points_min", "points_max"))
    grades = [(_figure(grade["from"], code), _figure(grade["points"], code)) for grade in rule["grades"]]
    points = [value for _, value in grades]
    if grades != sorted(grades) or points != sorted(points) or not all(low <= value <= high for value in points):
        raise ScorecardInvalid(_told(gettext("{where}: grades must rise inside {value}"), code, f"{low}–{high}"))


def _check_name(name: str) -> None:
    if name not in VARIABLE_NAMES + DERIVED_NAMES and name not in by_name():
        raise ScorecardInvalid(_told(gettext("{where}: no variable has this name"), str(name)[:80]))
