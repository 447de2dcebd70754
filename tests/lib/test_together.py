"""Statements that wait for the next trip: in their order, undone with their savepoint, complained of in time."""

from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.models import Customer, Notification
from weilidai.lib.bulk import row_insert, row_update, rows_copy
from weilidai.lib.prepared import ask, asked_ahead, prepared
from weilidai.lib.together import together, trip

DAY = date(2026, 11, 20)

pytestmark = pytest.mark.django_db


def notice(key: str, customer: Customer) -> Notification:
    return Notification(customer=customer, kind="x", params={"100%": "%s"}, dedupe_key=key, business_date=DAY)


def keys() -> list[str]:
    return sorted(Notification.objects.values_list("dedupe_key", flat=True))


@prepared
def named(openid: Any) -> Any:
    return Customer.objects.filter(openid=openid).values_list("city", flat=True)


@pytest.fixture
def alice() -> Customer:
    return Customer.objects.create(openid="alice")


def test_who_reads_sees_what_was_written_before(alice: Customer) -> None:
    with transaction.atomic(), together():
        row_insert(notice("a", alice))
        alice.city = "100% %s"
        row_update(alice, "city")
        assert keys() == ["a"]
        row_insert(notice("b", alice))
        assert named("alice") == ["100% %s"]
        row_insert(notice("c", alice))
    assert keys() == ["a", "b", "c"]
    assert Notification.objects.get(dedupe_key="a").params == {"100%": "%s"}


def write_and_undo(alice: Customer, is_sent: bool) -> None:
    with transaction.atomic():
        row_insert(notice("undone", alice))
        with transaction.atomic():
            row_insert(notice("undone, too", alice))
        if is_sent:
            trip()
        raise ValueError("undone")


@transaction.atomic
def write_again(alice: Customer) -> None:
    row_insert(notice("a", alice))
    trip()


@pytest.mark.parametrize("is_sent", [False, True])
def test_what_a_savepoint_undoes_is_gone_whether_it_was_sent_or_not(alice: Customer, is_sent: bool) -> None:
    with transaction.atomic(), together():
        row_insert(notice("before", alice))
        with pytest.raises(ValueError, match="undone"):
            write_and_undo(alice, is_sent)
        row_insert(notice("after", alice))
    assert keys() == ["after", "before"]


def test_an_error_before_the_end_leaves_nothing(alice: Customer) -> None:
    with pytest.raises(ValueError, match="undone"), transaction.atomic(), together():
        write_and_undo(alice, False)
    assert keys() == []
    with transaction.atomic(), together():
        row_insert(notice("b", alice))
    assert keys() == ["b"]


def test_a_constraint_complains_at_the_next_trip_and_the_savepoint_still_holds(alice: Customer) -> None:
    row_insert(notice("a", alice))
    with transaction.atomic(), together():
        row_insert(notice("b", alice))
        with pytest.raises(IntegrityError):
            write_again(alice)
        row_insert(notice("c", alice))
    assert keys() == ["a", "b", "c"]


def test_a_row_that_may_be_there_is_asked_about_at_once(alice: Customer) -> None:
    row_insert(notice("a", alice))
    with transaction.atomic(), together():
        row_insert(notice("b", alice))
        assert not row_insert(notice("a", alice), unless_there=True)
        assert row_insert(notice("c", alice), unless_there=True)
    assert keys() == ["a", "b", "c"]


def test_copied_rows_and_pages_of_rows_come_after_what_waits(alice: Customer) -> None:
    bob = Customer(openid="bob")
    with transaction.atomic(), together():
        row_insert(bob)
        rows_copy(Notification, ("id", "customer_id", "kind", "params", "dedupe_key", "business_date", "created_at"), [
            (alice.pk, bob.pk, "x", "{}", "copied", DAY, alice.created_at)
        ])  # fmt: skip
        row_insert(notice("z", bob))
        assert [row.dedupe_key for row in Notification.objects.order_by("dedupe_key").iterator(1)] == ["copied", "z"]


def test_a_row_that_is_not_there_cannot_be_changed(alice: Customer) -> None:
    with pytest.raises(DatabaseError, match="not there"), transaction.atomic():
        row_update(Customer(openid="nobody"), "city")


@transaction.atomic
def change_nobody(alice: Customer, asks: bool) -> None:
    with together():
        row_insert(notice("a", alice))
        row_update(Customer(openid="nobody"), "city")
        if asks:
            named("alice")


@pytest.mark.parametrize("asks", [True, False])
def test_a_row_that_is_not_there_is_complained_of_although_its_change_waited(alice: Customer, asks: bool) -> None:
    with pytest.raises(DatabaseError, match="not there"):
        change_nobody(alice, asks)
    assert keys() == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite makes no trips")
def test_it_is_one_trip(alice: Customer, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with transaction.atomic(), together():
        named("alice")
        sent: list[str] = []

        def listen(execute: Any, sql: Any, *others: Any) -> Any:
            sent.append(sql)
            return execute(sql, *others)

        with connection.execute_wrapper(listen), transaction.atomic():
            row_insert(notice("a", alice))
            row_insert(notice("b", alice))
            named("alice")
    # What is listened to stands behind what holds back.
    assert len([sql for sql in sent if "EXECUTE" in sql]) == 1


def test_an_answer_asked_ahead_is_given_once(alice: Customer) -> None:
    with asked_ahead(named.of("alice"), named.of("nobody")):
        Customer.objects.update(city="Wuhan")
        assert ask(named.of("nobody"), named.of("alice")) == [[], [""]]
        assert named("alice") == ["Wuhan"]
    assert named("alice") == ["Wuhan"]


def test_an_answer_asked_ahead_by_two_is_given_once(alice: Customer) -> None:
    with asked_ahead(named.of("alice")):
        with asked_ahead(named.of("nobody")):
            assert named("alice") == [""]
            Customer.objects.update(city="Wuhan")
        assert named("alice") == ["Wuhan"]


def test_an_answer_nobody_wanted_is_forgotten(alice: Customer) -> None:
    with asked_ahead(named.of("alice")):
        Customer.objects.update(city="Wuhan")
    assert named("alice") == ["Wuhan"]
