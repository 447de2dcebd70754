"""What the night does to promises and tasks, in sets (R60)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet

from loans.maths.collection import PRIORITY_MAX
from loans.maths.delinquency import bucket_of
from loans.models import (
    CollectionTask,
    LoanEvent,
    LoanState,
    PaymentPromise,
    PromiseState,
    Repayment,
)
from loans.selectors.collection import OPEN_TASKS, overdue_totals
from loans.selectors.collection_policy import collection_figures_at
from weilidai.lib.audit import Actor, state_change_records
from weilidai.lib.money import ZERO
from weilidai.lib.partitions import EVERYTHING, Span

ACTOR = Actor.system("collections")
BATCH = 2000
Closed = CollectionTask.Closed


def _pages(keys: Iterable[UUID]) -> Iterator[list[UUID]]:
    rest = iter(keys)
    while page := list(islice(rest, BATCH)):
        yield page


def _locked(model: type[Any], page: list[UUID], **still: Any) -> list[Any]:
    """Rows of a page that still stand as the list saw them, held until the end of the transaction."""
    rows: QuerySet[Any] = model.objects.select_for_update(no_key=True).filter(pk__in=page, **still)
    return list(rows.order_by("pk"))


def promises_decide(*, day: date, at: datetime, span: Span = EVERYTHING) -> dict[str, int]:
    """Kept as soon as the amount came in, broken at the end of the day it was promised for."""
    counts: dict[str, int] = defaultdict(int)
    found = PaymentPromise.objects.filter(span.within("customer"), state=PromiseState.OPEN)
    keys = list(found.order_by("pk").values_list("pk", flat=True))
    for page in _pages(keys):
        for state, count in _page_decide(page, day, at).items():
            counts[f"promises_{state}"] += count
    return dict(counts)


@transaction.atomic
def _page_decide(page: list[UUID], day: date, at: datetime) -> dict[str, int]:
    promises = _locked(PaymentPromise, page, state=PromiseState.OPEN)
    received = received_for(promises, until=day)
    decided: dict[str, list[PaymentPromise]] = {PromiseState.KEPT: [], PromiseState.BROKEN: []}
    for promise in promises:
        amount = received[promise.pk]
        if amount >= promise.amount:
            decided[PromiseState.KEPT].append(promise)
        elif promise.due_date <= day:
            decided[PromiseState.BROKEN].append(promise)
    for state, rows in decided.items():
        for promise in rows:
            promise.state, promise.decided_date, promise.received_amount = state, day, received[promise.pk]
        _promises_save(rows, day, at)
    _tasks_raise([promise.task_id for promise in decided[PromiseState.BROKEN]], day)
    return {str(state): len(rows) for state, rows in decided.items() if rows}


def _promises_save(rows: list[PaymentPromise], day: date, at: datetime) -> None:
    if rows:
        PaymentPromise.objects.bulk_update(rows, ["state", "decided_date", "received_amount"])
        state_change_records(subjects=rows, old=PromiseState.OPEN, actor=ACTOR, as_of=day, at=at)


def received_for(promises: list[PaymentPromise], *, until: date) -> dict[UUID, Decimal]:
    """Yuan received from each customer after the promise was given, counted from its day to the day promised."""
    got: dict[UUID, Decimal] = {promise.pk: ZERO for promise in promises}
    if not promises:
        return got
    by_customer = {promise.customer_id: promise for promise in promises}
    rows = Repayment.objects.filter(
        customer__in=by_customer,
        reversed_date__isnull=True,
        effective_date__gte=min(promise.promised_date for promise in promises),
        effective_date__lte=until,
    ).order_by()
    for customer, amount, on, came in rows.values_list("customer_id", "amount", "effective_date", "received_at"):
        promise = by_customer[customer]
        if promise.promised_date <= on <= promise.due_date and came >= promise.promised_at:
            got[promise.pk] += amount
    return got


def _tasks_raise(keys: list[UUID], day: date) -> None:
    """A word not kept makes its task more urgent, by as much as the figures of the day say."""
    if not keys:
        return
    raises = collection_figures_at(day).broken_raises
    for priority in range(PRIORITY_MAX, 0, -1):
        # From the most urgent down, so that nobody is raised twice.
        CollectionTask.objects.filter(pk__in=keys, state__in=OPEN_TASKS, priority=priority).update(
            priority=min(PRIORITY_MAX, priority + raises), next_action_date=day
        )


def tasks_refresh(*, opening: date, at: datetime, span: Span = EVERYTHING) -> dict[str, int]:
    """Open tasks get the figures of the day that opens; those of customers who are late no more are closed."""
    counts: dict[str, int] = defaultdict(int)
    found = CollectionTask.objects.filter(span.within("customer"), state__in=OPEN_TASKS)
    keys = list(found.order_by("pk").values_list("pk", flat=True))
    for page in _pages(keys):
        for name, count in tasks_follow(page, opening=opening, at=at).items():
            counts[name] += count
    return dict(counts)


@transaction.atomic
def tasks_follow(page: list[UUID], *, opening: date, at: datetime) -> dict[str, int]:
    """The tasks of one page as the loans stand on the day."""
    tasks = _locked(CollectionTask, page, state__in=OPEN_TASKS)
    totals = overdue_totals([task.customer_id for task in tasks], opening)
    moved = [task for task in tasks if task.customer_id in totals and _figures_follow(task, totals, opening)]
    CollectionTask.objects.bulk_update(moved, ["overdue_amount", "overdue_since_date", "since_ordinal", "bucket"])
    gone = [task for task in tasks if task.customer_id not in totals]
    if gone:
        _tasks_close(gone, opening, at)
    return {"closed": len(gone)} if gone else {}


def _figures_follow(task: CollectionTask, totals: dict[UUID, Any], opening: date) -> bool:
    amount, since = totals[task.customer_id]
    before = (task.overdue_amount, task.overdue_since_date, task.bucket)
    task.overdue_amount, task.overdue_since_date, task.bucket = amount, since, bucket_of((opening - since).days)
    task.since_ordinal = since.toordinal()
    return before != (amount, since, task.bucket)


def _tasks_close(tasks: list[CollectionTask], opening: date, at: datetime) -> None:
    because = _reasons(tasks)
    for state in OPEN_TASKS:
        rows = [task for task in tasks if task.state == state]
        for task in rows:
            task.close()
            task.closed_date, task.closed_because, task.is_disputed = opening, because[task.pk], False
        CollectionTask.objects.bulk_update(rows, ["state", "closed_date", "closed_because", "is_disputed"])
        state_change_records(subjects=rows, old=state, actor=ACTOR, as_of=opening, at=at)
    _promises_void(tasks, opening, at)


def _reasons(tasks: list[CollectionTask]) -> dict[UUID, str]:
    """Given up, paid, or, where neither happened since the task was opened, due at another time now."""
    customers = [task.customer_id for task in tasks]
    given_up = LoanEvent.objects.filter(
        kind=LoanEvent.Kind.WRITE_OFF, loan__customer__in=customers, loan__state=LoanState.WRITTEN_OFF
    )
    money = Repayment.objects.filter(customer__in=customers, reversed_date__isnull=True)
    off = _last_by_customer(given_up, "loan__customer_id", "business_date")
    paid = _last_by_customer(money, "customer_id", "effective_date")
    words = ((Closed.WRITTEN_OFF, off), (Closed.PAID, paid))
    return {
        task.pk: next(
            (word for word, last in words if last.get(task.customer_id, date.min) >= task.opened_date),
            Closed.REARRANGED,
        )
        for task in tasks
    }


def _last_by_customer(rows: QuerySet[Any], customer: str, day: str) -> dict[UUID, date]:
    return dict(rows.order_by().values(customer).annotate(last=Max(day)).values_list(customer, "last"))


def _promises_void(tasks: list[CollectionTask], opening: date, at: datetime) -> None:
    """A promise about a debt that is gone: kept if its money came, else without object."""
    rows = list(
        PaymentPromise.objects.select_for_update(no_key=True)
        .filter(task__in=tasks, state=PromiseState.OPEN)
        .order_by("pk")
    )
    received = received_for(rows, until=opening)
    for promise in rows:
        promise.state = PromiseState.KEPT if received[promise.pk] >= promise.amount else PromiseState.VOID
        promise.decided_date, promise.received_amount = opening, received[promise.pk]
    _promises_save(rows, opening, at)
