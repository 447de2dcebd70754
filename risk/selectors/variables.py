"""Variables of customers from their stored months; months that the feeds marked are built first."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accounts.models import Customer
from risk.feeds.summaries import summaries_build
from risk.models import BehaviourMonth
from risk.selectors.known import Known
from risk.variables.catalogue import by_name, catalogue
from risk.variables.compute import Values, compute
from risk.variables.frame import Packed, reach_start
from risk.variables.measures import LAYOUT_VERSION
from weilidai.lib.binary import binary_rows
from weilidai.lib.prepared import Reads, gather, prepared

MONTHS = """
SELECT wanted.position::int4 - 1, stored.month, stored.packed
FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted (id, position)
JOIN risk_behaviourmonth stored ON stored.customer_id = wanted.id AND stored.month BETWEEN %s AND %s
"""


def customer_variables(
    customer: Customer, as_of: date, names: Collection[str] | None = None, known: Known | None = None
) -> dict[str, Decimal | None]:
    """The values of one customer by name, all or those asked for. None: not known, or not consented to."""
    known = known or Known(customer, as_of)
    agreed, months = gather(known.consents(), months_reader(known), answers=known.answers)
    values = compute(1, as_of, months)
    wanted = by_name() if names is None else names
    variables = catalogue()
    return {
        name: values.of(0, name) if _is_allowed(variables[by_name()[name]].consent, agreed) else None for name in wanted
    }


def variables_kept(
    customer: Customer, names: Collection[str], as_of: date, known: Known | None = None
) -> dict[str, str | None]:
    """The values a decision keeps (R16, R21), ready for JSON; no name, no work."""
    if not names:
        return {}
    values = customer_variables(customer, as_of, names, known)
    return {name: None if value is None else str(value) for name, value in values.items()}


@prepared
def _stale(customer: Any, layout: Any) -> Any:
    rows = BehaviourMonth.objects.filter(customer=customer)
    return rows.filter(Q(is_stale=True) | ~Q(layout_version=layout)).order_by().values_list("pk")[:1]


@prepared
def _months(customer: Any, first: Any, last: Any) -> Any:
    rows = BehaviourMonth.objects.filter(customer=customer, month__gte=first, month__lte=last)
    return rows.order_by().values_list("month", "packed")


def months_reader(known: Known) -> Reads[list[Packed]]:
    """The stored months of one customer; those that the feeds marked are built first."""
    if (yield _stale.of(known.customer.pk, LAYOUT_VERSION)):
        summaries_build([known.customer.pk])
    rows = yield _months.of(known.customer.pk, reach_start(known.as_of), known.as_of)
    return [Packed(0, month, bytes(packed)) for month, packed in rows]


def _is_allowed(consent: str, agreed: set[str]) -> bool:
    return not consent or consent in agreed


def batch_variables(customers: Sequence[UUID], as_of: date) -> Values:
    """The values of many customers, in the order of their keys given, regardless of consents (see `consent_mask`)."""
    summaries_build(customers)
    return values_stored(customers, as_of)


def values_stored(customers: Sequence[UUID], as_of: date) -> Values:
    """The same from what is built already: for batches whose caller built everything beforehand."""
    return compute(len(customers), as_of, months_stored(customers, as_of))


def months_stored(customers: Sequence[UUID], as_of: date) -> list[Packed]:
    """What is stored of each within the reach, by position."""
    span = reach_start(as_of), as_of
    if connection.vendor == "postgresql":
        return [Packed(*row) for row in binary_rows(MONTHS, (list(customers), *span))]
    position = {key: number for number, key in enumerate(customers)}
    rows = BehaviourMonth.objects.filter(customer__in=customers, month__range=span).order_by()
    columns = rows.values_list("customer_id", "month", "packed")
    return [Packed(position[key], month, bytes(packed)) for key, month, packed in columns]
