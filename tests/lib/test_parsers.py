from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from rest_framework.exceptions import ParseError

from weilidai.lib.parsers import RawBodyParser, StrictJSONParser
from weilidai.lib.renderers import ExactJSONRenderer


def parse(raw: bytes) -> Any:
    return StrictJSONParser().parse(BytesIO(raw))


def test_numbers_stay_exact() -> None:
    assert parse(b'{"a": 0.10, "b": 1e-7, "c": 12345678901234567890.01}') == {
        "a": Decimal("0.10"), "b": Decimal("1e-7"), "c": Decimal("12345678901234567890.01"),
    }  # fmt: skip


def test_text_of_every_language_passes() -> None:
    assert parse('{"名": "张三 🙂 \\ud83d\\ude42"}'.encode()) == {"名": "张三 🙂 🙂"}


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


def test_twenty_levels_pass_and_twenty_one_do_not() -> None:
    assert parse(nested(20))
    with pytest.raises(ParseError):
        parse(nested(21))


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"{", b"[]", b'[{"a": 1}]', b"null", b"1", b'"a"', b"true", b"\xff\xfe", b'\xef\xbb\xbf{"a": 1}',
     '{"a": "张"}'.encode("gb18030"), '{"a": 1}'.encode("utf-16"), b'{"a": NaN}', b'{"a": -Infinity}',
     b'{"a": "\\u0000"}', b'{"\\u0000": 1}', b'{"a": ["x", {"b": "\\ud800"}]}', b'{"a": 1} x', b"{'a': 1}",
     b'{"a": ' + b"9" * 5000 + b"}", b'{"a": 1e9999999999999999999}', b'{"a": 1e-9999999999999999999}',
     b"[" * 100_000],
)  # fmt: skip
def test_everything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(ParseError):
        parse(raw)


def test_a_raw_body_is_left_to_the_view() -> None:
    stream = BytesIO(b"\xff")
    assert RawBodyParser().parse(stream) == {}
    assert stream.read() == b"\xff"


def test_no_amount_is_written_as_a_float() -> None:
    assert (
        ExactJSONRenderer().render({"a": Decimal("0.10"), "b": [Decimal("8000.00")]}) == b'{"a":"0.10","b":["8000.00"]}'
    )
