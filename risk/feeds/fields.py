"""Readers of single values: each takes what JSON gave and returns a value, or raises `Bad` with a code and a reason."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import Any

from weilidai.lib.business_date import SHANGHAI

AMOUNT_MAX = Decimal("9999999999999.99")
COUNT_MAX = 2_147_483_647


class Bad(Exception):
    """A value that is not acceptable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


Reader = Callable[[Any, date], Any]


@dataclass(frozen=True)
class Field:
    """One field of a row: its name in the feed, the column it goes to, how it is read, whether it may be missing."""

    name: str
    column: str
    read: Reader
    optional: bool = False


def text(length_max: int, *, blank: bool = False) -> Reader:
    def read(value: Any, day: date) -> str:
        if not isinstance(value, str):
            raise Bad("wrong_type", "text expected")
        if not blank and not value.strip():
            raise Bad("empty", "must not be empty")
        if len(value) > length_max:
            raise Bad("too_long", f"longer than {length_max} characters")
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise Bad("invalid", "contains characters that cannot be stored")
        return value

    return read


def one_of(choices: list[str]) -> Reader:
    allowed = frozenset(choices)

    def read(value: Any, day: date) -> str:
        if not isinstance(value, str):
            raise Bad("wrong_type", "text expected")
        if value not in allowed:
            raise Bad("unknown_value", f"{value[:40]!r} is not one of the known values")
        return value

    return read


def count(value: Any, day: date) -> int:
    """A whole number from 0; `true` is no number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Bad("wrong_type", "whole number expected")
    if not 0 <= value <= COUNT_MAX:
        raise Bad("out_of_range", "out of range")
    return value


def flag(value: Any, day: date) -> bool:
    if not isinstance(value, bool):
        raise Bad("wrong_type", "true or false expected")
    return value


def amount(value: Any, day: date) -> Decimal:
    """Yuan as text or number, not negative, at most two decimals."""
    number = _decimal(value)
    if number < 0:
        raise Bad("negative", "must not be negative")
    if number != number.quantize(Decimal("0.01")):
        raise Bad("decimals", "more than two decimals")
    return number


def quantity(value: Any, day: date) -> Decimal:
    return amount(value, day)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Bad("wrong_type", "amount expected")
    try:
        number = Decimal(value)
    except ArithmeticError as error:
        raise Bad("wrong_type", "amount expected") from error
    if not number.is_finite() or abs(number) > AMOUNT_MAX or _exponent(number) < -20:
        raise Bad("out_of_range", "out of range")
    return number


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def day_of(value: Any, day: date) -> date:
    """An ISO date, not after the business date."""
    if not isinstance(value, str) or len(value) != 10:
        raise Bad("wrong_type", "date expected")
    try:
        parsed = date.fromisoformat(value)
    except ValueError as error:
        raise Bad("invalid", "not a date") from error
    return _not_after(parsed, parsed, day)


def month_of(value: Any, day: date) -> date:
    """`YYYY-MM` as its first day."""
    if not isinstance(value, str) or len(value) != 7:
        raise Bad("wrong_type", "month expected")
    try:
        parsed = date.fromisoformat(f"{value}-01")
    except ValueError as error:
        raise Bad("invalid", "not a month") from error
    return _not_after(parsed, parsed, day)


def instant(value: Any, day: date) -> datetime:
    """An ISO time with offset, its day in Shanghai not after the business date."""
    if not isinstance(value, str) or len(value) > 40:
        raise Bad("wrong_type", "time expected")
    try:
        parsed = datetime.fromisoformat(value)
        local = parsed.astimezone(SHANGHAI).date()
    except (ValueError, OverflowError) as error:
        raise Bad("invalid", "not a time") from error
    if parsed.tzinfo is None:
        raise Bad("invalid", "a time needs its offset")
    return _not_after(parsed, local, day)


def _not_after(value: Any, when: date, day: date) -> Any:
    if when > day:
        raise Bad("after_business_date", "lies after the business date")
    if when.year < 1900:
        raise Bad("out_of_range", "lies too far back")
    return value


def ip(value: Any, day: date) -> str:
    try:
        return str(ip_address(value if isinstance(value, str) else ""))
    except ValueError as error:
        raise Bad("invalid", "not an IP address") from error
