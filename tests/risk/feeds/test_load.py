"""Taking feeds in: counts, repetition, interruption, several at once."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError, connections
from pytest_django import DjangoAssertNumQueries

from accounts.models import Customer, ErasedOpenid
from accounts.models.erased import erased_hash
from risk.feeds import load
from risk.feeds.load import bounded_lines, delivery_create, feed_load, file_load
from risk.feeds.parse import LINE_BYTES_MAX
from risk.models import ActivityDay, CustomerFeedRow, FeedDelivery, FeedRejection
from tests.risk.feeds.builders import DAY, activity, counts, customer, people_create

pytestmark = pytest.mark.django_db


def take(kind: str, *lines: bytes, as_of: date = DAY) -> FeedDelivery:
    delivery = delivery_create(kind=kind, source="test", fingerprint="", as_of=as_of)
    return feed_load(delivery, io.BytesIO(b"".join(lines)))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "BATCH", 10)


def rejected(delivery: FeedDelivery) -> list[tuple[int, str, str]]:
    return list(delivery.rejections.values_list("line_number", "field", "code"))


# --- Counting ---------------------------------------------------------------------------------------------------


def test_a_bad_row_is_rejected_alone() -> None:
    people_create("alice")
    delivery = take("activity", activity("1"), b"{\n", activity("2", opens="many"), activity("3"))
    assert counts(delivery) == (2, 2, 0)
    assert rejected(delivery) == [(2, "", "broken_json"), (3, "opens", "wrong_type")]
    assert set(ActivityDay.objects.values_list("row_id", flat=True)) == {"1", "3"}


def test_empty_lines_count_as_lines_and_as_nothing_else() -> None:
    people_create("alice")
    delivery = take("activity", b"\n", activity("1"), b"  \r\n", b"{\n")
    assert counts(delivery) == (1, 1, 0)
    assert rejected(delivery) == [(4, "", "broken_json")]


def test_an_unknown_openid_is_bad_until_the_customer_comes() -> None:
    assert rejected(take("activity", activity("1"))) == [(1, "openid", "unknown_openid")]
    people_create("alice")
    assert counts(take("activity", activity("1"))) == (1, 0, 0)


def test_the_business_date_decides_and_a_late_row_is_taken() -> None:
    people_create("alice")
    rows = [activity("1", date="2026-11-21"), activity("2", date="2026-11-20"), activity("3", date="2020-01-01")]
    assert counts(take("activity", *rows)) == (2, 1, 0)
    assert counts(take("activity", *rows, as_of=date(2026, 11, 21))) == (1, 0, 2)


@pytest.mark.usefixtures("small_batches")
def test_a_row_id_counts_once_within_a_batch_across_batches_and_deliveries() -> None:
    people_create("alice")
    rows = [activity(str(n % 25)) for n in range(40)]
    assert counts(take("activity", *rows, activity("0", opens=99))) == (25, 0, 16)
    assert counts(take("activity", *rows)) == (0, 0, 40)
    assert ActivityDay.objects.get(row_id="0").opens == 4


def test_a_bad_row_does_not_use_up_its_id() -> None:
    people_create("alice")
    delivery = take("activity", activity("1", opens=-1), activity("1"), activity("1", opens=-1))
    assert counts(delivery) == (1, 2, 0)


def test_ids_of_different_kinds_are_different() -> None:
    assert counts(take("customers", customer("1"))) == (1, 0, 0)
    assert counts(take("activity", activity("1"))) == (1, 0, 0)


def test_a_batch_asks_a_handful_of_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    people_create("alice")
    rows = [activity(str(n)) for n in range(100)]
    with django_assert_max_num_queries(32):
        take("activity", *rows)


# --- Customers --------------------------------------------------------------------------------------------------


def test_a_customer_is_created_then_updated_and_the_row_counts_once() -> None:
    assert counts(take("customers", customer("1"), customer("2", "bob"))) == (2, 0, 0)
    assert counts(take("customers", customer("1", city="北京市"), customer("3", "bob", city="上海市"))) == (1, 0, 1)
    assert dict(Customer.objects.values_list("openid", "city")) == {"alice": "广州市", "bob": "上海市"}
    assert CustomerFeedRow.objects.count() == 3


def test_the_last_row_of_a_customer_counts_and_the_profile_of_the_customer_is_kept() -> None:
    Customer.objects.create(openid="alice", declared_occupation="student", city="北京市")
    take("customers", customer("1", city="上海市"), customer("2", occupation="self_employed"))
    alice = Customer.objects.get(openid="alice")
    assert (alice.city, alice.registered_occupation, alice.declared_occupation) == (
        "广州市",
        "self_employed",
        "student",
    )
    assert (alice.registered_on, alice.residence_since) == (date(2024, 12, 24), date(2017, 6, 7))


# --- Memory -----------------------------------------------------------------------------------------------------


def test_a_line_without_end_is_never_held_whole() -> None:
    endless = b"x" * (LINE_BYTES_MAX * 5)
    lines = list(bounded_lines(io.BytesIO(b"a\n" + endless + b"\nb\n" + endless)))
    assert [len(line) for line in lines] == [2, LINE_BYTES_MAX + 1, 2, LINE_BYTES_MAX + 1]


def test_line_numbers_go_on_after_a_line_that_is_too_long() -> None:
    people_create("alice")
    delivery = take("activity", b"x" * (LINE_BYTES_MAX * 3) + b"\n", b"{\n", activity("1"))
    assert rejected(delivery) == [(1, "", "too_long"), (2, "", "broken_json")]
    assert delivery.good_count == 1


# --- Interruption -----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for a process that ends between two statements."""


