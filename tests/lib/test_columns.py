"""What a statement is told of a row is what `save()` would tell it, whether or not the field was asked."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection, models

from accounts.models import Customer
from loans.models import Loan, LoanState, Posting
from weilidai.lib.columns import column_of, told

OWN = ("accounts", "risk", "loans", "lib")
SAMPLES: dict[type, Any] = {
    UUID: UUID(int=7), date: date(2028, 2, 29), bool: True, Decimal: Decimal("12.30"), str: "it's 100% 元", int: 7,
}  # fmt: skip
FIELDS = [
    field
    for model in apps.get_models()
    if model._meta.app_label in OWN
    for field in model._meta.concrete_fields
    if not isinstance(field, models.AutoField)
]


def asked(row: models.Model, field: Any) -> Any:
    return field.get_db_prep_save(field.pre_save(row, True), connection)


def test_every_field_that_is_not_asked_would_say_the_same() -> None:
    plain = [(field, column_of(field, "postgresql").plain) for field in FIELDS]
    seen = [(field, kind) for field, kind in plain if kind is not None]
    for field, kind in seen:
        for value in (SAMPLES[kind], None):
            row = field.model(**{field.attname: value})
            told_now = told(row, column_of(field, "postgresql"), connection)
            assert (field, told_now) == (field, value)
            assert connection.vendor != "postgresql" or asked(row, field) == value
    assert {kind for _, kind in seen} == set(SAMPLES)


def test_times_and_json_and_what_a_field_makes_itself_are_asked_for() -> None:
    by_type = {field: column_of(field, "postgresql").plain for field in FIELDS}
    kinds = (models.DateTimeField, models.JSONField, models.BinaryField, models.FileField)
    assert {by_type[field] for field in FIELDS if isinstance(field, kinds)} == {None}
    at = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    field = Customer._meta.get_field("created_at")
    assert told(Customer(created_at=at), column_of(field, "postgresql"), connection) != at


def test_on_sqlite_every_field_is_asked() -> None:
    assert {column_of(field, "sqlite").plain for field in FIELDS} == {None}


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_an_amount_that_is_no_number_is_refused(amount: str) -> None:
    column = column_of(Posting._meta.get_field("amount"), "postgresql")
    with pytest.raises(ValidationError):
        told(Posting(amount=Decimal(amount)), column, connection)


def test_a_value_of_another_type_goes_through_its_field() -> None:
    column = column_of(Loan._meta.get_field("principal_amount"), "postgresql")
    assert told(Loan(principal_amount="12.30"), column, connection) in (Decimal("12.30"), "12.30")
    state = column_of(Loan._meta.get_field("state"), "postgresql")
    assert told(Loan(state=LoanState.ACTIVE), state, connection) == "active"
