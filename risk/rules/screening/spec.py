"""What a layer of the pipeline is made of: parameters with their range, conditions with their test. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise

Word = str | Promise
# What was seen, ready for JSON (amounts as strings).
Evidence = dict[str, Any]
# One section of the inputs, and the parameters of one layer after `Parameter.load`.
Section = dict[str, Any]
Figures = dict[str, Any]

APPLICATION, DEVICE_VERIFICATION, LOGIN, LOAN = EVENTS = ("application", "device_verification", "login", "loan")
# Weakest first: the strongest verdict of an enforced layer is the pipeline's.
PASS, ALERT, CHALLENGE, REFER, FREEZE, BLOCK = VERDICTS = ("pass", "alert", "challenge", "refer", "freeze", "block")
STRENGTH = {verdict: number for number, verdict in enumerate(VERDICTS)}
SHADOW, ENFORCED = MODES = ("shadow", "enforced")

AMOUNT, COUNT, SHARE, WORDS = "amount", "count", "share", "words"
WORDS_MAX = 200


@dataclass(frozen=True)
class Parameter:
    """A figure staff may change: an amount in yuan and a share as text, a count as a whole number, words as a list."""

    name: str
    kind: str
    label: Word
    low: str = "0"
    high: str = "100000000.00"
    known: tuple[str, ...] = ()

    def load(self, stored: Any) -> Any:
        """The value the tests compare with. Raises `ValueError` for another type or a value out of range."""
        if self.kind == WORDS:
            return self._words(stored)
        if self.kind == COUNT:
            if isinstance(stored, bool) or not isinstance(stored, int):
                raise ValueError("type")
            number: Any = stored
        else:
            number = self._decimal(stored)
        if not Decimal(self.low) <= number <= Decimal(self.high):
            raise ValueError("range")
        return number

    def _decimal(self, stored: Any) -> Decimal:
        if not isinstance(stored, str):
            raise ValueError("type")
        places = 2 if self.kind == AMOUNT else 6
        try:
            number = Decimal(stored)
            if not number.is_finite():
                raise ValueError("type")
            # Compared first: more digits than arithmetic carries cannot be rounded.
            if number.adjusted() > Decimal(self.high).adjusted():
                raise ValueError("range")
            if number != round(number, places):
                raise ValueError("type")
        except ArithmeticError as error:
            raise ValueError("type") from error
        return number

    @staticmethod
    def _words(stored: Any) -> tuple[str, ...]:
        if not isinstance(stored, list) or not all(isinstance(word, str) and word.strip() for word in stored):
            raise ValueError("type")
        if len(stored) > WORDS_MAX:
            raise ValueError("range")
        return tuple(stored)


def amount(name: str, label: Word) -> Parameter:
    return Parameter(name, AMOUNT, label)


def count(name: str, label: Word, low: int = 0, high: int = 100_000) -> Parameter:
    return Parameter(name, COUNT, label, str(low), str(high))


def share(name: str, label: Word, high: str = "1") -> Parameter:
    return Parameter(name, SHARE, label, "0", high)


def words(name: str, label: Word, known: tuple[str, ...] = ()) -> Parameter:
    """With `known` no other word comes into force."""
    return Parameter(name, WORDS, label, known=known)


@dataclass(frozen=True)
class Condition:
    """`test` gives what was seen where the condition holds, None where it does not; asked at `events` only."""

    name: str
    label: Word
    test: Callable[[Section, Figures], Evidence | None]
    events: tuple[str, ...] = EVENTS


@dataclass(frozen=True)
class Layer:
    """One of the twelve. It reads the section of the inputs that carries its code."""

    code: str
    parameters: tuple[Parameter, ...]
    conditions: tuple[Condition, ...]
