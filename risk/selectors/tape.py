"""Questions to the tape: the book as of a date, how a line was paid."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from risk.models import LoanTape
from risk.rules.on_time import Span
from weilidai.lib.money import round_money

OWING = ("active", "written_off")


def tape_as_of(day: date) -> QuerySet[LoanTape]:
    """One row per loan that had been paid out by the end of `day`."""
    return LoanTape.objects.filter(business_date__lte=day).filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day))


def outstanding_as_of(day: date) -> dict[str, Decimal]:
    """Outstanding principal per product, in yuan, of loans that are not written off."""
    rows = tape_as_of(day).filter(state="active").order_by().values_list("product_id")
    return {product: round_money(total) for product, total in rows.annotate(total=Sum("outstanding_principal_amount"))}


def line_spans(lines: Sequence[UUID], first: date, last: date) -> dict[UUID, list[Span]]:
    """For each line the spans in which a loan owed something between two days, one statement for all lines."""
    rows = (
        LoanTape.objects.filter(credit_line__among=lines, business_date__lte=last, state__in=OWING)
        .filter(Q(valid_to__isnull=True) | Q(valid_to__gte=first))
        .order_by()
        .values_list("credit_line_id", "business_date", "valid_to", "unpaid_due_date")
    )
    spans: dict[UUID, list[Span]] = defaultdict(list)
    for line, begins, ends, due in rows:
        spans[line].append(Span(begins, ends or last, due))
    return spans


def worst_days_past_due(customers: Sequence[UUID], as_of: date) -> dict[UUID, int]:
    """The most days past due that any loan of each customer has reached so far."""
    rows = LoanTape.objects.filter(customer__among=customers, business_date__lte=as_of, state__in=OWING).order_by()
    worst: dict[UUID, int] = defaultdict(int)
    for customer, due, ends in rows.values_list("customer_id", "unpaid_due_date", "valid_to"):
        if due is not None:
            last = min(ends or as_of, as_of)
            worst[customer] = max(worst[customer], (last - due) // timedelta(days=1))
    return worst
