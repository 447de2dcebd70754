"""Whom a customer is tied to: friends in trouble, money sent to and fro."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from accounts.models import Customer
from risk.models import DenyKind, LineState, PaymentEvent
from risk.selectors.tape import OWING
from weilidai.lib.money import round_money
from weilidai.lib.prepared import Reads, Written, prepared
from weilidai.lib.sql import literal, sql

FRIENDS_MAX = 500
KIND = PaymentEvent.Kind


# Asked at every decision and loan. Plain SQL: making this statement anew each time took longer than running it.
FRIENDS = sql(
    """
SELECT EXISTS (SELECT 1 FROM risk_creditline l WHERE l.customer_id = c.id AND l.state = {frozen})
    OR EXISTS (SELECT 1 FROM risk_loantape t WHERE t.customer_id = c.id AND t.valid_to IS NULL
               AND t.unpaid_due_date < %(day)s AND t.state IN ({owing}))
    OR EXISTS (SELECT 1 FROM risk_denyentry d WHERE d.kind = {openid} AND d.value = c.openid
               AND d.valid_from <= %(day)s AND (d.valid_to IS NULL OR d.valid_to >= %(day)s) AND d.ended_at IS NULL)
FROM accounts_customer c
WHERE c.openid IN (SELECT f.friend_openid FROM risk_friendship f WHERE f.customer_id = %(customer)s
                   AND f.since_date <= %(day)s AND (f.until_date IS NULL OR f.until_date >= %(day)s))
LIMIT {most}
""",
    frozen=literal(LineState.FROZEN),
    owing=[literal(state) for state in OWING],
    openid=literal(DenyKind.OPENID),
    most=literal(FRIENDS_MAX),
)


FRIENDS_OF = Written(FRIENDS, "customer", "day")


def troubled_friends(customer: Customer, as_of: date) -> Reads[tuple[int, int]]:
    """Friends who are customers, and how many of them are overdue, denied or frozen."""
    found = [bool(row[0]) for row in (yield FRIENDS_OF.of(customer.pk, as_of))]
    return len(found), sum(found)


@prepared
def _ways(customer: Any, after: Any, until: Any) -> Any:
    transfers = PaymentEvent.objects.filter(
        customer=customer, date__gt=after, date__lte=until, kind__in=(KIND.TRANSFER_OUT, KIND.TRANSFER_IN)
    ).exclude(counterparty="")
    return (
        transfers.order_by()
        .values("counterparty", "kind")
        .annotate(total=Sum("amount"))
        .values_list("counterparty", "kind", "total")
    )


def largest_ring(customer: Customer, as_of: date, days: int) -> Reads[dict[str, Any] | None]:
    """The person with whom most money went both ways; the smaller way counts. None where nothing came back."""
    ways: dict[str, dict[str, Decimal]] = {}
    for person, kind, total in (yield _ways.of(customer.pk, as_of - timedelta(days=days), as_of)):
        ways.setdefault(person, {})[kind] = round_money(total)
    rings = [(min(way.values()), person) for person, way in ways.items() if len(way) == 2]
    if not rings:
        return None
    smaller, person = min(rings, key=lambda ring: (-ring[0], ring[1]))
    return {
        "amount": str(smaller),
        "counterparty": person,
        "sent": str(ways[person][KIND.TRANSFER_OUT]),
        "received": str(ways[person][KIND.TRANSFER_IN]),
    }
