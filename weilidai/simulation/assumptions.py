"""`population.toml` read: what the simulation assumes about people, and nothing else."""

import tomllib
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("population.toml")


@dataclass(frozen=True)
class Kind:
    """One occupation; medians and shares as the file explains them."""

    occupation: str
    share: float
    idle: float
    low_score: float
    payments_month: float
    payment_amount: int
    friends: int
    groups: float
    wealth: int
    card: float
    card_payment: int
    items: int
    housing_fund: float


@dataclass(frozen=True)
class Assumptions:
    """The sections of the file by name; `fingerprint` tells two files apart."""

    kinds: tuple[Kind, ...]
    life: dict[str, Any]
    trait: dict[str, float]
    savers: dict[str, Any]
    proofs: dict[str, Any]
    borrowing: dict[str, Any]
    repaying: dict[str, Any]
    trips: dict[str, Any]
    fingerprint: str


@cache
def assumptions(path: Path = FILE) -> Assumptions:
    """The file as data."""
    content = path.read_bytes()
    read = tomllib.loads(content.decode("utf-8"))
    kinds = tuple(Kind(**row) for row in read.pop("kind"))
    return Assumptions(kinds=kinds, fingerprint=sha256(content).hexdigest(), **read)
