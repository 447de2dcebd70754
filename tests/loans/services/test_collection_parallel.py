"""R60 in parallel: two collectors never get the same customer, and a task that is held holds nobody up."""

import pytest
from django.db import connection

from loans.end_of_day.collection import collections_run
from loans.models import CollectionStep, CollectionTask, PaymentPromise
from loans.services.collection_task import task_claim_next
from tests.loans.builders import Borrower, borrower
from tests.loans.collectors import MORNING, TODAY_OF_CALLS, collector, late_customer
from tests.loans.life import active_loan, day
from tests.loans.test_parallel import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("R60")]


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


def late_ones(alice: Borrower, count: int) -> None:
    for number in range(count - 1):
        active_loan(borrower(f"late{number}"), days=2)
    late_customer(alice)


def test_collectors_who_ask_at_once_get_different_tasks_and_none_is_left(alice: Borrower) -> None:
    late_ones(alice, 12)
    people = [collector(f"c{number}") for number in range(4)]

    def work(number: int) -> list[str]:
        mine = []
        while task := task_claim_next(user=people[number], as_of=TODAY_OF_CALLS, at=MORNING):
            mine.append(str(task.pk))
        return mine

    taken = [key for keys in together(work, 4) for key in keys]
    assert len(taken) == len(set(taken)) == 12
    assert CollectionTask.objects.filter(state="assigned", assigned_to__in=people).count() == 12


@pytest.mark.postgres
def test_a_task_somebody_is_taking_is_passed_over(alice: Borrower) -> None:
    late_ones(alice, 2)
    held = CollectionTask.objects.order_by("pk")[0]
    ann = collector("ann")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM loans_collectiontask WHERE id = %s FOR UPDATE", [held.pk])
        got = together(lambda _: [task_claim_next(user=ann, as_of=TODAY_OF_CALLS, at=MORNING) for _ in range(2)], 1)[0]
        cursor.execute("ROLLBACK")
    assert [task.pk != held.pk if task else None for task in got] == [True, None]


def test_the_night_run_by_several_at_once_takes_each_step_once(alice: Borrower) -> None:
    late_ones(alice, 6)
    CollectionStep.objects.all().delete()
    together(lambda _: collections_run(day(4), at=MORNING), 4)
    assert (CollectionStep.objects.count(), CollectionTask.objects.count()) == (6, 6)
    assert PaymentPromise.objects.count() == 0
