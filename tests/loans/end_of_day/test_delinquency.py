"""Overdue facts are the same rows, each once, whoever writes them at once: real connections, real commits (I5, I11)."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from loans.end_of_day import delinquency
from loans.end_of_day.delinquency import Standing, facts_write
from loans.models import DelinquencyFact, Loan
from loans.services.correction import repayment_enter_late
from loans.services.history import Act
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, close_through, day, faults
from weilidai.lib.audit import Actor

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def apart(act: Callable[[], Any]) -> Any:
    """`act` on a connection of its own."""
    try:
        return act()
    finally:
        connections.close_all()


def wait_until_locked_out(other: "Future[Any]") -> None:
    """Until the other connection waits for a lock; its error, where it ended with one."""
    until = time.monotonic() + 20
    with connection.cursor() as cursor:
        while True:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
            assert not other.done(), other.result()
            assert time.monotonic() < until, "nobody waits"
            time.sleep(0.01)


def at_once(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Both results: the second begins when the first has written, which commits when the second waits for it."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            done = first()
            other = pool.submit(apart, second)
            wait_until_locked_out(other)
        return done, other.result(timeout=20)


def enter_late(loan: Loan) -> None:
    """A tenth, entered on the fifth day as paid on the second."""
    act = Act(Actor("staff", "7", "finance"), day(5), NOW + timedelta(days=5), "as the bank says")
    repayment_enter_late(loan_id=loan.pk, amount=Decimal("100.00"), effective_date=day(2), act=act)


def facts() -> list[tuple[UUID, int, str, Decimal]]:
    rows = DelinquencyFact.objects.filter(business_date=day(4)).order_by("loan_id")
    return list(rows.values_list("loan_id", "days_past_due", "bucket", "outstanding_principal_amount"))


def recorded() -> set[str]:
    return set(Loan.objects.values_list("recorded_bucket", flat=True))


def overdue(alice: Borrower) -> list[Loan]:
    """Three loans that fell due on the third day; the fourth is about to be closed."""
    loans = [active_loan(alice, days=3) for _ in range(3)]
    close_through(day(3))
    return sorted(loans, key=lambda loan: loan.pk)


@pytest.mark.postgres
@pytest.mark.req("R53")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("replayed", [False, True], ids=["by columns", "by replay"])
def test_two_workers_at_once_write_the_same_rows_once(alice: Borrower, replayed: bool):
    loans = overdue(alice)
    for loan in loans[: 3 * replayed]:
        enter_late(loan)
    assert at_once(lambda: facts_write(day(4)), lambda: facts_write(day(4))) == ({"1-30": 3}, {})
    assert facts() == [(loan.pk, 1, "1-30", Decimal("1000.00")) for loan in loans]
    assert recorded() == {"1-30"}


@pytest.mark.postgres
@pytest.mark.req("R53")
@pytest.mark.django_db(transaction=True)
def test_a_payment_entered_late_meanwhile_changes_no_fact(alice: Borrower):
    loans = overdue(alice)
    _, crossed = at_once(lambda: enter_late(loans[1]), lambda: facts_write(day(4)))
    assert crossed == {"1-30": 3}
    assert facts() == [(loan.pk, 1, "1-30", Decimal("1000.00")) for loan in loans]
    assert recorded() == {"1-30"}
    assert Loan.objects.get(pk=loans[1].pk).outstanding_principal_amount == Decimal("900.80")


@pytest.mark.postgres
@pytest.mark.req("R53")
@pytest.mark.django_db(transaction=True)
def test_a_payment_that_waits_for_the_night_keeps_what_it_recorded(alice: Borrower):
    loans = overdue(alice)
    crossed, _ = at_once(lambda: facts_write(day(4)), lambda: enter_late(loans[1]))
    assert (crossed, recorded()) == ({"1-30": 3}, {"1-30"})
    assert [row[1:3] for row in facts()] == [(1, "1-30")] * 3
    close_through(day(5))
    assert faults() == []


@pytest.mark.django_db
def test_a_fact_that_stands_is_written_over_and_one_that_is_recorded_is_left(alice: Borrower):
    loans = overdue(alice)
    assert facts_write(day(4)) == {"1-30": 3}
    keys = set(DelinquencyFact.objects.values_list("pk", flat=True))
    Loan.objects.filter(pk=loans[0].pk).update(recorded_bucket="0")
    DelinquencyFact.objects.update(days_past_due=9)
    rows = [Standing(loan.pk, loan.customer_id, 1, "1-30", "0", Decimal("1000.00")) for loan in loans]
    assert delinquency._facts_write(rows, day(4)) == ["1-30"]
    assert [row[1] for row in facts()] == [1, 9, 9]
    assert set(DelinquencyFact.objects.values_list("pk", flat=True)) == keys
