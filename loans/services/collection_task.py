"""Who works on which task (R60): taken from the queue by one collector alone, given back, assigned by a supervisor."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import DecimalField, ExpressionWrapper, F, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from loans.errors import TaskNotYours, TaskTaken
from loans.models import CollectionTask, PaymentPromise, PromiseState, TaskState
from loans.selectors.collection import overdue_totals
from loans.services.collection_night import tasks_follow
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import FieldInvalid, ObjectNotFound, TransitionRefused

WORK = "loans.work_collections"


def by_urgency(tasks: QuerySet[CollectionTask], on: date) -> QuerySet[CollectionTask]:
    """The most urgent priority first, then the most yuan-days overdue on the day."""
    weight = ExpressionWrapper(
        F("overdue_amount") * (Decimal(on.toordinal()) - F("since_ordinal")),
        output_field=DecimalField(max_digits=24, decimal_places=2),
    )
    return tasks.annotate(yuan_days=weight).order_by("-priority", "-yuan_days", "pk")


def queue(on: date) -> QuerySet[CollectionTask]:
    """Tasks nobody has whose day has come, in the order they are to be worked; not those left in peace."""
    promised = PaymentPromise.objects.filter(state=PromiseState.OPEN, due_date__gte=on).values("customer_id")
    free = CollectionTask.objects.filter(state=TaskState.OPEN, is_disputed=False, next_action_date__lte=on)
    return by_urgency(free.exclude(customer__in=promised), on)


def task_lock(task_id: UUID) -> CollectionTask:
    """Raises ObjectNotFound; TransitionRefused where it is closed."""
    task = CollectionTask.objects.select_for_update(no_key=True).filter(pk=task_id).first()
    if task is None:
        raise ObjectNotFound
    if task.state == TaskState.CLOSED:
        raise TransitionRefused(state=task.state)
    return task


def own_task_lock(task_id: UUID, user: StaffUser) -> CollectionTask:
    """Raises TaskNotYours unless the collector has the task."""
    task = task_lock(task_id)
    if task.assigned_to_id != user.pk:
        raise TaskNotYours
    return task


@transaction.atomic
def task_claim_next(*, user: StaffUser, as_of: date, at: datetime) -> CollectionTask | None:
    """The most urgent task nobody has, now this collector's; None when the queue is empty.

    A row under another's lock is skipped, so two collectors asking at once get different ones. A task whose debt was
    paid since the night is closed on the way.
    """
    while task := queue(as_of).select_for_update(no_key=True, skip_locked=True, of=("self",)).first():
        if task.customer_id in overdue_totals([task.customer_id], as_of):
            _assign(task, user, Actor.of(user), as_of, at)
            return task
        tasks_follow([task.pk], opening=as_of, at=at)
    return None


@transaction.atomic
def task_take(*, task_id: UUID, user: StaffUser, as_of: date, at: datetime) -> CollectionTask:
    """This task; one's own stays one's own. Raises TaskTaken."""
    task = task_lock(task_id)
    if task.assigned_to_id not in (None, user.pk):
        raise TaskTaken(assigned_to=str(task.assigned_to))
    if task.assigned_to_id is None:
        _assign(task, user, Actor.of(user), as_of, at)
    return task


@transaction.atomic
def task_release(*, task_id: UUID, user: StaffUser, as_of: date, at: datetime) -> CollectionTask:
    """Back in the queue. Raises TaskNotYours."""
    task = own_task_lock(task_id, user)
    task.release()
    task.assigned_to = None
    task.save(update_fields=["state", "assigned_to"])
    state_change_record(subject=task, old=TaskState.ASSIGNED, new=task.state, actor=Actor.of(user), as_of=as_of, at=at)
    return task


@transaction.atomic
def task_assign(
    *, task_id: UUID, to: StaffUser, user: StaffUser, reason: str, as_of: date, at: datetime
) -> CollectionTask:
    """A supervisor's word: the task is `to`'s, whoever had it. Raises FieldInvalid for somebody who is no collector."""
    if not (to.is_active and to.has_perm(WORK)):
        detail = _("This person does not work on collections")
        raise FieldInvalid(field_errors=[{"field": "to", "code": "invalid", "detail": detail}])
    task = task_lock(task_id)
    before = str(task.assigned_to_id or "")
    _assign(task, to, Actor.of(user), as_of, at)
    audit_record(
        action="collection.assign", actor=Actor.of(user), subject=task, at=at, as_of=as_of, reason=reason,
        before={"assigned_to": before}, after={"assigned_to": str(to.pk)},
    )  # fmt: skip
    return task


@transaction.atomic
def task_priority_set(
    *, task_id: UUID, priority: int, user: StaffUser, reason: str, as_of: date, at: datetime
) -> CollectionTask:
    """A supervisor's word on the urgency, 1 to 9."""
    if not 1 <= priority <= 9:
        raise FieldInvalid(field_errors=[{"field": "priority", "code": "invalid", "detail": _("1 to 9")}])
    task = task_lock(task_id)
    before, task.priority = task.priority, priority
    task.save(update_fields=["priority"])
    audit_record(
        action="collection.priority", actor=Actor.of(user), subject=task, at=at, as_of=as_of, reason=reason,
        before={"priority": before}, after={"priority": priority},
    )  # fmt: skip
    return task


@transaction.atomic
def dispute_end(*, task_id: UUID, user: StaffUser, reason: str, as_of: date, at: datetime) -> CollectionTask:
    """The dispute is answered: the steps go on. Raises TransitionRefused where there is none."""
    task = task_lock(task_id)
    if not task.is_disputed:
        raise TransitionRefused(state=task.state)
    task.is_disputed, task.next_action_date = False, as_of
    task.save(update_fields=["is_disputed", "next_action_date"])
    audit_record(action="collection.dispute_end", actor=Actor.of(user), subject=task, at=at, as_of=as_of, reason=reason)
    return task


def _assign(task: CollectionTask, to: StaffUser, actor: Actor, as_of: date, at: datetime) -> None:
    old = task.state
    task.assign()
    task.assigned_to = to
    task.save(update_fields=["state", "assigned_to"])
    if old != task.state:
        state_change_record(subject=task, old=old, new=task.state, actor=actor, as_of=as_of, at=at)