@pytest.fixture
def feed_file(tmp_path: Path) -> Path:
    """Thirty-five lines: 30 good, 2 bad, 3 repeated."""
    path = tmp_path / "activity.ndjson"
    rows = [activity(str(n)) for n in range(30)]
    path.write_bytes(b"".join([*rows[:15], b"{\n", rows[3], *rows[15:], rows[20], b"[]\n", rows[0]]))
    people_create("alice")
    return path


def kill_after(batches: int) -> Callable[[int, int], None]:
    left = iter(range(batches - 1))

    def on_batch(lines: int, size: int) -> None:
        if next(left, None) is None:
            raise Killed

    return on_batch


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(("batches", "lines_done"), [(1, 10), (2, 20), (3, 30), (4, 35)])
def test_a_killed_import_goes_on_where_it_stopped(feed_file: Path, batches: int, lines_done: int) -> None:
    with pytest.raises(Killed):
        file_load(kind="activity", path=feed_file, as_of=DAY, on_batch=kill_after(batches))
    assert FeedDelivery.objects.get().lines_done == lines_done
    delivery = file_load(kind="activity", path=feed_file, as_of=DAY)
    assert FeedDelivery.objects.count() == 1
    assert counts(delivery) == (30, 2, 3)
    assert rejected(delivery) == [(16, "", "broken_json"), (34, "", "not_an_object")]
    assert delivery.finished_at is not None


