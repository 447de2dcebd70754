"""Whom a customer is tied to: friends in trouble, money sent to and fro."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Sum

from accounts.models import Customer
from risk.models import CreditLine, DenyEntry, DenyKind, Friendship, LineState, LoanTape, PaymentEvent
from risk.selectors.tape import OWING
from weilidai.lib.money import round_money

FRIENDS_MAX = 500
KIND = PaymentEvent.Kind


def troubled_friends(customer: Customer, as_of: date) -> tuple[int, int]:
    """Friends who are customers, and how many of them are overdue, denied or frozen."""
    live = Friendship.objects.filter(
        Q(until_date__isnull=True) | Q(until_date__gte=as_of), customer=customer, since_date__lte=as_of
    )
    frozen = CreditLine.objects.filter(customer=OuterRef("pk"), state=LineState.FROZEN)
    overdue = LoanTape.objects.filter(
        customer=OuterRef("pk"), valid_to__isnull=True, unpaid_due_date__lt=as_of, state__in=OWING
    )
    denied = DenyEntry.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=as_of),
        kind=DenyKind.OPENID,
        value=OuterRef("openid"),
        valid_from__lte=as_of,
        ended_at__isnull=True,
    )
    rows = Customer.objects.filter(openid__in=live.values("friend_openid")).order_by()
    marks = rows.annotate(troubled=Exists(frozen) | Exists(overdue) | Exists(denied)).values_list("troubled", flat=True)
    found = list(marks[:FRIENDS_MAX])
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
