"""R60: the night takes each step once, late or after an outage without a burst; tasks and promises follow the money."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Notification, StaffUser
from loans.end_of_day.collection import collections_run
from loans.models import CollectionStep, CollectionTask, Loan, PaymentPromise
from loans.selectors.position import loan_position
from tests.loans.builders import NOW, TODAY, Borrower, borrower
from tests.loans.life import active_loan, close_through, day, repay
from tests.loans.strategies import call, figures_since, message, strategy
from weilidai.lib.models import BusinessDay, StateChange

pytestmark = pytest.mark.req("R60")


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


def run(number: int, at: datetime = NOW) -> dict[str, Any]:
    return collections_run(day(number), at=at)


def told() -> list[tuple[str, int]]:
    """Texts of strategies with the day they opened on."""
    rows = Notification.objects.filter(kind__startswith="collection").order_by("business_date")
    return [(row.kind, (row.business_date - TODAY).days) for row in rows]


def task() -> CollectionTask:
    return CollectionTask.objects.get()


def promise(amount: str, due: int, given: int = 5) -> PaymentPromise:
    row = task()
    return PaymentPromise.objects.create(
        task=row, customer=row.customer, amount=Decimal(amount), promised_at=NOW + timedelta(days=given),
        promised_date=day(given), due_date=day(due), staff=StaffUser.objects.create_user("collector"),
    )  # fmt: skip


def pay_all(who: Borrower, loan: Loan, number: int) -> None:
    repay(who, loan, str(loan_position(Loan.objects.get(pk=loan.pk), day(number)).debt_amount), day(number))


def test_each_step_is_taken_on_its_day_once_and_the_night_may_be_repeated(alice: Borrower):
    strategy(first=[message(1), message(3, "collection_urgent"), call(2)])
    active_loan(alice, days=2)
    close_through(day(7))
    # Due on day 2: two days late on day 4, four on day 6.
    assert told() == [("collection_reminder", 4), ("collection_urgent", 6)]
    assert (task().opened_date, task().priority, task().bucket) == (day(5), 5, "1-30")
    run(7)
    run(7)
    assert (len(told()), CollectionStep.objects.count(), CollectionTask.objects.count()) == (2, 3, 1)


def test_a_new_bucket_brings_its_steps_and_makes_the_open_task_more_urgent(alice: Borrower):
    strategy(first=[call(0, 2)], second=[message(0), call(0, 6)])
    active_loan(alice, days=2)
    close_through(day(31))
    assert (told(), task().priority, task().bucket) == ([], 2, "1-30")
    close_through(day(32))
    assert (told(), task().priority, task().bucket) == ([("collection_reminder", 33)], 6, "31-60")


def test_after_an_outage_only_the_last_night_writes_and_only_the_newest_message(
    alice: Borrower, monkeypatch: pytest.MonkeyPatch
):
    strategy(first=[message(0), message(2, "collection_urgent"), message(4), call(1)])
    active_loan(alice, days=2)
    BusinessDay.objects.update(follows_clock=True)
    # Seven nights late, all in the morning of day 7: 02:00 UTC is 10:00 in Shanghai.
    morning = datetime(2026, 9, 22, 2, 0, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: morning)
    close_through(day(5))
    assert (told(), CollectionTask.objects.count()) == ([], 0)
    close_through(day(6))
    assert told() == [("collection_reminder", 7)]
    assert sorted(CollectionStep.objects.values_list("code", "result")) == [
        ("1:sms", "passed"), ("2:call", "task"), ("3:sms", "passed"), ("5:sms", "sent"),
    ]  # fmt: skip


def test_a_customer_with_two_late_loans_gets_one_message_and_one_task(alice: Borrower):
    strategy(first=[message(1), call(1)])
    active_loan(alice, "1000.00", days=2)
    active_loan(alice, "2000.00", days=2)
    close_through(day(3))
    assert told() == [("collection_reminder", 4)]
    assert sorted(CollectionStep.objects.values_list("code", "result")) == [
        ("2:call", "task"), ("2:call", "task"), ("2:sms", "merged"), ("2:sms", "sent"),
    ]  # fmt: skip
    assert task().overdue_amount == Decimal("3000.00")


def test_without_a_strategy_nobody_is_written_to(alice: Borrower):
    active_loan(alice, days=2)
    close_through(day(3))
    assert (told(), CollectionTask.objects.count(), CollectionStep.objects.count()) == ([], 0, 0)


def test_a_task_closes_by_itself_when_the_debt_is_paid_and_its_steps_end(alice: Borrower):
    strategy(first=[call(0), message(6)])
    loan = active_loan(alice, days=2)
    close_through(day(3))
    pay_all(alice, loan, 4)
    close_through(day(10))
    assert (task().state, task().closed_because, task().closed_date) == ("closed", "paid", day(5))
    assert told() == []
    assert StateChange.objects.filter(subject_type="loans.collectiontask", new="closed").count() == 1


def test_a_task_closes_when_the_debt_is_given_up_or_due_at_another_time(alice: Borrower):
    strategy(first=[call(0)])
    active_loan(alice, days=2)
    active_loan(borrower("bob"), days=2)
    close_through(day(3))
    moved = Loan.objects.get(customer=alice.customer)
    moved.next_due_date = day(40)
    moved.save()
    close_through(day(4))
    assert sorted(CollectionTask.objects.values_list("state", "closed_because")) == [
        ("closed", "rearranged"), ("open", ""),
    ]  # fmt: skip


def test_a_partly_paid_debt_keeps_its_task_with_the_figures_of_the_day(alice: Borrower):
    strategy(first=[call(0)])
    loan = active_loan(alice, days=2)
    close_through(day(3))
    repay(alice, loan, "400.00", day(4))
    close_through(day(4))
    assert task().state == "open"
    assert task().overdue_amount == Loan.objects.get(pk=loan.pk).outstanding_principal_amount < Decimal("1000.00")


def test_a_promise_pauses_the_steps_and_the_reminders_until_its_day(alice: Borrower):
    strategy(first=[call(0), message(5)])
    active_loan(alice, days=2)
    close_through(day(4))
    promise("500.00", due=9)
    close_through(day(8))
    # The message of day 8 and the reminder of the seventh day, day 9, wait.
    late = Notification.objects.filter(kind="overdue", business_date__gt=day(5))
    assert (told(), late.count()) == ([], 0)
    close_through(day(9))
    assert told() == [("collection_reminder", 10)]


@pytest.mark.parametrize(
    ("paid_on", "amount", "state", "decided"),
    [(9, "500.00", "kept", 9), (9, "499.99", "broken", 9), (10, "500.00", "broken", 9), (6, "500.00", "kept", 6)],
)
def test_a_promise_is_kept_by_what_came_in_by_its_day(
    alice: Borrower, paid_on: int, amount: str, state: str, decided: int
):
    strategy(first=[call(0)])
    loan = active_loan(alice, days=2)
    close_through(day(4))
    given = promise("500.00", due=9)
    close_through(day(paid_on - 1))
    repay(alice, loan, amount, day(paid_on))
    close_through(day(paid_on))
    given.refresh_from_db()
    assert (given.state, given.decided_date) == (state, day(decided))
    assert task().priority == (7 if state == "broken" else 5)
    # A further night changes nothing.
    close_through(day(paid_on + 1))
    assert task().priority == (7 if state == "broken" else 5)


@pytest.mark.parametrize(("since", "priority"), [(9, 8), (10, 7)])
def test_how_much_more_urgent_a_broken_word_makes_it_is_a_figure_of_the_day_it_was_given_for(
    alice: Borrower, since: int, priority: int
):
    strategy(first=[call(0)])
    active_loan(alice, days=2)
    close_through(day(4))
    promise("500.00", due=9)
    figures_since(day(since), broken_raises=3)
    close_through(day(9))
    assert task().priority == priority


@pytest.mark.parametrize(("since", "late", "results"), [(8, 4, ["sent"]), (8, 3, []), (9, 3, ["sent"])])
def test_how_long_a_message_is_made_up_for_is_a_figure_of_the_day_that_opens(
    alice: Borrower, monkeypatch: pytest.MonkeyPatch, since: int, late: int, results: list[str]
):
    """Its message was for day 4; all nights are made up for on day 8, where only the last one writes."""
    strategy(first=[message(1), call(5)])
    active_loan(alice, days=2)
    BusinessDay.objects.update(follows_clock=True)
    figures_since(day(since), message_late_days=late)
    morning = datetime(2026, 9, 23, 2, 0, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: morning)
    close_through(day(7))
    assert list(CollectionStep.objects.filter(code="2:sms", result="sent").values_list("result", flat=True)) == results
    assert len(told()) == len(results)


def test_money_from_before_the_promise_does_not_keep_it(alice: Borrower):
    strategy(first=[call(0)])
    loan = active_loan(alice, days=2)
    close_through(day(4))
    repay(alice, loan, "500.00", day(5))
    given = promise("500.00", due=6)
    PaymentPromise.objects.update(promised_at=NOW + timedelta(days=5, hours=1))
    close_through(day(6))
    given.refresh_from_db()
    assert (given.state, given.received_amount) == ("broken", Decimal("0.00"))


def test_a_promise_about_more_than_was_owed_is_without_object_once_all_is_paid(alice: Borrower):
    strategy(first=[call(0)])
    loan = active_loan(alice, days=2)
    close_through(day(4))
    given = promise("5000.00", due=9)
    pay_all(alice, loan, 5)
    close_through(day(5))
    given.refresh_from_db()
    assert (given.state, task().state) == ("void", "closed")


def test_a_disputed_debt_is_left_alone(alice: Borrower):
    strategy(first=[call(0), message(5)])
    active_loan(alice, days=2)
    close_through(day(4))
    CollectionTask.objects.update(is_disputed=True)
    close_through(day(9))
    assert told() == []


def test_the_night_asks_as_often_for_nine_customers_as_for_three(alice: Borrower):
    strategy(first=[message(1), call(1)])

    def queries(names: range) -> int:
        for number in names:
            active_loan(borrower(f"b{number}"), days=2)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            run(3)
        CollectionStep.objects.all().delete()
        CollectionTask.objects.all().delete()
        Notification.objects.filter(kind__startswith="collection").delete()
        return len(seen)

    assert queries(range(3)) == queries(range(3, 9))
