"""Gathers what the twelve layers look at: only for the layers that run at the event, in few queries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Q, Sum

from accounts.models import BankCard, Customer, Device
from risk.models import DenyEntry, LoanTape, PaymentEvent
from risk.rules.screening.evaluate import Step
from risk.rules.screening.spec import LOAN
from risk.selectors.facts import months_before
from risk.selectors.known import Known
from risk.selectors.network import largest_ring, troubled_friends
from risk.selectors.places import place_seen
from risk.selectors.tape import OWING
from weilidai.lib.money import ZERO, round_money

SCHEMA = 1
SHARED_COUNTED = 100
SALARY_MONTHS = 3
KIND = PaymentEvent.Kind


@dataclass(frozen=True)
class LoanAsked:
    """What loans tell of the loan asked for and of those before it; amounts in yuan.

    The windows end now and leave the loan itself out; `own_due_amount` is what falls due with us in the next 30 days,
    this loan included; `misused` counts earlier loans found in a forbidden use (R52).
    """

    amount: Decimal
    purpose: str
    count_24h: int = 0
    amount_24h: Decimal = ZERO
    count_7d: int = 0
    amount_7d: Decimal = ZERO
    own_due_amount: Decimal = ZERO
    misused: int = 0


@dataclass(frozen=True)
class Occasion:
    """An event that is screened. `city` is told by a feed; otherwise the address tells it, if anything does."""

    event: str
    customer: Customer
    as_of: date
    at: datetime
    device: Device | None = None
    fingerprint: str = ""
    user_agent: str = ""
    ip: str | None = None
    city: str = ""
    loan: LoanAsked | None = None
    times: Sequence[int] = field(default_factory=tuple)
    shared: Known | None = None

    @cached_property
    def known(self) -> Known:
        return self.shared or Known(self.customer, self.as_of)


def inputs_gather(occasion: Occasion, steps: Sequence[Step]) -> dict[str, Any]:
    """One section per layer that runs; everything ready for JSON, amounts as strings."""
    inputs: dict[str, Any] = {
        "schema": SCHEMA,
        "event": occasion.event,
        "as_of": occasion.as_of.isoformat(),
        "at": occasion.at.isoformat(),
    }
    for step in steps:
        if step.tests is not None:
            section = SECTIONS[step.layer](occasion, step.figures)
            if section is not None:
                inputs[step.layer] = section
    return inputs


Section = dict[str, Any]


def _deny_list(occasion: Occasion, figures: Section) -> Section:
    customer = occasion.customer
    named: dict[str, list[str | None]] = {
        "openid": [customer.openid],
        "identity": [customer.id_number_hash],
        "card": [card.number_hash for card in occasion.known.cards],
        "phone": [customer.phone_hash, *(card.phone_hash for card in occasion.known.cards)],
        "device": [occasion.fingerprint],
        "ip": [occasion.ip],
    }
    known = {(kind, value) for kind, values in named.items() for value in values if value}
    # Few rows share a value under another kind: sorting them out here is cheaper than asking for pairs.
    asked = {"kind__in": sorted(named), "value__in": sorted({value for _, value in known})}
    found = deny_entries_on(occasion.as_of).filter(**asked).order_by("id")
    rows = [row for row in found if (row.kind, row.value) in known]
    return {
        "entries": [{"kind": row.kind, "entry": str(row.pk), "reason": row.reason} for row in rows],
        "bureau": occasion.known.bureau is not None and occasion.known.bureau.on_deny_list,
    }


def deny_entries_on(day: date) -> Any:
    """Entries of the deny list in force on a date."""
    return DenyEntry.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=day), valid_from__lte=day, ended_at__isnull=True
    )


def _identity_consistency(occasion: Occasion, figures: Section) -> Section:
    customer, cards = occasion.customer, occasion.known.cards
    known = bool(customer.name and cards)
    others = BankCard.objects.filter(
        number_hash__in=[card.number_hash for card in cards], removed_at__isnull=True
    ).exclude(customer=customer)
    phones = Customer.objects.filter(phone_hash=customer.phone_hash).exclude(pk=customer.pk)
    return {
        "holder_matches": all(card.holder.strip() == customer.name for card in cards) if known else None,
        "card_customers": others.order_by().values("customer").distinct()[:SHARED_COUNTED].count() if cards else 0,
        "phone_customers": phones.order_by()[:SHARED_COUNTED].count() if customer.phone_hash else 0,
    }


def _device_fingerprint(occasion: Occasion, figures: Section) -> Section | None:
    if not occasion.fingerprint:
        return None
    device = occasion.device
    others = Device.objects.filter(fingerprint=occasion.fingerprint).exclude(customer=occasion.customer)
    verified_at = device.verified_at if device else None
    return {
        "fingerprint": occasion.fingerprint,
        "verified": verified_at is not None,
        "verified_minutes": max(0, (occasion.at - verified_at) // timedelta(minutes=1)) if verified_at else None,
        "customers": others.order_by()[:SHARED_COUNTED].count(),
        "agent": occasion.user_agent or (device.user_agent if device else ""),
    }


def _geolocation(occasion: Occasion, figures: Section) -> Section:
    return place_seen(
        occasion.customer,
        ip=occasion.ip,
        told=occasion.city,
        look_back=occasion.event == LOAN,
        usual_days=figures["usual_days"],
        settled_days=figures["settled_days"],
        as_of=occasion.as_of,
        at=occasion.at,
    )


def _behaviour_frequency(occasion: Occasion, figures: Section) -> Section:
    return {"times": list(occasion.times)}


def _single_amount(occasion: Occasion, figures: Section) -> Section:
    first = occasion.as_of - timedelta(days=figures["transfer_days"] - 1)
    rows = PaymentEvent.objects.filter(
        customer=occasion.customer, date__gte=first, date__lte=occasion.as_of, kind=KIND.TRANSFER_OUT
    )
    largest = rows.order_by("-amount", "id").first()
    return {
        "transfer": None
        if largest is None
        else {"amount": str(largest.amount), "date": largest.date.isoformat(), "row": largest.row_id},
        "loan": str(occasion.loan.amount) if occasion.loan else None,
    }


def _velocity(occasion: Occasion, figures: Section) -> Section | None:
    loan = occasion.loan
    if loan is None:
        return None
    return {
        "count_24h": loan.count_24h + 1,
        "amount_24h": str(loan.amount_24h + loan.amount),
        "count_7d": loan.count_7d + 1,
        "amount_7d": str(loan.amount_7d + loan.amount),
    }


def _relationship_network(occasion: Occasion, figures: Section) -> Section:
    friends, troubled = troubled_friends(occasion.customer, occasion.as_of)
    ring = largest_ring(occasion.customer, occasion.as_of, figures["mutual_days"])
    return {"friends": friends, "troubled": troubled, "ring": ring}


def _debts_elsewhere(occasion: Occasion, figures: Section) -> Section:
    report = occasion.known.bureau
    return {
        "debts": str(report.debts_amount) if report else None,
        "monthly_due": str(report.monthly_due_amount) if report else None,
        "accounts": report.open_accounts if report else None,
    }


def _credit_history(occasion: Occasion, figures: Section) -> Section:
    report, as_of = occasion.known.bureau, occasion.as_of
    rows = LoanTape.objects.filter(
        customer=occasion.customer,
        valid_to__isnull=True,
        unpaid_due_date__lt=as_of,
        state__in=OWING,
    )
    oldest = rows.order_by("unpaid_due_date").values_list("unpaid_due_date", flat=True).first()
    return {
        "worst_days": report.worst_dpd_24m if report else None,
        "inquiries": report.inquiries_6m if report else None,
        "own_days": (as_of - oldest).days if oldest else 0,
    }


def _purpose(occasion: Occasion, figures: Section) -> Section | None:
    loan = occasion.loan
    return {"purpose": loan.purpose, "misused": loan.misused} if loan else None


def _repayment_capacity(occasion: Occasion, figures: Section) -> Section:
    """Income is the mean of the salaries of the last three complete months; none known is not an income of zero."""
    first = months_before(occasion.as_of, SALARY_MONTHS)[0]
    salaries = PaymentEvent.objects.filter(
        customer=occasion.customer, kind=KIND.SALARY, date__gte=first, date__lt=occasion.as_of.replace(day=1)
    )
    total = salaries.aggregate(total=Sum("amount"))["total"]
    elsewhere = occasion.known.bureau.monthly_due_amount if occasion.known.bureau else ZERO
    own = occasion.loan.own_due_amount if occasion.loan else ZERO
    return {
        "income": str(round_money(Decimal(total) / SALARY_MONTHS)) if total is not None else None,
        "due": str(elsewhere + own),
    }


SECTIONS: dict[str, Callable[[Occasion, Section], Section | None]] = {
    "deny_list": _deny_list,
    "identity_consistency": _identity_consistency,
    "device_fingerprint": _device_fingerprint,
    "geolocation": _geolocation,
    "behaviour_frequency": _behaviour_frequency,
    "single_amount": _single_amount,
    "velocity": _velocity,
    "relationship_network": _relationship_network,
    "debts_elsewhere": _debts_elsewhere,
    "credit_history": _credit_history,
    "purpose": _purpose,
    "repayment_capacity": _repayment_capacity,
}
