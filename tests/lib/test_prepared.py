"""Statements made once give what Django's queries give, on both databases."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Count, Sum
from pytest_django import DjangoAssertNumQueries

from accounts.models import BankCard, Customer, Notification
from accounts.services.notification import notification_send
from risk.models import CreditLine
from tests.risk.builders import AS_OF, approved_line, setup_policies
from weilidai.lib.models import AuditEvent
from weilidai.lib.prepared import Reads, Written, ask, gather, prepared

DAY = date(2026, 11, 20)

pytestmark = pytest.mark.django_db


@prepared
def named(openid: Any) -> Any:
    return Customer.objects.filter(openid=openid)


@prepared
def among(openids: Any) -> Any:
    return Customer.objects.filter(openid__in=openids).order_by("openid").values_list("openid", flat=True)


@prepared
def joined_since(at: Any) -> Any:
    return Customer.objects.filter(created_at__gte=at).order_by("openid").values_list("openid", "created_at")


def people(*names: str) -> list[Customer]:
    return [Customer.objects.create(openid=name, created_at=datetime(2026, 1, 2, tzinfo=UTC)) for name in names]


def test_objects_come_whole_and_can_be_saved_again() -> None:
    alice, _bob = people("alice", "bob")
    [found] = named("alice")
    assert (found, found.created_at, found.name) == (alice, alice.created_at, "")
    found.city = "Wuhan"
    found.save(update_fields=["city"])
    assert named("alice")[0].city == "Wuhan"
    assert named("carol") == []


def test_lists_of_any_length_and_none_at_all() -> None:
    people("alice", "bob", "carol")
    assert among(("bob", "alice")) == ["alice", "bob"]
    assert among(("carol",)) == ["carol"]
    assert among(()) == []


def test_times_compare_to_the_moment() -> None:
    people("alice")
    at = datetime(2026, 1, 2, tzinfo=UTC)
    [(openid, since)] = joined_since(Customer.objects.get().created_at)
    assert (openid, since.tzinfo is not None) == ("alice", True)
    assert joined_since(datetime(2999, 1, 1, tzinfo=UTC)) == []
    assert len(joined_since(at)) == 1


@prepared
def limits(product: Any) -> Any:
    rows = CreditLine.objects.filter(product=product).order_by().values("state")
    return rows.annotate(total=Sum("limit_amount"), n=Count("pk")).values_list("state", "total", "n")


def test_sums_and_keys_are_those_of_a_query() -> None:
    setup_policies()
    line = approved_line()
    [(state, total, count)] = limits("weilidai")
    assert (state, total, count) == (line.state, line.limit_amount, 1)
    assert limits("jiebei") == []


def test_questions_asked_together_are_answered_in_their_order() -> None:
    people("alice", "bob")
    one, nobody, two = ask(named.of("alice"), among.of(()), among.of(("alice", "bob")))
    assert ([row.openid for row in one], nobody, two) == (["alice"], [], ["alice", "bob"])


def test_a_question_is_asked_once_however_many_readers_want_it(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    people("alice", "bob")

    def reader(*names: str) -> Reads[list[str]]:
        first = yield among.of(names)
        again = yield among.of(names)
        return first + again

    answers: dict[Any, list[Any]] = {}
    with django_assert_num_queries(1):
        assert gather(reader("alice"), reader("alice"), answers=answers) == [["alice"] * 2] * 2
    with django_assert_num_queries(0):
        assert gather(reader("alice"), answers=answers) == [["alice"] * 2]


def test_a_reader_that_asks_nothing_is_done_at_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    def silent() -> Reads[int]:
        return 7
        yield

    with django_assert_num_queries(0):
        assert gather(silent()) == [7]


def test_plain_sql_takes_its_arguments_by_name_and_more_than_once() -> None:
    people("alice", "bob")
    sql = "SELECT openid FROM accounts_customer WHERE openid = %(who)s OR (openid > %(who)s AND openid < %(end)s)"
    assert Written(sql, "end", "who")("c", "alice") == [("alice",), ("bob",)]


def test_rows_are_locked_in_the_order_asked() -> None:
    people("alice")

    @prepared
    def locked(openid: Any) -> Any:
        return Customer.objects.select_for_update().filter(openid=openid)

    with transaction.atomic():
        assert [row.openid for row in locked("alice")] == ["alice"]


def test_a_row_written_by_itself_is_the_row_read_back() -> None:
    [alice] = people("alice")
    sent = notification_send(customer=alice, kind="overdue", params={"n": "引号 %s"}, dedupe_key="k", business_date=DAY)
    assert not sent._state.adding
    assert Notification.objects.get() == sent
    assert Notification.objects.get().params == {"n": "引号 %s"}
    again = notification_send(customer=alice, kind="overdue", params={}, dedupe_key="k", business_date=DAY)
    assert (again.pk, again.params) == (sent.pk, sent.params)


def test_evidence_keeps_null_apart_from_the_json_null() -> None:
    setup_policies()
    approved_line()
    event = AuditEvent.objects.filter(action="credit_line.open").get()
    assert (event.before, event.business_date) == (None, AS_OF)
    assert AuditEvent.objects.filter(action="credit_line.open", before__isnull=True).exists()
    assert BankCard.objects.exists()
