"""Readers of single values: each takes what JSON gave and returns a value, or raises `Bad` with a code and a reason."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, TypeVar

from weilidai.lib.business_date import SHANGHAI

AMOUNT_MAX = Decimal("9999999999999.99")
QUANTITY_MAX = Decimal("9999999999.99")
COUNT_MAX = 2_147_483_647
# Python's own readers also take underscores, blanks, week dates and digits of other scripts; a feed may not.
AMOUNT_TEXT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
NOT_FINITE_TEXT = re.compile(r"[+-]?(s?nan|inf|infinity)", re.IGNORECASE)
DAY_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MONTH_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}")
INSTANT_TEXT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Bad(Exception):
    """A value that is not acceptable; `field` where it is not the one being read."""

    def __init__(self, code: str, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.field = field
        self.code = code
        self.detail = detail


Reader = Callable[[Any, date], Any]
Moment = TypeVar("Moment", date, datetime)


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
        if UNSTORABLE.search(value):
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


def decimal_up_to(largest: Decimal) -> Reader:
    def read(value: Any, day: date) -> Decimal:
        number = _decimal(value)
        if number < 0:
            raise Bad("negative", "must not be negative")
        # Compared without arithmetic: an exponent from outside may overflow every operation.
        if number.adjusted() > largest.adjusted() or number > largest:
            raise Bad("out_of_range", "out of range")
        if _exponent(number) < -2:
            raise Bad("decimals", "more than two decimals")
        return abs(number)

    return read


# Yuan as text or number, not negative, written with at most two decimals.
amount = decimal_up_to(AMOUNT_MAX)
quantity = decimal_up_to(QUANTITY_MAX)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Bad("wrong_type", "amount expected")
    if isinstance(value, str):
        _amount_text_check(value)
    number = Decimal(value)
    if not number.is_finite():
        raise Bad("out_of_range", "not a finite number")
    return number


def _amount_text_check(value: str) -> None:
    if NOT_FINITE_TEXT.fullmatch(value):
        raise Bad("out_of_range", "not a finite number")
    if not AMOUNT_TEXT.fullmatch(value):
        raise Bad("wrong_type", "amount expected")


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def day_of(value: Any, day: date) -> date:
    """An ISO date, not after the business date."""
    if not isinstance(value, str) or not DAY_TEXT.fullmatch(value):
        raise Bad("wrong_type", "date expected, YYYY-MM-DD")
    try:
        parsed = date.fromisoformat(value)
    except ValueError as error:
        raise Bad("invalid", "not a date") from error
    return _not_after(parsed, parsed, day)


def month_of(value: Any, day: date) -> date:
    """`YYYY-MM` as its first day."""
    if not isinstance(value, str) or not MONTH_TEXT.fullmatch(value):
        raise Bad("wrong_type", "month expected, YYYY-MM")
    try:
        parsed = date.fromisoformat(f"{value}-01")
    except ValueError as error:
        raise Bad("invalid", "not a month") from error
    return _not_after(parsed, parsed, day)


def instant(value: Any, day: date) -> datetime:
    """An ISO time with offset, its day in Shanghai not after the business date."""
    if not isinstance(value, str) or not INSTANT_TEXT.fullmatch(value):
        raise Bad("wrong_type", "time expected")
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise Bad("invalid", "a time needs its offset")
        local = parsed.astimezone(SHANGHAI).date()
    except (ValueError, OverflowError) as error:
        raise Bad("invalid", "not a time") from error
    return _not_after(parsed, local, day)


def _not_after(value: Moment, when: date, day: date) -> Moment:
    if when > day:
        raise Bad("after_business_date", "lies after the business date")
    if when.year < 1900:
        raise Bad("out_of_range", "lies too far back")
    return value


def ip(value: Any, day: date) -> str:
    """An IPv4 or IPv6 address; a zone (`%eth0`) means nothing outside the sender."""
    if not isinstance(value, str):
        raise Bad("wrong_type", "text expected")
    if "%" in value:
        raise Bad("invalid", "not an IP address")
    try:
        return str(ip_address(value))
    except ValueError as error:
        raise Bad("invalid", "not an IP address") from error
