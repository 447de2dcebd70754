"""Reports may read a streaming replica; decisions, money and whoever has just written never do."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import environ
import pytest
import pytest_django
from django.core.signals import request_started
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import StaffUser
from loans.models import Loan
from loans.selectors.trial_balance import trial_balance
from loans.services.payout import payouts_advance
from loans.services.repayment import repayment_make
from loans.services.sandbox_bank import sandbox_callbacks_deliver
from risk.models import Product
from risk.selectors.remembered import remembered
from tests.loans.builders import NOW, SECOND, TODAY, borrower, day_set, policy
from tests.support.replica import replica_programs_exist, streaming_replica
from weilidai.lib.audit import Actor
from weilidai.lib.models import BusinessDay
from weilidai.lib.replica import REPLICA, replica_forget, replica_lag_seconds, report_alias, reports
from weilidai.routers import ReplicaRouter

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", REPLICA]), pytest.mark.postgres]


@pytest.fixture(scope="module", autouse=True)
def replica_alias(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[bool]:
    """A replica of the server this test's database is on, under its alias; False where there can be none.

    One that cannot be started although its programs are there is an error, told in full.
    """
    with ExitStack() as stack:
        values = {"TEST": {"MIRROR": "default"}, "OPTIONS": {}, "CONN_HEALTH_CHECKS": False}
        found = connection.vendor == "postgresql" and replica_programs_exist()
        if found:
            with django_db_blocker.unblock():
                server = stack.enter_context(streaming_replica(connection.get_connection_params()))
            values |= environ.Env.db_url_config(server.url)
        connections.settings[REPLICA] = {**connections.settings["default"], **values}
        try:
            yield found
        finally:
            if hasattr(connections._connections, REPLICA):
                connections[REPLICA].close()
                del connections[REPLICA]
            del connections.settings[REPLICA]


@pytest.fixture
def replica(replica_alias: bool, settings: Settings) -> Iterator[None]:
    """The deployed settings of a replica, for one test; its stream runs."""
    if not replica_alias:
        pytest.skip("no replica can be made here: apt-get install postgresql")
    settings.DATABASE_ROUTERS = [ReplicaRouter()]
    settings.REPLICA_LAG_SECONDS_MAX = 30.0
    request_started.send(sender=None)
    replica_forget()
    try:
        yield
    finally:
        with connections[REPLICA].cursor() as cursor:
            cursor.execute("SELECT pg_wal_replay_resume()")
        connections[REPLICA].close()


def caught_up() -> None:
    """Waits until the replica shows what was written up to here, whatever others go on writing to the same server."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        # Something of its own to flush: a transaction that wrote nothing flushes nothing.
        cursor.execute("SELECT pg_logical_emit_message(true, 'caught_up', '')")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
        position = cursor.fetchone()[0]
    deadline = time.monotonic() + 60
    while not replayed(position):
        assert time.monotonic() < deadline, "the replica does not follow"
        time.sleep(0.02)
    # What was written to get here belongs to earlier requests.
    request_started.send(sender=None)
    replica_forget()


def replayed(position: str) -> bool:
    with connections[REPLICA].cursor() as cursor:
        cursor.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [position])
        return bool(cursor.fetchone()[0])


@contextmanager
def paused() -> Iterator[None]:
    """The replica goes on answering and sees nothing new."""
    with connections[REPLICA].cursor() as cursor:
        cursor.execute("SELECT pg_wal_replay_pause()")
        deadline = time.monotonic() + 20
        while True:
            cursor.execute("SELECT pg_get_wal_replay_pause_state()")
            if cursor.fetchone()[0] == "paused":
                break
            assert time.monotonic() < deadline, "the replay does not pause"
            time.sleep(0.02)
    try:
        yield
    finally:
        with connections[REPLICA].cursor() as cursor:
            cursor.execute("SELECT pg_wal_replay_resume()")


def product_add(code: str) -> None:
    """As another process would: this one's request has written nothing."""
    Product.objects.create(code=code, name_zh=code, name_en=code)
    request_started.send(sender=None)


def seen() -> list[str]:
    with reports():
        return list(Product.objects.order_by("code").values_list("code", flat=True))


@pytest.mark.req("R53")
def test_only_a_report_reads_the_replica(replica: None) -> None:
    product_add("one")
    caught_up()
    with paused():
        product_add("two")
        assert seen() == ["one"]
        assert Product.objects.count() == 2
        assert [row.code for row in Product.objects.using(report_alias())] == ["one"]


