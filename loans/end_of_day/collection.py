"""Collections in the night (R60): promises decided, tasks kept and closed, the steps that have come taken once.

Figures are those of the moment: a debt paid meanwhile needs no message. While missed days are made up for, promises
and tasks are looked after, but nobody is written to: the last of these nights takes what still makes sense.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.services.notification import Notice, notifications_send
from loans.maths.collection import Plan, Step, Strategies, plan
from loans.maths.delinquency import bucket_of
from loans.models import CollectionPolicy, CollectionStep, CollectionTask
from loans.selectors.collection import OPEN_TASKS, left_in_peace, overdue_loans, overdue_totals
from loans.selectors.collection_policy import collection_policy_at, policy_figures
from loans.services.collection_night import promises_decide, tasks_refresh
from loans.services.collection_policy import collection_definition_check
from weilidai.lib.bulk import rows_insert
from weilidai.lib.business_date import clock_date
from weilidai.lib.ids import uuid7
from weilidai.lib.models import BusinessDay
from weilidai.lib.partitions import EVERYTHING, Span

BATCH = 2000
Result = CollectionStep.Result


class Row(NamedTuple):
    """An overdue loan; named as `COLUMNS` are read."""

    loan_id: UUID
    customer_id: UUID
    product: str
    tier: str
    outstanding: Decimal
    since: date


COLUMNS = ("pk", "customer_id", "product_id", "credit_line__tier", "outstanding_principal_amount", "next_due_date")


class InForce(NamedTuple):
    """A version of the strategies, read. `late_days`: how many days after its own a message is still sent."""

    policy: CollectionPolicy
    strategies: Strategies
    late_days: int


class Planned(NamedTuple):
    """A loan with what its strategy asks for now."""

    row: Row
    days: int
    segment: str
    plan: Plan


def collections_step(day: date, span: Span) -> dict[str, Any]:
    """The step of the night for a range of customers; the clock is read here."""
    return collections_run(day, span, at=timezone.now())


def collections_run(day: date, span: Span = EVERYTHING, *, at: datetime) -> dict[str, Any]:
    """What follows for collections from the end of `day`; safe to repeat."""
    opening = day + timedelta(days=1)
    # First what is gone: a promise about a debt that is no more is not broken.
    kept = tasks_refresh(opening=opening, at=at, span=span)
    decided = promises_decide(day=day, at=at, span=span)
    if is_catching_up(opening, at):
        return {**decided, **kept}
    return {**decided, **kept, **steps_take(opening, span)}


def is_catching_up(opening: date, at: datetime) -> bool:
    """Whether further days are over by the clock; a date moved by hand and the demo's past are never late."""
    late = BusinessDay.objects.filter(date=opening, follows_clock=True, is_rehearsal=False).exists()
    return late and opening < clock_date(at)


def steps_take(opening: date, span: Span) -> dict[str, int]:
    """Messages written and tasks opened for the day; what was taken before is not taken again."""
    policy = collection_policy_at(opening)
    strategies = collection_definition_check(policy) if policy else None
    if policy is None or strategies is None or strategies.first_day is None:
        return {}
    asking = InForce(policy, strategies, policy_figures(policy.definition).message_late_days)
    done: dict[str, int] = defaultdict(int)
    for batch in _batches(opening, strategies.first_day, span):
        for name, count in _batch_take(batch, asking, opening).items():
            done[name] += count
    return dict(done)


def _batches(opening: date, first_day: int, span: Span) -> Iterator[list[Row]]:
    """Loans late enough for a first step; those of one customer stay together."""
    rows = (
        overdue_loans(opening)
        .filter(span.within("customer"), next_due_date__lte=opening - timedelta(days=first_day))
        .order_by("customer_id")
    )
    found = (Row(*values) for values in rows.values_list(*COLUMNS).iterator(chunk_size=BATCH))
    batch: list[Row] = []
    for _, own in groupby(found, key=lambda row: row.customer_id):
        batch.extend(own)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@transaction.atomic
