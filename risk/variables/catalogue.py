"""The catalogue: every variable with its name, dimension, unit, source and words, generated from its family."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from risk.variables import families
from risk.variables.facts import FACTS
from risk.variables.families import Variable


@cache
def catalogue() -> tuple[Variable, ...]:
    """All variables in the order in which `compute` gives their values."""
    return tuple(_all())


def _all() -> Iterator[Variable]:
    for family in families.FAMILIES:
        yield from family.variables()


@cache
def by_name() -> dict[str, int]:
    """Where each variable stands in the catalogue."""
    return {variable.name: number for number, variable in enumerate(catalogue())}


def variable_get(name: str) -> Variable:
    """Raises KeyError for a name nobody declared."""
    return catalogue()[by_name()[name]]


@cache
def described() -> dict[str, Variable]:
    """Everything a scorecard may name, facts first."""
    return {variable.name: variable for variable in (*FACTS, *catalogue())}


@cache
def _haystacks() -> tuple[tuple[str, Variable], ...]:
    return tuple((f"{v.name} {v.zh} {v.en}".lower(), v) for v in described().values())


def search(
    words: str = "", *, dimension: str = "", source: str = "", family: str = "", unit: str = ""
) -> list[Variable]:
    """Variables whose name or description holds every word, in Chinese or English."""
    wanted = words.lower().split()
    return [
        variable
        for text, variable in _haystacks()
        if (not dimension or variable.dimension == dimension)
        and (not source or variable.source == source)
        and (not family or variable.family == family)
        and (not unit or variable.unit == unit)
        and all(part in text for part in wanted)
    ]


@dataclass(frozen=True)
class Shape:
    """How many variables of each dimension, source and family there are."""

    dimensions: dict[str, int]
    sources: dict[str, int]
    families: dict[str, int]


@cache
def shape() -> Shape:
    counts: tuple[dict[str, int], dict[str, int], dict[str, int]] = ({}, {}, {})
    for variable in catalogue():
        for count, key in zip(counts, (variable.dimension, variable.source, variable.family), strict=True):
            count[key] = count.get(key, 0) + 1
    return Shape(*counts)
