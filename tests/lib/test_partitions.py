"""Ranges of keys: every key in exactly one, each done once whoever takes it, nothing half done."""

from datetime import date, timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from weilidai.lib.ids import UUID7_SQL, uuid7, uuid7_time
from weilidai.lib.models import JobRun
from weilidai.lib.partitions import (
    EVERYTHING,
    HIGHEST,
    LOWEST,
    Span,
    range_advance,
    ranges_of,
    ranges_write,
    spans_cut,
    spans_known,
)

pytestmark = pytest.mark.django_db
DAY = date(2026, 9, 15)
JOB = "test.job"


def key(number: int) -> UUID:
    return UUID(int=number << 64)


def made(*numbers: int) -> None:
    JobRun.objects.bulk_create(
        JobRun(id=key(number), job="row", business_date=DAY, partition=str(number)) for number in numbers
    )


def cut(known: list[UUID] | None = None) -> list[Span]:
    return spans_cut(JobRun.objects.filter(job="row"), 3, known=known or [])


def test_an_empty_table_is_one_span_of_everything() -> None:
    assert cut() == [EVERYTHING]


@pytest.mark.parametrize(("rows", "spans"), [(2, 1), (3, 2), (7, 3)])
def test_spans_follow_each_other_without_a_gap_from_the_lowest_to_the_highest_key(rows: int, spans: int) -> None:
    made(*range(1, rows + 1))
    found = cut()
    assert len(found) == spans
    assert (found[0].first, found[-1].last) == (LOWEST, HIGHEST)
    assert [span.first.int for span in found[1:]] == [span.last.int + 1 for span in found[:-1]]
    assert [JobRun.objects.filter(span.within(), job="row").count() for span in found[:-1]] == [3] * (spans - 1)


def test_a_later_cut_keeps_the_ends_of_the_one_before_and_counts_only_new_keys() -> None:
    made(1, 2, 3, 4)
    ranges_write(JOB, DAY, cut())
    made(5, 6, 7)
    known = spans_known(JOB, DAY + timedelta(days=1))
    assert known == [key(3)]
    assert [span.last for span in cut(known)] == [key(3), key(6), HIGHEST]
    assert spans_known(JOB, DAY) == []


def test_each_range_is_done_once_with_its_result() -> None:
    spans = [Span(LOWEST, key(3)), Span(UUID(int=key(3).int + 1), HIGHEST)]
    ranges_write(JOB, DAY, spans)
    ranges_write(JOB, DAY, spans)
    seen: list[Span] = []

    def work(span: Span) -> dict[str, Any]:
        seen.append(span)
        return {"n": len(seen)}

    while range_advance(JOB, DAY, work, worker="me"):
        pass
    assert seen == spans
    assert [(run.state, run.result, run.claimed_by, run.attempts) for run in ranges_of(JOB, DAY)] == [
        ("done", {"n": 1}, "me", 1), ("done", {"n": 2}, "me", 1),
    ]  # fmt: skip
    assert not range_advance(JOB, DAY, work, worker="me")


def test_a_range_that_breaks_leaves_nothing_but_its_error_and_is_done_later() -> None:
    ranges_write(JOB, DAY, [EVERYTHING])

    def broken(span: Span) -> dict[str, Any]:
        made(1)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        range_advance(JOB, DAY, broken, worker="me")
    run = ranges_of(JOB, DAY).get()
    assert (run.state, run.error, run.attempts) == ("failed", "RuntimeError: the disk is full", 1)
    assert not JobRun.objects.filter(job="row").exists()
    assert range_advance(JOB, DAY, lambda span: {}, worker="me")
    run.refresh_from_db()
    assert (run.state, run.error, run.attempts) == ("done", "", 2)


def test_keys_made_by_the_database_sort_by_the_time_they_were_made() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("a function of PostgreSQL")
    before = uuid7()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {UUID7_SQL}")
        made_there = cursor.fetchone()[0]
    assert made_there.version == 7
    assert abs(uuid7_time(made_there) - uuid7_time(before)) < timedelta(minutes=1)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_range_in_slow_hands_is_passed_over_and_never_done_twice() -> None:
    ranges_write(JOB, DAY, [Span(LOWEST, key(3)), Span(UUID(int=key(3).int + 1), HIGHEST)])
    begun, go_on = Event(), Event()

    def slowly(span: Span) -> dict[str, Any]:
        begun.set()
        assert go_on.wait(20)
        return {}

    def slow_worker() -> None:
        try:
            range_advance(JOB, DAY, slowly, worker="slow")
        finally:
            connection.close()

    slow = Thread(target=slow_worker)
    slow.start()
    assert begun.wait(20)
    assert range_advance(JOB, DAY, lambda span: {}, worker="quick")
    assert not range_advance(JOB, DAY, lambda span: {}, worker="quick")
    go_on.set()
    slow.join()
    assert sorted(ranges_of(JOB, DAY).values_list("claimed_by", "attempts")) == [("quick", 1), ("slow", 1)]
