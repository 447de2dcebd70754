"""Every reason against a row, on both sides of its edge; no database."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from risk.feeds.kinds import KINDS
from risk.feeds.parse import LINE_BYTES_MAX, Rejection, parse_line
from risk.models import FeedKind

DAY = date(2026, 11, 20)
OWN = {"id": "r-1", "openid": "alice"}
ROWS: dict[str, dict[str, Any]] = {
    "customers": {
        "registered_on": "2024-12-24", "occupation": "salaried", "city": "广州市", "residence_since": "2017-06-07",
    },
    "scores": {"name": "zhima", "score": 588, "as_of": "2026-11-17"},
    "activity": {"date": "2026-11-19", "opens": 4, "minutes": 30, "friends": 12, "active_groups": 2},
    "payments": {
        "at": "2026-11-19T10:00:00+08:00", "kind": "payment", "amount": "10.00",
        "category": "food", "counterparty": "m1", "channel": "card",
    },
    "assets": {
        "month": "2026-11", "current_fund_mean": "1.00", "wealth_products": "2.00", "deposits": "3.00",
        "ecny_wallet": "4.00", "card_limit": "5.00", "card_balance": "6.00",
    },
    "friends": {"friend": "bob", "since": "2024-02-14", "until": "2026-01-01"},
    "logins": {
        "at": "2026-11-19T10:00:00+08:00", "device": "d0", "device_model": "Mi 14", "ip": "10.0.0.1", "city": "广州市",
    },
    "bureau": {
        "as_of": "2026-11-05", "open_accounts": 1, "debts": "10.00", "monthly_due": "1.00", "worst_dpd_24m": 0,
        "inquiries_6m": 7, "on_deny_list": False,
    },
    "auxiliary": {
        "item": "employment", "months": 12, "state": "verified", "source": "register", "as_of": "2026-11-01",
    },
    "green": {"at": "2026-11-19T10:00:00+08:00", "act": "cycling", "quantity": "8"},
}  # fmt: skip


def parse(kind: str, raw: bytes) -> Any:
    return parse_line(KINDS[kind], raw, 7, DAY)


def parse_with(kind: str, field: str, value: Any) -> Any:
    return parse(kind, json.dumps(OWN | ROWS[kind] | {field: value}).encode())


def verdict(row: Any) -> tuple[str, str]:
    assert isinstance(row, Rejection)
    assert row.line_number == 7
    assert row.detail
    return row.field, row.code


def test_every_kind_is_specified() -> None:
    assert set(KINDS) == set(FeedKind.values) == set(ROWS)


@pytest.mark.parametrize("kind", ROWS)
def test_a_good_row_becomes_columns_and_unknown_fields_are_ignored(kind: str) -> None:
    row = parse_with(kind, "colour", "blue")
    assert (row["row_id"], row["openid"]) == ("r-1", "alice")
    assert "colour" not in row


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind, row in ROWS.items() for field in (*OWN, *row) if field != "until"],
)
def test_a_missing_or_null_field_is_named(kind: str, field: str) -> None:
    row = OWN | ROWS[kind]
    assert verdict(parse_with(kind, field, None)) == (field, "missing")
    del row[field]
    assert verdict(parse(kind, json.dumps(row).encode())) == (field, "missing")


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, row in ROWS.items() for field in (*OWN, *row)])
@pytest.mark.parametrize("value", [[], {}, 1.5])
def test_a_value_of_another_type_is_refused(kind: str, field: str, value: Any) -> None:
    is_amount_as_number = value == 1.5 and field in AMOUNTS
    assert isinstance(parse_with(kind, field, value), dict if is_amount_as_number else Rejection)


AMOUNTS = {
    "amount", "current_fund_mean", "wealth_products", "deposits", "ecny_wallet", "card_limit", "card_balance", "debts",
    "monthly_due", "quantity",
}  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"id": "broken', "broken_json"),
        (b"nonsense\n", "broken_json"),
        (b'{"id": NaN}', "broken_json"),
        (b'{"id": Infinity}', "broken_json"),
        (b'{"id": 1e9999999999999999999999}', "broken_json"),
        (b'{"id": ' + b"9" * 5000 + b"}", "broken_json"),
        (b"[" * 60000, "broken_json"),
        (b'["id"]', "not_an_object"),
        (b'"id"', "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"id": "\xff"}', "broken_utf8"),
        (b'{"id": "' + b"x" * LINE_BYTES_MAX + b'"}', "too_long"),
    ],
)
def test_a_line_that_is_no_object(raw: bytes, code: str) -> None:
    assert verdict(parse("activity", raw)) == ("", code)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("0", "0"), ("0.00", "0.00"), ("0.01", "0.01"), ("1.5", "1.5"), (12, "12"), ("-0.00", "0.00"),
        ("9999999999999.99", "9999999999999.99"),
    ],
)  # fmt: skip
def test_amounts_taken(value: Any, kept: str) -> None:
    amount = parse_with("payments", "amount", value)["amount"]
    assert isinstance(amount, Decimal)
    assert str(amount) == kept


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1.005", "decimals"), ("1.000", "decimals"), ("0.001", "decimals"), ("-0.01", "negative"), (-1, "negative"),
        ("10000000000000.00", "out_of_range"), ("NaN", "out_of_range"), ("sNaN", "out_of_range"),
        ("-Infinity", "out_of_range"), (10**30, "out_of_range"), ("9" * 40, "out_of_range"), ("9" * 41, "wrong_type"),
        ("1_000", "wrong_type"), (" 1", "wrong_type"), ("1\n", "wrong_type"), ("１２", "wrong_type"),
        ("1e2", "wrong_type"), ("", "wrong_type"), ("ten", "wrong_type"), (True, "wrong_type"),
    ],
)  # fmt: skip
def test_amounts_refused(value: Any, code: str) -> None:
    assert verdict(parse_with("payments", "amount", value)) == ("amount", code)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (b"1e999999999", "out_of_range"),
        (b"1e-999999999", "decimals"),
        (b"0.1234567890123456789012345678901234567890", "decimals"),
        (b"-1e999999999", "negative"),
    ],
)
def test_numbers_beyond_arithmetic_are_refused_not_computed(number: bytes, code: str) -> None:
    raw = json.dumps(OWN | ROWS["payments"] | {"amount": 77}).encode().replace(b"77", number)
    assert verdict(parse("payments", raw)) == ("amount", code)


def test_a_json_number_keeps_its_cents() -> None:
    raw = json.dumps(OWN | ROWS["payments"] | {"amount": 77}).encode().replace(b"77", b"4503599627370.97")
    assert parse("payments", raw)["amount"] == Decimal("4503599627370.97")


def test_a_quantity_fits_its_column() -> None:
    assert parse_with("green", "quantity", "9999999999.99")["quantity"] == Decimal("9999999999.99")
    assert verdict(parse_with("green", "quantity", "10000000000.00")) == ("quantity", "out_of_range")


@pytest.mark.parametrize("value", [0, 2_147_483_647])
def test_counts_taken(value: int) -> None:
    assert parse_with("activity", "opens", value)["opens"] == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (-1, "out_of_range"),
        (2_147_483_648, "out_of_range"),
        (True, "wrong_type"),
        ("4", "wrong_type"),
        (4.0, "wrong_type"),
    ],
)
def test_counts_refused(value: Any, code: str) -> None:
    assert verdict(parse_with("activity", "opens", value)) == ("opens", code)


@pytest.mark.parametrize("value", [0, 1, "true"])
def test_only_true_and_false_are_flags(value: Any) -> None:
    assert verdict(parse_with("bureau", "on_deny_list", value)) == ("on_deny_list", "wrong_type")
    assert parse_with("bureau", "on_deny_list", True)["on_deny_list"] is True


@pytest.mark.parametrize(
    ("value", "kept"), [("2026-11-20", DAY), ("1900-01-01", date(1900, 1, 1)), ("2024-02-29", date(2024, 2, 29))]
)
def test_dates_taken(value: str, kept: date) -> None:
    assert parse_with("activity", "date", value)["date"] == kept


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-11-21", "after_business_date"), ("1899-12-31", "out_of_range"), ("2026-13-01", "invalid"),
        ("2026-02-29", "invalid"), ("2026-W01-1", "wrong_type"), ("20261119", "wrong_type"),
        ("２０２６-11-19", "wrong_type"), ("2026-11-19\n", "wrong_type"), (20261119, "wrong_type"),
    ],
)  # fmt: skip
def test_dates_refused(value: Any, code: str) -> None:
    assert verdict(parse_with("activity", "date", value)) == ("date", code)


def test_a_month_is_its_first_day() -> None:
    assert parse_with("assets", "month", "2026-11")["month"] == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("value", "code"),
    [("2026-12", "after_business_date"), ("2026-13", "invalid"), ("26-1", "wrong_type"), ("2026-11-01", "wrong_type")],
)
def test_months_refused(value: str, code: str) -> None:
    assert verdict(parse_with("assets", "month", value)) == ("month", code)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-11-20T23:59:59+08:00", date(2026, 11, 20)),
        ("2026-11-20T15:59:59Z", date(2026, 11, 20)),
        ("2026-11-19T16:00:00Z", date(2026, 11, 20)),
        ("2026-11-19T15:59:59.123456+00:00", date(2026, 11, 19)),
    ],
)
def test_the_day_of_a_time_is_that_of_shanghai(value: str, day: date) -> None:
    assert parse_with("payments", "at", value)["date"] == day


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-11-21T00:00:00+08:00", "after_business_date"), ("2026-11-20T16:00:00Z", "after_business_date"),
        ("2026-11-19T10:00:00", "invalid"), ("2026-11-19T25:00:00+08:00", "invalid"),
        ("9999-12-31T23:59:59-12:00", "invalid"), ("0001-01-01T00:00:00+14:00", "invalid"),
            ("1899-12-31T10:00:00+08:00", "out_of_range"),
        ("2026-11-19", "wrong_type"), ("2026-W47-4T10:00+08:00", "wrong_type"), (1700000000, "wrong_type"),
    ],
)  # fmt: skip
def test_times_refused(value: Any, code: str) -> None:
    assert verdict(parse_with("payments", "at", value)) == ("at", code)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("customers", "occupation", "king"), ("scores", "name", "fico"), ("payments", "kind", "gift"),
        ("payments", "channel", "cash"), ("auxiliary", "item", "horoscope"), ("auxiliary", "state", "absent"),
        ("green", "act", "driving"), ("green", "act", "CYCLING"), ("green", "act", "\x00\ud800"),
    ],
)  # fmt: skip
def test_unknown_values_are_refused(kind: str, field: str, value: str) -> None:
    assert verdict(parse_with(kind, field, value)) == (field, "unknown_value")


@pytest.mark.parametrize(
    ("value", "code"),
    [("d\x00", "invalid"), ("d\ud800", "invalid"), (" ", "empty"), ("d" * 201, "too_long"), (5, "wrong_type")],
)
def test_texts_refused(value: Any, code: str) -> None:
    assert verdict(parse_with("logins", "device", value)) == ("device", code)


def test_texts_taken_up_to_their_length() -> None:
    assert parse_with("logins", "device", "d" * 200)["device"] == "d" * 200
    assert parse_with("logins", "city", "")["city"] == ""


@pytest.mark.parametrize("value", ["10.0.0.1", "2001:db8::1"])
def test_addresses_taken(value: str) -> None:
    assert parse_with("logins", "ip", value)["ip"] == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("999.1.1.1", "invalid"),
        ("fe80::1%eth0", "invalid"),
        ("10.0.0.01", "invalid"),
        ("", "invalid"),
        (1, "wrong_type"),
    ],
)
def test_addresses_refused(value: Any, code: str) -> None:
    assert verdict(parse_with("logins", "ip", value)) == ("ip", code)


def test_a_friendship_may_last_and_ends_after_it_began() -> None:
    assert parse_with("friends", "until", None)["until_date"] is None
    assert parse_with("friends", "until", "2024-02-14")["until_date"] == date(2024, 2, 14)
    assert verdict(parse_with("friends", "until", "2024-02-13")) == ("until", "invalid")


def test_nobody_is_a_friend_of_oneself() -> None:
    assert verdict(parse_with("friends", "friend", "alice")) == ("friend", "invalid")


def test_the_kept_excerpt_can_be_stored() -> None:
    row = parse("activity", b"\x00\xff" * 1000)
    assert "\x00" not in row.excerpt
    assert len(row.excerpt) <= 500
