"""Whom a customer is tied to: friends in trouble, money sent to and fro."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Sum

from accounts.models import Customer
from risk.models import DenyKind, LineState, PaymentEvent
from risk.selectors.tape import OWING
from weilidai.lib.money import round_money

FRIENDS_MAX = 500
KIND = PaymentEvent.Kind


# Asked at every decision and loan. Plain SQL: making this statement anew each time took longer than running it.
FRIENDS = f"""
SELECT EXISTS (SELECT 1 FROM risk_creditline l WHERE l.customer_id = c.id AND l.state = '{LineState.FROZEN}')
    OR EXISTS (SELECT 1 FROM risk_loantape t WHERE t.customer_id = c.id AND t.valid_to IS NULL
               AND t.unpaid_due_date < %(day)s AND t.state IN ({", ".join(f"'{state}'" for state in OWING)}))
    OR EXISTS (SELECT 1 FROM risk_denyentry d WHERE d.kind = '{DenyKind.OPENID}' AND d.value = c.openid
               AND d.valid_from <= %(day)s AND (d.valid_to IS NULL OR d.valid_to >= %(day)s) AND d.ended_at IS NULL)
FROM accounts_customer c
WHERE c.openid IN (SELECT f.friend_openid FROM risk_friendship f WHERE f.customer_id = %(customer)s
                   AND f.since_date <= %(day)s AND (f.until_date IS NULL OR f.until_date >= %(day)s))
LIMIT {FRIENDS_MAX}
"""  # noqa: S608 - names and states of our own


def troubled_friends(customer: Customer, as_of: date) -> tuple[int, int]:
    """Friends who are customers, and how many of them are overdue, denied or frozen."""
    key: UUID | str = customer.pk if connection.vendor == "postgresql" else customer.pk.hex
    with connection.cursor() as cursor:
        cursor.execute(FRIENDS, {"day": as_of, "customer": key})
        found = [bool(row[0]) for row in cursor.fetchall()]
    return len(found), sum(found)


def largest_ring(customer: Customer, as_of: date, days: int) -> dict[str, Any] | None:
    """The person with whom most money went both ways; the smaller way counts. None where nothing came back."""
    transfers = PaymentEvent.objects.filter(
        customer=customer,
        date__gt=as_of - timedelta(days=days),
        date__lte=as_of,
        kind__in=(KIND.TRANSFER_OUT, KIND.TRANSFER_IN),
    ).exclude(counterparty="")
    rows = transfers.order_by().values_list("counterparty", F("kind")).annotate(total=Sum("amount"))
    ways: dict[str, dict[str, Decimal]] = {}
    for person, kind, total in rows:
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
