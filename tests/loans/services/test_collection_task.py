"""R60: a task is one collector's, calls go through the contact guard, outcomes have consequences."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.errors import ContactDailyLimit, ContactNotOwnNumber, ContactQuietHours
from accounts.models import ContactAttempt, ContactRule, StaffUser
from loans.errors import CallUnfinished, DebtGone, LeftInPeace, PromiseStands, TaskNotYours, TaskTaken
from loans.models import CollectionTask, Loan, PaymentPromise
from loans.selectors.position import loan_position
from loans.services.collection_contact import Told, call_begin, call_finish, note_add
from loans.services.collection_task import (
    dispute_end,
    queue,
    task_assign,
    task_claim_next,
    task_priority_set,
    task_release,
    task_take,
)
from tests.loans.builders import Borrower, borrower
from tests.loans.collectors import MORNING, PHONE, TODAY_OF_CALLS, collector, late_customer
from tests.loans.life import active_loan, close_through, day, repay
from tests.loans.strategies import call, strategy
from weilidai.lib.errors import FieldInvalid, ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent, StateChange

pytestmark = pytest.mark.req("R60")
HOUR = timedelta(hours=1)
NOW_ON: dict[str, Any] = {"as_of": TODAY_OF_CALLS, "at": MORNING}


@pytest.fixture
def task(alice: Borrower) -> CollectionTask:
    return late_customer(alice)


@pytest.fixture
def ann(task: CollectionTask) -> StaffUser:
    """Has the task."""
    user = collector("ann")
    task_take(task_id=task.pk, user=user, **NOW_ON)
    return user


def ring(task: CollectionTask, user: StaffUser, **values: Any) -> Any:
    return call_begin(**{"task_id": task.pk, "user": user, "phone": PHONE, **NOW_ON, **values})


def tell(task: CollectionTask, user: StaffUser, outcome: str, **values: Any) -> CollectionTask:
    ring(task, user)
    call_finish(task_id=task.pk, user=user, told=Told(outcome, **values), **NOW_ON)
    return CollectionTask.objects.get(pk=task.pk)


def test_the_queue_goes_by_priority_and_then_by_yuan_days(alice: Borrower):
    strategy(first=[call(0)])
    for who, amount, days in ((alice, "1000.00", 2), (borrower("bob"), "3000.00", 6), (borrower("carl"), "100.00", 2)):
        active_loan(who, amount, days=days)
    close_through(day(8))
    # Yuan-days on day 9: 1 000 x 7, 3 000 x 3, 100 x 7.
    assert [row.customer.openid for row in queue(day(9))] == ["bob", "alice", "carl"]
    CollectionTask.objects.filter(customer__openid="carl").update(priority=6)
    assert [row.customer.openid for row in queue(day(9))] == ["carl", "bob", "alice"]
    # On day 15 they weigh 13 000, 27 000 and 1 300, on day 7 5 000, 3 000 and 500.
    CollectionTask.objects.update(next_action_date=day(7), priority=5)
    assert [row.customer.openid for row in queue(day(7))] == ["alice", "bob", "carl"]


def test_claiming_gives_the_most_urgent_task_once_and_then_nothing(task: CollectionTask):
    ann, ben = collector("ann"), collector("ben")
    taken = task_claim_next(user=ann, **NOW_ON)
    assert taken is not None
    assert (taken.pk, taken.assigned_to, taken.state) == (task.pk, ann, "assigned")
    assert task_claim_next(user=ben, **NOW_ON) is None
    with pytest.raises(TaskTaken):
        task_take(task_id=task.pk, user=ben, **NOW_ON)
    assert StateChange.objects.filter(subject_id=str(task.pk), new="assigned").count() == 1


def test_a_task_whose_day_has_not_come_is_not_handed_out(task: CollectionTask):
    CollectionTask.objects.update(next_action_date=day(6))
    ann = collector("ann")
    assert task_claim_next(user=ann, **NOW_ON) is None
    assert task_claim_next(user=ann, as_of=day(6), at=MORNING + timedelta(days=1)) is not None


def test_a_debt_paid_since_the_night_is_handed_to_nobody(alice: Borrower, task: CollectionTask):
    pay_all(alice)
    assert task_claim_next(user=collector("ann"), **NOW_ON) is None
    task = CollectionTask.objects.get()
    assert (task.state, task.closed_because) == ("closed", "paid")


def pay_all(who: Borrower) -> None:
    loan = Loan.objects.get(customer=who.customer)
    repay(who, loan, str(loan_position(loan, day(5)).debt_amount), day(5))


def test_nobody_is_called_about_a_debt_that_is_paid(alice: Borrower, task: CollectionTask, ann: StaffUser):
    pay_all(alice)
    with pytest.raises(DebtGone):
        ring(task, ann)
    task = CollectionTask.objects.get()
    assert task.state == "closed"
    assert not ContactAttempt.objects.filter(channel="call").exists()


def test_only_its_collector_works_on_a_task_and_may_give_it_back(task: CollectionTask, ann: StaffUser):
    ben = collector("ben")
    with pytest.raises(TaskNotYours):
        ring(task, ben)
    with pytest.raises(TaskNotYours):
        note_add(task_id=task.pk, user=ben, note="hello", next_action_date=None, **NOW_ON)
    with pytest.raises(TaskNotYours):
        task_release(task_id=task.pk, user=ben, **NOW_ON)
    task_release(task_id=task.pk, user=ann, **NOW_ON)
    assert task_claim_next(user=ben, **NOW_ON) is not None


@pytest.mark.parametrize(("hours", "allowed"), [(11.99, True), (12, False), (21.99, False), (22, True)])
def test_calls_keep_the_quiet_hours_by_the_clock_of_the_call(
    task: CollectionTask, ann: StaffUser, hours: float, allowed: bool
):
    # MORNING is 10:00 in Shanghai: 12 hours later it is 22:00, 22 hours later 08:00.
    at = MORNING + timedelta(hours=hours)
    if allowed:
        assert ring(task, ann, at=at).contact_attempt.channel == "call"
        return
    with pytest.raises(ContactQuietHours):
        ring(task, ann, at=at)
    assert not ContactAttempt.objects.filter(channel="call").exists()


def test_the_seventh_call_of_a_day_is_refused(task: CollectionTask, ann: StaffUser):
    ContactRule.objects.update(attempts_per_day_max=6)
    for _ in range(6):
        tell(task, ann, "no_answer")
    with pytest.raises(ContactDailyLimit):
        ring(task, ann)
    assert ContactAttempt.objects.filter(channel="call", is_about_debt=True, state="done").count() == 6


def test_only_the_customers_own_number_is_called(task: CollectionTask, ann: StaffUser):
    with pytest.raises(ContactNotOwnNumber):
        ring(task, ann, phone="13900000000")


def test_a_call_is_told_before_the_next_and_no_outcome_without_a_call(task: CollectionTask, ann: StaffUser):
    with pytest.raises(ObjectNotFound):
        call_finish(task_id=task.pk, user=ann, told=Told("no_answer"), **NOW_ON)
    ring(task, ann)
    with pytest.raises(CallUnfinished):
        ring(task, ann)
    assert AuditEvent.objects.filter(action="collection.call").count() == 1


@pytest.mark.parametrize(
    ("outcome", "following"),
    [("no_answer", 6), ("wrong_number", 6), ("paid", 6), ("refused", 8), ("disputed", 12)],
)
def test_an_outcome_sets_the_day_of_the_next_action(task: CollectionTask, ann: StaffUser, outcome: str, following: int):
    row = tell(task, ann, outcome, note="said so")
    assert (row.last_outcome, row.next_action_date) == (outcome, day(following))
    assert row.is_disputed == (outcome == "disputed")


def test_a_promise_is_written_and_the_customer_left_in_peace(task: CollectionTask, ann: StaffUser):
    row = tell(task, ann, "promised", promise_amount=Decimal("500.00"), promise_date=day(9))
    given = PaymentPromise.objects.get()
    assert (given.amount, given.due_date, given.state) == (Decimal("500.00"), day(9), "open")
    assert row.next_action_date == day(10)
    with pytest.raises(LeftInPeace):
        ring(task, ann)
    assert AuditEvent.objects.filter(action="collection.promise").count() == 1


@pytest.mark.parametrize(
    ("amount", "due"),
    [(None, day(9)), (Decimal("0.00"), day(9)), (Decimal("5.00"), None), (Decimal("5.00"), day(4)),
     (Decimal("5.00"), day(37))],
)  # fmt: skip
def test_a_promise_without_sense_is_refused_and_the_call_stays_open(
    task: CollectionTask, ann: StaffUser, amount: Decimal | None, due: date | None
):
    with pytest.raises(FieldInvalid):
        tell(task, ann, "promised", promise_amount=amount, promise_date=due)
    assert not PaymentPromise.objects.exists()
    assert task.actions.get().outcome == ""


def test_a_promise_may_be_for_today_and_for_the_thirty_first_day(task: CollectionTask, ann: StaffUser):
    tell(task, ann, "promised", promise_amount=Decimal("5.00"), promise_date=day(5))
    PaymentPromise.objects.all().delete()
    tell(task, ann, "promised", promise_amount=Decimal("5.00"), promise_date=day(36))
    assert PaymentPromise.objects.get().due_date == day(36)


def test_a_second_promise_waits_for_the_first(task: CollectionTask, ann: StaffUser):
    ring(task, ann)
    PaymentPromise.objects.create(
        task=task, customer=task.customer, amount=Decimal("5.00"), promised_at=MORNING, promised_date=day(5),
        due_date=day(6), staff=ann,
    )  # fmt: skip
    with pytest.raises(PromiseStands):
        call_finish(task_id=task.pk, user=ann, told=Told("promised", "", None, Decimal("5.00"), day(6)), **NOW_ON)


def test_a_dispute_stops_the_calls_until_a_supervisor_ends_it(task: CollectionTask, ann: StaffUser):
    boss = collector("boss", "supervisor")
    tell(task, ann, "disputed")
    with pytest.raises(LeftInPeace):
        ring(task, ann)
    dispute_end(task_id=task.pk, user=boss, reason="answered", **NOW_ON)
    assert ring(task, ann)
    with pytest.raises(TransitionRefused):
        dispute_end(task_id=task.pk, user=boss, reason="again", **NOW_ON)


def test_a_supervisor_assigns_to_collectors_only_and_sets_the_priority(task: CollectionTask, ann: StaffUser):
    boss, ben, clerk = collector("boss", "supervisor"), collector("ben"), collector("clerk", "finance")
    with pytest.raises(FieldInvalid):
        task_assign(task_id=task.pk, to=clerk, user=boss, reason="no", **NOW_ON)
    assert task_assign(task_id=task.pk, to=ben, user=boss, reason="ann is away", **NOW_ON).assigned_to == ben
    assert task_priority_set(task_id=task.pk, priority=9, user=boss, reason="large", **NOW_ON).priority == 9
    for wrong in (0, 10):
        with pytest.raises(FieldInvalid):
            task_priority_set(task_id=task.pk, priority=wrong, user=boss, reason="no", **NOW_ON)
    assert AuditEvent.objects.filter(action__in=["collection.assign", "collection.priority"]).count() == 2


def test_a_note_may_name_the_next_day_from_today_to_ninety_days(task: CollectionTask, ann: StaffUser):
    for number, good in ((4, False), (5, True), (95, True), (96, False)):
        values: dict[str, Any] = {"note": "wrote a letter", "next_action_date": day(number)}
        if good:
            note_add(task_id=task.pk, user=ann, **values, **NOW_ON)
            assert CollectionTask.objects.get().next_action_date == day(number)
        else:
            with pytest.raises(FieldInvalid):
                note_add(task_id=task.pk, user=ann, **values, **NOW_ON)
    with pytest.raises(FieldInvalid):
        note_add(task_id=task.pk, user=ann, note="  ", next_action_date=None, **NOW_ON)
