"""Bodies as JSON: numbers exact, NUL refused, nothing else than an object where one is expected."""

import json
import re
from decimal import Decimal
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser

DEPTH_MAX = 20
# PostgreSQL stores neither NUL nor lone surrogates.
NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(JSONParser):
    """UTF-8 only; decimals are `Decimal`, NaN and Infinity are refused, so is nesting beyond `DEPTH_MAX`."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            data = json.loads(stream.read().decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, ArithmeticError, RecursionError) as error:
            # Arithmetic: an exponent beyond what even a `Decimal` holds.
            raise ParseError from error
        _check(data, 0)
        if not isinstance(data, dict):
            raise ParseError
        return data


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH_MAX or (isinstance(value, str) and NOT_STORABLE.search(value) is not None):
        raise ParseError
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


class RawBodyParser(BaseParser):
    """Leaves the body to the view, which streams it."""

    media_type = "*/*"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        return {}