def _batch_take(batch: list[Row], asking: InForce, opening: date) -> dict[str, int]:
    peace = left_in_peace({row.customer_id for row in batch}, opening)
    planned = list(_planned([row for row in batch if row.customer_id not in peace], asking, opening))
    if not planned:
        return {}
    writers = _worst(item for item in planned if item.plan.message)
    tasks = _tasks_open(planned, opening)
    sent = notifications_send([_notice(item, opening) for item in writers.values()], business_date=opening)
    speakers = {item.row.loan_id for item in writers.values()}
    rows_insert(
        CollectionStep,
        ("id", "loan_id", "customer_id", "spell_date", "code", "bucket", "segment", "policy_id", "template", "result",
         "business_date"),
        [
            (uuid7(), item.row.loan_id, item.row.customer_id, item.row.since, step.code, bucket_of(item.days),
             item.segment, asking.policy.pk, step.template, result, opening)
            for item in planned
            for step, result in _results(item.plan, item.row.loan_id in speakers)
        ],
    )  # fmt: skip
    return {"sent": sent, "tasks": tasks}


def _planned(batch: list[Row], asking: InForce, opening: date) -> Iterator[Planned]:
    taken: dict[tuple[UUID, date], set[str]] = defaultdict(set)
    steps = CollectionStep.objects.filter(loan__in=[row.loan_id for row in batch]).order_by()
    for loan, spell, code in steps.values_list("loan_id", "spell_date", "code"):
        taken[loan, spell].add(code)
    for row in batch:
        days = (opening - row.since).days
        segment = asking.strategies.segment_of(row.product, row.tier, row.outstanding)
        spent = taken[row.loan_id, row.since]
        found = plan(asking.strategies, days=days, segment=segment, taken=spent, late_days=asking.late_days)
        if found != Plan():
            yield Planned(row, days, segment, found)


def _worst(items: Iterable[Planned]) -> dict[UUID, Planned]:
    """One loan per customer speaks for all: the one longest overdue, of these the largest."""
    worst: dict[UUID, Planned] = {}
    for item in items:
        other = worst.get(item.row.customer_id)
        if other is None or (item.days, item.row.outstanding) > (other.days, other.row.outstanding):
            worst[item.row.customer_id] = item
    return worst


def _results(found: Plan, speaks: bool) -> Iterator[tuple[Step, str]]:
    if found.message is not None:
        yield found.message, Result.SENT if speaks else Result.MERGED
    if found.call is not None:
        yield found.call, Result.TASK
    for step in found.passed:
        yield step, Result.PASSED


def _notice(item: Planned, opening: date) -> Notice:
    step = item.plan.message
    if step is None:
        raise ValueError("only a message is written")
    return Notice(
        customer_id=item.row.customer_id,
        kind=step.template,
        params={"days": item.days, "due_date": item.row.since.isoformat()},
        dedupe_key=f"collection:{item.row.customer_id}:{opening}",
    )


def _tasks_open(planned: list[Planned], opening: date) -> int:
    """One open task per customer; a further call step only makes it more urgent. Returns how many are new."""
    priorities: dict[UUID, int] = {}
    for item in planned:
        if item.plan.call is not None:
            customer = item.row.customer_id
            priorities[customer] = max(priorities.get(customer, 0), item.plan.call.priority)
    if not priorities:
        return 0
    for priority in set(priorities.values()):
        keys = [customer for customer, value in priorities.items() if value == priority]
        CollectionTask.objects.filter(customer__in=keys, state__in=OPEN_TASKS, priority__lt=priority).update(
            priority=priority
        )
    columns = ("id", "customer_id", "state", "priority", "overdue_amount", "overdue_since_date", "since_ordinal",
               "bucket", "opened_date", "next_action_date", "is_disputed", "last_outcome",
               "closed_because")  # fmt: skip
    totals = overdue_totals(list(priorities), opening)
    return rows_insert(
        CollectionTask,
        columns,
        [
            (uuid7(), customer, "open", priority, totals[customer].amount, totals[customer].since,
             totals[customer].since.toordinal(),
             bucket_of((opening - totals[customer].since).days), opening, opening, False, "", "")
            for customer, priority in priorities.items()
        ],
    )  # fmt: skip
