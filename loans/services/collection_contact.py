"""What a collector does about a task (R60): calls that the contact guard allows, outcomes, promises, notes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import ContactAttempt, ContactChannel, StaffUser
from accounts.services.contact import contact_reserve
from loans.errors import CallUnfinished, DebtGone, LeftInPeace, PromiseStands
from loans.models import CollectionAction, CollectionTask, Outcome, PaymentPromise, PromiseState
from loans.selectors.collection import left_in_peace, overdue_totals
from loans.selectors.collection_policy import collection_figures_at
from loans.services.collection_night import tasks_follow
from loans.services.collection_task import own_task_lock
from risk.models import AlertSeverity
from risk.rules.alerts import COLLECTIONS, HARDSHIP_WISH
from risk.services.alert import alert_raise
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import FieldInvalid, ObjectNotFound

Kind = CollectionAction.Kind


@dataclass(frozen=True)
class Told:
    """How a call ended. Amount in yuan and day of a promise only with the outcome `promised`."""

    outcome: str
    note: str = ""
    next_action_date: date | None = None
    promise_amount: Decimal | None = None
    promise_date: date | None = None


def call_begin(*, task_id: UUID, user: StaffUser, phone: str, as_of: date, at: datetime) -> CollectionAction:
    """Before the telephone is picked up: the attempt is counted, or refused.

    Raises TaskNotYours, CallUnfinished, LeftInPeace, the refusals of the contact guard, and DebtGone, whose closing of
    the task stays.
    """
    if not _debt_stands(task_id, as_of, at):
        raise DebtGone
    return _call_begin(task_id, user, phone, as_of, at)


@transaction.atomic
def _debt_stands(task_id: UUID, as_of: date, at: datetime) -> bool:
    """Whether anything is overdue at this moment; if not, the task is closed."""
    customer = CollectionTask.objects.filter(pk=task_id).values_list("customer_id", flat=True).first()
    if customer is None:
        raise ObjectNotFound
    if customer in overdue_totals([customer], as_of):
        return True
    tasks_follow([task_id], opening=as_of, at=at)
    return False


@transaction.atomic
def _call_begin(task_id: UUID, user: StaffUser, phone: str, as_of: date, at: datetime) -> CollectionAction:
    task = own_task_lock(task_id, user)
    if open_call(task) is not None:
        raise CallUnfinished
    if left_in_peace([task.customer_id], as_of):
        raise LeftInPeace
    attempt = contact_reserve(
        customer=task.customer, channel=ContactChannel.CALL, about_debt=True, phone=phone, at=at, actor=Actor.of(user)
    )
    call = CollectionAction.objects.create(
        task=task, customer=task.customer, kind=Kind.CALL, contact_attempt=attempt, staff=user, at=at,
        business_date=as_of,
    )  # fmt: skip
    audit_record(
        action="collection.call", actor=Actor.of(user), subject=call, at=at, as_of=as_of,
        after={"phone_tail": attempt.phone_tail},
    )  # fmt: skip
    return call


def open_call(task: CollectionTask) -> CollectionAction | None:
    """The call whose outcome is not told yet."""
    return task.actions.filter(kind=Kind.CALL, outcome="").select_related("contact_attempt").first()


@transaction.atomic
def call_finish(*, task_id: UUID, user: StaffUser, told: Told, as_of: date, at: datetime) -> CollectionAction:
    """How the begun call ended, and what follows: a promise, a dispute, the day of the next action.

    Raises TaskNotYours, ObjectNotFound where no call was begun, FieldInvalid, PromiseStands.
    """
    task = own_task_lock(task_id, user)
    call = open_call(task)
    if call is None:
        raise ObjectNotFound
    if told.outcome not in Outcome.values:
        raise _fault("outcome", _("Unknown outcome"))
    call.outcome, call.note = told.outcome, told.note
    call.save(update_fields=["outcome", "note"])
    # Codes, not words in somebody's language: the record is read in both.
    ContactAttempt.objects.filter(collection_action=call).update(state=ContactAttempt.State.DONE, result=told.outcome)
    if told.outcome == Outcome.PROMISED:
        promise = _promise_make(task, user, told, as_of, at)
        task.next_action_date = promise.due_date + timedelta(days=1)
    else:
        default = as_of + timedelta(days=collection_figures_at(as_of).after(told.outcome))
        task.next_action_date = _next_day(told.next_action_date, as_of) or default
    task.is_disputed = task.is_disputed or told.outcome == Outcome.DISPUTED
    task.last_outcome = told.outcome
    task.save(update_fields=["next_action_date", "is_disputed", "last_outcome"])
    audit_record(
        action="collection.outcome", actor=Actor.of(user), subject=call, at=at, as_of=as_of,
        after={"outcome": told.outcome, "next_action_date": task.next_action_date.isoformat()},
    )  # fmt: skip
    return call


@transaction.atomic
def note_add(
    *, task_id: UUID, user: StaffUser, note: str, next_action_date: date | None, as_of: date, at: datetime
) -> CollectionAction:
    """A note, and the day of the next action where one is named. Raises TaskNotYours, FieldInvalid."""
    task = own_task_lock(task_id, user)
    if not note.strip():
        raise _fault("note", _("A note says something"))
    row = CollectionAction.objects.create(
        task=task, customer=task.customer, kind=Kind.NOTE, note=note, staff=user, at=at, business_date=as_of
    )
    following = _next_day(next_action_date, as_of)
    if following is not None:
        task.next_action_date = following
        task.save(update_fields=["next_action_date"])
    audit_record(action="collection.note", actor=Actor.of(user), subject=row, at=at, as_of=as_of)
    return row


@transaction.atomic
def hardship_record(*, task_id: UUID, user: StaffUser, wish: str, as_of: date, at: datetime) -> CollectionAction:
    """The customer cannot pay and asks for another way: kept, and an alert for those who decide about it.

    The next call waits some days (`wish_days`), so that there is an answer first. Raises TaskNotYours, FieldInvalid.
    """
    task = own_task_lock(task_id, user)
    if not wish.strip():
        raise _fault("wish", _("A wish says what would help"))
    actor = Actor.of(user)
    row = CollectionAction.objects.create(
        task=task, customer=task.customer, kind=Kind.HARDSHIP, note=wish.strip(), staff=user, at=at,
        business_date=as_of,
    )  # fmt: skip
    task.next_action_date = as_of + timedelta(days=collection_figures_at(as_of).wish_days)
    task.save(update_fields=["next_action_date"])
    audit_record(action="collection.hardship", actor=actor, subject=row, at=at, as_of=as_of)
    alert_raise(
        customer=task.customer, rule=HARDSHIP_WISH, layer=COLLECTIONS, severity=AlertSeverity.MEDIUM,
        evidence={"reason": row.note, "amount": str(task.overdue_amount), "date": as_of.isoformat()},
        dedupe_key=f"{HARDSHIP_WISH}:{row.pk}", as_of=as_of, at=at, actor=actor,
    )  # fmt: skip
    return row


def _promise_make(task: CollectionTask, user: StaffUser, told: Told, as_of: date, at: datetime) -> PaymentPromise:
    if told.promise_amount is None or told.promise_amount <= 0:
        raise _fault("promise_amount", _("A promise names an amount"))
    most = collection_figures_at(as_of).promise_days
    last = as_of + timedelta(days=most)
    if told.promise_date is None or not as_of <= told.promise_date <= last:
        raise _fault("promise_date", _("A promise names a day within the next {n} days").format(n=most))
    if PaymentPromise.objects.filter(customer=task.customer_id, state=PromiseState.OPEN).exists():
        raise PromiseStands
    promise = PaymentPromise.objects.create(
        task=task, customer=task.customer, amount=told.promise_amount, promised_at=at, promised_date=as_of,
        due_date=told.promise_date, staff=user,
    )  # fmt: skip
    audit_record(
        action="collection.promise", actor=Actor.of(user), subject=promise, at=at, as_of=as_of,
        after={"amount": str(promise.amount), "due_date": promise.due_date.isoformat()},
    )  # fmt: skip
    return promise


def _next_day(day: date | None, as_of: date) -> date | None:
    most = collection_figures_at(as_of).next_action_days
    if day is not None and not as_of <= day <= as_of + timedelta(days=most):
        detail = _("A day from today on, at most {n} days ahead").format(n=most)
        raise _fault("next_action_date", detail)
    return day


def _fault(field: str, detail: object) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])
