"""Questions of collections: whose debts are overdue, and who is left in peace for now (R60)."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Min, Q, QuerySet, Sum

from loans.models import CollectionTask, Loan, LoanState, PaymentPromise, PromiseState, TaskState

OPEN_TASKS = (TaskState.OPEN, TaskState.ASSIGNED)


def overdue_loans(on: date) -> QuerySet[Loan]:
    """Loans with an instalment unpaid after its due date. Written-off ones are no longer pursued by strategies."""
    return Loan.objects.filter(state=LoanState.ACTIVE, next_due_date__lt=on)


def left_in_peace(customers: Collection[UUID] | None, on: date) -> set[UUID]:
    """Customers whose word to pay still stands on the day, or whose dispute is open; None asks about everybody."""
    promised = PaymentPromise.objects.filter(state=PromiseState.OPEN, due_date__gte=on)
    disputed = CollectionTask.objects.filter(Q(is_disputed=True), state__in=OPEN_TASKS)
    found: set[UUID] = set()
    rows: tuple[QuerySet[Any], ...] = (promised, disputed)
    for queryset in rows:
        asked = queryset if customers is None else queryset.filter(customer__in=customers)
        found.update(asked.order_by().values_list("customer_id", flat=True))
    return found


class Overdue(NamedTuple):
    """What a customer is late with: outstanding principal of the overdue loans in yuan, and the oldest due date."""

    amount: Decimal
    since: date


def overdue_totals(customers: Collection[UUID], on: date) -> dict[UUID, Overdue]:
    """Of those of the customers who are late on the day."""
    rows = (
        overdue_loans(on)
        .filter(customer__in=customers)
        .order_by()
        .values("customer_id")
        .annotate(amount=Sum("outstanding_principal_amount"), since=Min("next_due_date"))
    )
    return {row["customer_id"]: Overdue(row["amount"], row["since"]) for row in rows}
