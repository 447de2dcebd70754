"""Statements kept ready by a connection: planned once, and found again after whatever befell them."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection, transaction

from accounts.models import Customer
from weilidai.lib.prepared import Written, prepared
from weilidai.lib.ready import composed, executed

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no statement"),
]

ECHO = "SELECT %s::text, '100%%', %s::int"


def rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def ready() -> set[str]:
    return {name for (name,) in rows("SELECT name FROM pg_prepared_statements")}


def test_values_stand_in_the_text_as_the_driver_writes_them() -> None:
    assert composed("SELECT %s, '100%%'", ["it's"]) == "SELECT 'it''s', '100%'"
    assert composed("SELECT '100%'", None) == "SELECT '100%'"


def test_it_is_made_ready_once_and_told_any_values() -> None:
    assert rows(executed(ECHO, ["it's %s", 3])) == [("it's %s", "100%", 3)]
    before = ready()
    assert rows(executed(ECHO, [None, -1])) == [(None, "100%", -1)]
    assert ready() == before


def test_it_stays_ready_when_its_transaction_is_undone() -> None:
    sql = "SELECT %s::text AS undone"
    with transaction.atomic():
        rows(executed(sql, ["a"]))
        transaction.set_rollback(True)
    assert rows(executed(sql, ["b"])) == [("b",)]


def test_one_that_cannot_be_understood_is_tried_again() -> None:
    sql = "SELECT %s FROM nowhere"
    for _ in range(2):
        with pytest.raises(DatabaseError, match="nowhere"), transaction.atomic():
            executed(sql, [1])


def test_what_never_changes_stands_in_the_text() -> None:
    """Where PostgreSQL sees a state, it knows which partial index serves."""

    @prepared
    def named(openid: Any) -> Any:
        return Customer.objects.filter(openid=openid, city="100% %s").values_list("name", flat=True)

    Customer.objects.create(openid="alice", city="100% %s", name="Alice")
    assert named("alice") == ["Alice"]
    texts = [text for (text,) in rows("SELECT statement FROM pg_prepared_statements") if "100% %s" in text]
    assert [("= '100% %s'" in text, "= ($1)" in text) for text in texts] == [(True, True)]


def test_behind_a_pooler_every_statement_is_sent_in_full(settings: LazySettings) -> None:
    settings.DATABASE_PREPARE = False
    before = ready()
    assert Written("SELECT 'in full', %(n)s::int", "n")(7) == [("in full", 7)]
    assert ready() == before