@pytest.mark.usefixtures("small_batches")
def test_a_kill_inside_a_batch_leaves_nothing_of_it(feed_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(load, "_delivery_count", killed)
        with pytest.raises(Killed):
            file_load(kind="activity", path=feed_file, as_of=DAY)
    assert ActivityDay.objects.count() == 0
    assert counts(file_load(kind="activity", path=feed_file, as_of=DAY)) == (30, 2, 3)


def test_a_resumed_delivery_is_judged_by_its_own_business_date(feed_file: Path) -> None:
    feed_file.write_bytes(activity("1", date="2026-11-21"))
    delivery_create(
        kind="activity", source=str(feed_file.resolve()), fingerprint=load.file_fingerprint(feed_file), as_of=DAY
    )
    assert counts(file_load(kind="activity", path=feed_file, as_of=date(2026, 11, 21))) == (0, 1, 0)


def test_a_finished_file_again_is_a_new_delivery_that_changes_nothing(feed_file: Path) -> None:
    first = file_load(kind="activity", path=feed_file, as_of=DAY)
    second = file_load(kind="activity", path=feed_file, as_of=DAY)
    assert first.pk != second.pk
    assert counts(second) == (0, 2, 33)
    assert ActivityDay.objects.count() == 30


def test_a_database_that_gives_way_is_asked_again(feed_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes, faults = load._rows_write, iter([OperationalError("deadlock detected")] * 2)

    def flaky(*args: Any) -> Any:
        if (fault := next(faults, None)) is not None:
            raise fault
        return writes(*args)

    monkeypatch.setattr(load, "_rows_write", flaky)
    assert counts(file_load(kind="activity", path=feed_file, as_of=DAY)) == (30, 2, 3)


def test_a_database_that_stays_away_is_an_error(feed_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(load, "_rows_write", broken)
    with pytest.raises(OperationalError, match="gone"):
        file_load(kind="activity", path=feed_file, as_of=DAY)
    assert FeedDelivery.objects.get().finished_at is None


# --- Several at once --------------------------------------------------------------------------------------------

THREADS = 4


def together(act: Callable[[], Any]) -> list[Any]:
    barrier = Barrier(THREADS)

    def run(_: int) -> Any:
        try:
            barrier.wait()
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_parallel_imports_of_one_file_take_every_row_once(feed_file: Path) -> None:
    deliveries = together(lambda: file_load(kind="activity", path=feed_file, as_of=DAY))
    assert ActivityDay.objects.count() == sum(delivery.good_count for delivery in deliveries) == 30
    assert [delivery.bad_count for delivery in deliveries] == [2] * THREADS
    assert sum(delivery.repeated_count for delivery in deliveries) == 33 * THREADS - 30


def test_a_running_second_import_is_never_taken_for_a_broken_one(feed_file: Path) -> None:
    with feed_file.open("rb") as first, feed_file.open("rb") as second:
        load._file_delivery("activity", feed_file, first, DAY)
        running = load._file_delivery("activity", feed_file, second, DAY)
    with feed_file.open("rb") as third:
        resumed = load._file_delivery("activity", feed_file, third, DAY)
    assert resumed.pk != running.pk
    assert FeedDelivery.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_parallel_processes_that_share_a_delivery_count_it_once(feed_file: Path) -> None:
    shared = delivery_create(kind="activity", source="shared", fingerprint="", as_of=DAY)

    def act() -> None:
        with feed_file.open("rb") as stream:
            feed_load(FeedDelivery.objects.get(pk=shared.pk), stream)

    together(act)
    assert counts(FeedDelivery.objects.get(pk=shared.pk)) == (30, 2, 3)
    assert FeedRejection.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_parallel_customers_are_made_once(tmp_path: Path) -> None:
    people_create(*(f"p{n}" for n in range(0, 30, 2)))
    path = tmp_path / "customers.ndjson"
    path.write_bytes(b"".join(customer(str(n), f"p{n}") for n in range(30)))
    deliveries = together(lambda: file_load(kind="customers", path=path, as_of=DAY))
    assert Customer.objects.filter(city="广州市").count() == Customer.objects.count() == 30
    assert sum(delivery.good_count for delivery in deliveries) == 30


# --- The right to be forgotten ----------------------------------------------------------------------------------


@pytest.mark.req("R55")
def test_who_was_erased_is_not_brought_back_and_nothing_of_the_row_is_kept() -> None:
    people_create("bob")
    ErasedOpenid.objects.create(openid_hash=erased_hash("alice"))
    delivery = take("customers", customer("1"), customer("2", "bob"), customer("3", "carol"))
    assert counts(delivery) == (2, 1, 0)
    assert rejected(delivery) == [(1, "openid", "erased_customer")]
    assert set(Customer.objects.values_list("openid", flat=True)) == {"bob", "carol"}
    behaviour = take("activity", activity("1"), activity("2", "bob"))
    assert rejected(behaviour) == [(1, "openid", "erased_customer")]
    assert set(FeedRejection.objects.values_list("row_excerpt", flat=True)) == {""}


@pytest.mark.req("R55")
def test_who_signed_in_anew_is_taken_again() -> None:
    ErasedOpenid.objects.create(openid_hash=erased_hash("alice"))
    people_create("alice")
    assert counts(take("customers", customer("1"))) == (1, 0, 0)
    assert counts(take("activity", activity("1"))) == (1, 0, 0)
