"""Everything a collector sees about a task, and the figures of collections over a period (R60)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from accounts.models import ContactAttempt, Customer, Notification, StaffUser
from accounts.notices import DEBT_KINDS
from loans.models import (
    CollectionAction,
    CollectionTask,
    PaymentPromise,
    PromiseState,
    Repayment,
    TaskState,
)
from loans.selectors.collection import OPEN_TASKS, overdue_loans
from loans.selectors.loan import LoanSeen, loans_seen
from risk.models import Alert
from risk.rules.alerts import HARDSHIP_WISH
from weilidai.lib.money import ZERO

ROWS_SHOWN = 30
DEBT_NOTICES = (*DEBT_KINDS, "collection_help")


@dataclass(frozen=True)
class Phone:
    """A number of the customer's own; `key` names it in a form without telling it."""

    key: str
    number: str
    source: str

    @property
    def masked(self) -> str:
        return f"{self.number[:3]}****{self.number[-4:]}"


def phones_of(task: CollectionTask) -> list[Phone]:
    """The customer's own number, then those of the cards in use; each once."""
    customer = task.customer
    found = [Phone("own", customer.phone, "own")] if customer.phone else []
    for card in customer.bank_cards.filter(removed_at__isnull=True).order_by("id"):
        if card.phone and card.phone not in {phone.number for phone in found}:
            found.append(Phone(str(card.pk), card.phone, card.last_four))
    return found


def overdue_rows(task: CollectionTask, on: date) -> list[LoanSeen]:
    """The loans that are late on the day with their figures, the latest first."""
    rows = overdue_loans(on).filter(customer=task.customer_id).select_related("product", "tally")
    return loans_seen(rows.order_by("next_due_date", "id")[:ROWS_SHOWN], on)


def contacts_of(task: CollectionTask) -> list[dict[str, Any]]:
    """What was said to the customer and when: calls, notes, text messages, notices; the newest first."""
    customer = task.customer_id
    actions = CollectionAction.objects.filter(customer=customer).select_related("staff", "contact_attempt")
    actions = actions.prefetch_related("approvals")
    attempts = ContactAttempt.objects.filter(customer=customer, is_about_debt=True, collection_action__isnull=True)
    notices = Notification.objects.filter(customer=customer, kind__in=DEBT_NOTICES)
    items: list[dict[str, Any]] = [
        *({"at": row.at, "action": row} for row in actions.order_by("-id")[:ROWS_SHOWN]),
        *({"at": row.at, "attempt": row} for row in attempts.order_by("-id")[:ROWS_SHOWN]),
        *({"at": row.created_at, "notice": row} for row in notices.order_by("-id")[:ROWS_SHOWN]),
    ]
    return sorted(items, key=lambda item: item["at"], reverse=True)[:ROWS_SHOWN]


def wish_of(customer: Customer, named: str) -> CollectionAction | None:
    """The wish for relief with that id; without one the customer's newest that nothing was asked for yet."""
    wishes = CollectionAction.objects.filter(customer=customer, kind=CollectionAction.Kind.HARDSHIP)
    wishes = wishes.select_related("staff", "task").order_by("-id")
    if named:
        return next((row for row in wishes if str(row.pk) == named), None)
    return wishes.filter(approvals__isnull=True).first()


def wish_alerts(wishes: Iterable[CollectionAction]) -> dict[UUID, Alert]:
    """The alerts of several wishes, by the wish."""
    keys = {f"{HARDSHIP_WISH}:{wish.pk}": wish.pk for wish in wishes}
    return {keys[row.dedupe_key]: row for row in Alert.objects.filter(dedupe_key__in=keys)}


def tasks_of(user: StaffUser) -> Any:
    """What a collector has in hand, what is due first."""
    return CollectionTask.objects.filter(state=TaskState.ASSIGNED, assigned_to=user).order_by("next_action_date", "id")


def tasks_by_bucket() -> dict[str, dict[str, Any]]:
    """Open tasks and what they are about, by bucket."""
    rows = CollectionTask.objects.filter(state__in=OPEN_TASKS).order_by().values("bucket")
    counted = rows.annotate(tasks=Count("pk"), taken=Count("pk", filter=Q(state=TaskState.ASSIGNED)),
                            amount=Sum("overdue_amount"))  # fmt: skip
    return {row["bucket"]: dict(row) for row in counted}


def promises_by_day(since: date, until: date) -> dict[date, dict[str, int]]:
    """Promises decided, by day and how."""
    rows: QuerySet[Any] = PaymentPromise.objects.filter(decided_date__gte=since, decided_date__lte=until).order_by()
    found: dict[date, dict[str, int]] = defaultdict(dict)
    for row in rows.values("decided_date", "state").annotate(count=Count("pk")):
        found[row["decided_date"]][row["state"]] = row["count"]
    return dict(found)


def recovered_by_day(since: date, until: date) -> dict[date, Decimal]:
    """Yuan that came in from customers while a task about them was open; reversed money left out."""
    task = CollectionTask.objects.filter(
        Q(closed_date__isnull=True) | Q(closed_date__gte=OuterRef("effective_date")),
        customer=OuterRef("customer"),
        opened_date__lte=OuterRef("effective_date"),
    )
    rows = Repayment.objects.filter(
        Exists(task), effective_date__gte=since, effective_date__lte=until, reversed_date__isnull=True
    )
    sums = rows.order_by().values("effective_date").annotate(total=Sum("amount"))
    return {row["effective_date"]: row["total"] for row in sums}


def calls_by_collector(since: date, until: date) -> list[dict[str, Any]]:
    """Calls, promises given and promises kept of each collector."""
    actions = CollectionAction.objects.filter(
        business_date__gte=since, business_date__lte=until, kind=CollectionAction.Kind.CALL
    )
    promises: QuerySet[Any] = PaymentPromise.objects.filter(promised_date__gte=since, promised_date__lte=until)
    rows: dict[Any, dict[str, Any]] = {}
    for row in actions.order_by().values("staff").annotate(calls=Count("pk")):
        rows[row["staff"]] = {"calls": row["calls"], "promises": 0, "kept": 0}
    kept = Count("pk", filter=Q(state=PromiseState.KEPT))
    for given in promises.order_by().values("staff").annotate(promises=Count("pk"), kept=kept):
        rows.setdefault(given["staff"], {"calls": 0}).update(promises=given["promises"], kept=given["kept"])
    people = StaffUser.objects.in_bulk(rows)
    return [{"who": str(people[key]), **row} for key, row in sorted(rows.items(), key=lambda one: -one[1]["calls"])]


def kept_share(by_day: dict[date, dict[str, int]]) -> Decimal | None:
    """Promises kept of those kept or broken; None before any was decided."""
    kept = sum(row.get(PromiseState.KEPT, 0) for row in by_day.values())
    broken = sum(row.get(PromiseState.BROKEN, 0) for row in by_day.values())
    return Decimal(kept) / Decimal(kept + broken) if kept + broken else None


def days_between(since: date, until: date) -> list[date]:
    return [since + timedelta(days=count) for count in range((until - since).days + 1)]


def total_of(rows: dict[date, Decimal]) -> Decimal:
    return sum(rows.values(), ZERO)
