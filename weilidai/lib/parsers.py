"""Bodies as JSON: numbers exact, NUL refused, nothing else than an object where one is expected."""

import json
from decimal import Decimal
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, JSONParser

DEPTH_MAX = 20


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = _("The request is too large")


class StrictJSONParser(JSONParser):
    """UTF-8 up to `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes; decimals are `Decimal`; NaN, Infinity and deep nesting refused."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            data = json.loads(_text_of(stream), parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError from error
        _check(data, 0)
        if not isinstance(data, dict):
            raise ParseError
        return data


def _text_of(stream: IO[Any]) -> str:
    """Django limits the bodies it reads by itself only; nobody may fill the memory with one that is parsed here."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    raw: bytes = stream.read(limit + 1)
    if len(raw) > limit:
        raise BodyTooLarge
    return raw.decode("utf-8")


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH_MAX or (isinstance(value, str) and not _is_storable(value)):
        raise ParseError
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _is_storable(text: str) -> bool:
    """PostgreSQL stores neither NUL nor lone surrogates."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


class RawBodyParser(BaseParser):
    """Leaves the body to the view, which streams it."""

    media_type = "*/*"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        return {}
