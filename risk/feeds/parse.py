"""One line of a feed as a row or as a rejection. Pure: no database, no clock."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from risk.feeds.fields import Bad, Field
from risk.feeds.kinds import Kind, Row

LINE_BYTES_MAX = 64 * 1024
EXCERPT = 300


@dataclass(frozen=True)
class Rejection:
    """A line that is not taken in, and why."""

    line_number: int
    field: str
    code: str
    detail: str
    excerpt: str


def parse_line(kind: Kind, raw: bytes, line_number: int, day: date) -> Row | Rejection:
    """The row by column name (and `openid`, `line_number`), or the first reason against it."""
    field = ""
    try:
        data = _object(raw)
        row: Row = {"line_number": line_number, "raw": raw}
        for spec in kind.fields:
            field = spec.name
            row[spec.column] = _value(data, spec, day)
        field = ""
        if kind.finish is not None:
            kind.finish(row)
    except Bad as bad:
        return reject(raw, line_number, bad.field or field, bad.code, bad.detail)
    return row


def reject(raw: bytes, line_number: int, field: str, code: str, detail: str) -> Rejection:
    excerpt = raw[:EXCERPT].decode("utf-8", "replace").replace("\x00", "�").strip()
    return Rejection(line_number, field, code, detail, excerpt)


def _value(data: dict[str, Any], spec: Field, day: date) -> Any:
    value = data.get(spec.name)
    if value is None:
        if spec.optional:
            return None
        raise Bad("missing", "is missing")
    return spec.read(value, day)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > LINE_BYTES_MAX:
        raise Bad("too_long", "the line is too long")
    try:
        data = json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Bad("broken_utf8", "not UTF-8") from error
    except (ValueError, RecursionError, ArithmeticError) as error:
        # Decimal refuses exponents of more than eighteen digits with an arithmetic error.
        raise Bad("broken_json", "not JSON") from error
    if not isinstance(data, dict):
        raise Bad("not_an_object", "not a JSON object")
    return data
