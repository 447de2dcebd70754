"""Whatever hangs on a customer can be spread by customer: a new table, unique key or foreign key that cannot is named
with its reason, or fails here.
"""

from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from accounts.models import Customer, Notification
from loans.models import JournalEntry, Loan, Posting
from weilidai.distribution import plan


def _hanging() -> set[str]:
    """Foreign keys to a customer's row from tables that do not carry the customer."""
    targets = {*plan.spread(), Customer}
    return {
        plan.named(field)
        for model in plan.concrete()
        for field in model._meta.concrete_fields
        if not plan.has_owner(model) and field.remote_field and field.related_model in targets
    }


def test_what_hangs_on_a_customer_carries_the_customer_or_is_named_with_its_reason():
    assert _hanging() == {"accounts.CustomerToken.user", "loans.ProductAccrual.entry"}
    assert {name.rpartition(".")[0] for name in _hanging()} <= set(plan.WHOLE)


def test_what_stays_whole_exists_and_says_why():
    assert set(plan.WHOLE) <= {plan.label(model) for model in plan.concrete()}
    assert all(len(reason) > 20 for reason in (*plan.WHOLE.values(), *plan.GLOBAL.values(), *plan.UNGUARDED.values()))


def test_unique_keys_say_whose_the_row_is_or_are_named_with_what_guards_them():
    found = {key for model in plan.spread() for key in plan.keys_without_owner(model)}
    assert found == set(plan.GLOBAL)


def test_every_foreign_key_to_a_spread_table_has_the_customer_on_both_sides():
    for key in plan.references():
        child, parent = _columns(key.table), _columns(key.target)
        assert set(key.columns) <= set(child), key
        assert set(key.target_columns) <= set(parent), key
    named = {plan.named(field) for model in plan.concrete() for field in model._meta.concrete_fields}
    assert set(plan.OWNERS) | set(plan.UNGUARDED) <= named


def _columns(table: str) -> list[str]:
    [model] = [model for model in plan.concrete() if model._meta.db_table == table]
    return [field.column for field in model._meta.concrete_fields]


def test_rows_of_nobody_are_postings_of_accruals_and_what_is_about_the_business_as_a_whole():
    nobodys = {plan.label(model) for model in plan.spread() if plan.may_be_nobodys(model)}
    assert nobodys == {
        "lib.AuditEvent", "lib.StateChange", "loans.JournalEntry", "loans.Posting", "risk.Alert", "risk.AlertNote",
    }  # fmt: skip


def test_keys_of_tables_with_rows_of_nobody_are_never_empty():
    """There two empty values would count as one."""
    for model in (model for model in plan.spread() if plan.may_be_nobodys(model)):
        unique = [field for field in model._meta.concrete_fields if field.unique]
        assert not any(field.null for field in unique), model


@isolate_apps("loans")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"loan": models.ForeignKey(Loan, models.PROTECT)}, []),
        ({"code": models.CharField(max_length=9, unique=True)}, ["loans.Fresh.code"]),
        ({"loan": models.OneToOneField(Loan, models.PROTECT)}, []),
        ({"entry": models.OneToOneField(JournalEntry, models.PROTECT), "note": models.CharField(unique=True)},
         ["loans.Fresh.note"]),
        ({"notice": models.ForeignKey(Notification, models.PROTECT)}, []),
    ],
)  # fmt: skip
def test_a_new_table_with_a_key_without_the_customer_is_found(fields: dict[str, Any], expected: list[str]):
    members = {"__module__": "loans.models", "customer_id": models.UUIDField(), **fields}
    fresh = type("Fresh", (models.Model,), members)
    assert list(plan.keys_without_owner(fresh)) == expected


@pytest.mark.postgres
def test_grouping_on_postgresql_asks_for_all_columns_of_a_customers_row_and_no_others():
    allows = connection.features.allows_group_by_selected_pks_on_model
    assert not allows(Loan)
    assert not allows(Posting)
    assert allows(Customer)