def test_whoever_wrote_or_is_in_a_transaction_reads_what_stands(replica: None) -> None:
    product_add("one")
    caught_up()
    with paused():
        product_add("two")
        with transaction.atomic():
            assert seen() == ["one", "two"]
        with reports():
            Product.objects.filter(code="one").update(name_en="changed")
            assert Product.objects.get(code="one").name_en == "changed"
        assert seen() == ["one", "two"]
        request_started.send(sender=None)
        assert seen() == ["one"]


def test_too_far_behind_or_away_the_primary_answers(replica: None, settings: Settings) -> None:
    product_add("one")
    caught_up()
    with paused():
        product_add("two")
        assert replica_lag_seconds() > 0
        settings.REPLICA_LAG_SECONDS_MAX = 0.0
        replica_forget()
        assert seen() == ["one", "two"]
    settings.REPLICA_LAG_SECONDS_MAX = 30.0
    caught_up()
    with connections[REPLICA].cursor() as cursor:
        good = connections[REPLICA].settings_dict["PORT"]
        cursor.execute("SELECT 1")
    connections[REPLICA].close()
    connections[REPLICA].settings_dict["PORT"] = 1
    replica_forget()
    assert seen() == ["one", "two"]
    connections[REPLICA].settings_dict["PORT"] = good


def test_the_replica_refuses_to_be_written(replica: None) -> None:
    product_add("one")
    caught_up()
    with pytest.raises((OperationalError, DatabaseError), match="read-only"):
        Product.objects.using(REPLICA).update(name_en="x")


def test_an_object_of_a_report_is_changed_on_the_primary(replica: None) -> None:
    product_add("one")
    caught_up()
    with reports():
        row = Product.objects.get(code="one")
    assert row._state.db == REPLICA
    row.name_en = "changed"
    row.save()
    assert Product.objects.using("default").get(code="one").name_en == "changed"


def test_what_is_remembered_for_decisions_is_never_read_late(replica: None) -> None:
    product_add("one")
    policy("weilidai")

    @remembered
    def codes() -> list[str]:
        return sorted(Product.objects.values_list("code", flat=True))

    caught_up()
    with paused():
        product_add("two")
        with reports():
            assert codes() == ["one", "two", "weilidai"]


@pytest.mark.req("R14")
def test_a_draw_a_payout_and_a_repayment_never_read_the_replica_and_a_report_does(replica: None) -> None:
    policy()
    day_set()
    alice = borrower()
    caught_up()
    with paused(), CaptureQueriesContext(connections[REPLICA]) as late, reports():
        loan = alice.draw()
        payouts_advance(at=NOW, as_of=TODAY)
        sandbox_callbacks_deliver(at=NOW + SECOND, as_of=TODAY)
        repayment_make(
            loan_id=loan.pk, customer=alice.customer, amount=loan.principal_amount / 2, as_of=TODAY, at=NOW,
            actor=Actor.of(alice.customer),
        )  # fmt: skip
    assert [query["sql"] for query in late.captured_queries if "pg_last_wal" not in query["sql"]] == []
    assert Loan.objects.get().state == "active"
    caught_up()
    with CaptureQueriesContext(connections[REPLICA]) as told, reports():
        lines = trial_balance(TODAY, TODAY)
    assert len(told.captured_queries) >= 3
    assert sum(line.debits for line in lines) == sum(line.credits for line in lines) > 0


def test_the_pages_of_the_back_office_show_figures_of_the_replica_and_permissions_of_the_primary(
    replica: None, client: object
) -> None:
    policy()
    day_set()
    boss = StaffUser.objects.create_superuser("boss", "", "x")
    client.force_login(boss)
    caught_up()
    for path in ("/admin/", "/admin/loans/accountingperiod/trial-balance/", "/admin/risk/decision/dashboard/"):
        with CaptureQueriesContext(connections[REPLICA]) as told:
            assert client.get(path).status_code == 200
        asked = [query["sql"] for query in told.captured_queries]
        assert [sql for sql in asked if "pg_last_wal" not in sql], path
        assert [sql for sql in asked if "staffuser" in sql or "auth_permission" in sql] == [], path
    assert BusinessDay.objects.count() == 1
