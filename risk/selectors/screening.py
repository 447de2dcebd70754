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
from weilidai.lib.prepared import Reads, gather, prepared

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


Section = dict[str, Any]


def inputs_gather(occasion: Occasion, steps: Sequence[Step]) -> dict[str, Any]:
    """One section per layer that runs; everything ready for JSON, amounts as strings."""
    inputs: dict[str, Any] = {
        "schema": SCHEMA,
        "event": occasion.event,
        "as_of": occasion.as_of.isoformat(),
        "at": occasion.at.isoformat(),
    }
    running = [step for step in steps if step.tests is not None]
    readers = [SECTIONS[step.layer](occasion, step.figures) for step in running]
    sections = gather(*readers, answers=occasion.known.answers)
    told = zip(running, sections, strict=True)
    return inputs | {step.layer: section for step, section in told if section is not None}


@prepared
def _denied(day: Any, kinds: Any, values: Any) -> Any:
    rows = deny_entries_on(day).filter(kind__in=kinds, value__in=values)
    return rows.order_by("id").values_list("kind", "value", "pk", "reason")


def _deny_list(occasion: Occasion, figures: Section) -> Reads[Section]:
    customer, cards = occasion.customer, (yield from occasion.known.cards())
    named: dict[str, list[str | None]] = {
        "openid": [customer.openid],
        "identity": [customer.id_number_hash],
        "card": [card.number_hash for card in cards],
        "phone": [customer.phone_hash, *(card.phone_hash for card in cards)],
        "device": [occasion.fingerprint],
        "ip": [occasion.ip],
    }
    known = {(kind, value) for kind, values in named.items() for value in values if value}
    # Few rows share a value under another kind: sorting them out here is cheaper than asking for pairs.
    values = tuple(sorted({value for _, value in known}))
    found = yield _denied.of(occasion.as_of, tuple(sorted(named)), values)
    rows = [(kind, key, reason) for kind, value, key, reason in found if (kind, value) in known]
    report = yield from occasion.known.bureau()
    return {
        "entries": [{"kind": kind, "entry": str(key), "reason": reason} for kind, key, reason in rows],
        "bureau": report is not None and report.on_deny_list,
    }


def deny_entries_on(day: Any) -> Any:
    """Entries of the deny list in force on a date."""
    return DenyEntry.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=day), valid_from__lte=day, ended_at__isnull=True
    )


@prepared
def _customers_of_cards(hashes: Any, but: Any) -> Any:
    rows = BankCard.objects.filter(number_hash__in=hashes, removed_at__isnull=True).exclude(customer=but)
    return rows.order_by().values_list("customer", flat=True).distinct()[:SHARED_COUNTED]


@prepared
def _customers_of_phone(phone: Any, but: Any) -> Any:
    rows = Customer.objects.filter(phone_hash=phone).exclude(pk=but)
    return rows.order_by().values_list("pk", flat=True)[:SHARED_COUNTED]


def _identity_consistency(occasion: Occasion, figures: Section) -> Reads[Section]:
    customer, cards = occasion.customer, (yield from occasion.known.cards())
    known = bool(customer.name and cards)
    of_cards = yield _customers_of_cards.of(tuple(card.number_hash for card in cards), customer.pk)
    of_phone = (yield _customers_of_phone.of(customer.phone_hash, customer.pk)) if customer.phone_hash else []
    return {
        "holder_matches": all(card.holder.strip() == customer.name for card in cards) if known else None,
        "card_customers": len(of_cards),
        "phone_customers": len(of_phone),
    }


@prepared
def _others_on_device(fingerprint: Any, but: Any) -> Any:
    rows = Device.objects.filter(fingerprint=fingerprint).exclude(customer=but)
    return rows.order_by().values_list("pk", flat=True)[:SHARED_COUNTED]


def _device_fingerprint(occasion: Occasion, figures: Section) -> Reads[Section | None]:
    if not occasion.fingerprint:
        return None
    device = occasion.device
    others = yield _others_on_device.of(occasion.fingerprint, occasion.customer.pk)
    verified_at = device.verified_at if device else None
    return {
        "fingerprint": occasion.fingerprint,
        "verified": verified_at is not None,
        "verified_minutes": max(0, (occasion.at - verified_at) // timedelta(minutes=1)) if verified_at else None,
        "customers": len(others),
        "agent": occasion.user_agent or (device.user_agent if device else ""),
    }


def _geolocation(occasion: Occasion, figures: Section) -> Reads[Section]:
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


def _told(section: Section | None) -> Reads[Section | None]:
    """A section that asks nothing."""
    return section
    yield


def _behaviour_frequency(occasion: Occasion, figures: Section) -> Reads[Section | None]:
    return _told({"times": list(occasion.times)})


@prepared
def _largest_transfer(customer: Any, first: Any, last: Any) -> Any:
    rows = PaymentEvent.objects.filter(customer=customer, date__gte=first, date__lte=last, kind=KIND.TRANSFER_OUT)
    return rows.order_by("-amount", "id").values_list("amount", "date", "row_id")[:1]


def _single_amount(occasion: Occasion, figures: Section) -> Reads[Section]:
    first = occasion.as_of - timedelta(days=figures["transfer_days"] - 1)
    rows = yield _largest_transfer.of(occasion.customer.pk, first, occasion.as_of)
    transfers = [{"amount": str(amount), "date": day.isoformat(), "row": row} for amount, day, row in rows]
    return {
        "transfer": transfers[0] if transfers else None,
        "loan": str(occasion.loan.amount) if occasion.loan else None,
    }


def _velocity(occasion: Occasion, figures: Section) -> Reads[Section | None]:
    loan = occasion.loan
    if loan is None:
        return _told(None)
    return _told(
        {
            "count_24h": loan.count_24h + 1,
            "amount_24h": str(loan.amount_24h + loan.amount),
            "count_7d": loan.count_7d + 1,
            "amount_7d": str(loan.amount_7d + loan.amount),
        }
    )


def _relationship_network(occasion: Occasion, figures: Section) -> Reads[Section]:
    friends, troubled = yield from troubled_friends(occasion.customer, occasion.as_of)
    ring = yield from largest_ring(occasion.customer, occasion.as_of, figures["mutual_days"])
    return {"friends": friends, "troubled": troubled, "ring": ring}


def _debts_elsewhere(occasion: Occasion, figures: Section) -> Reads[Section]:
    report = yield from occasion.known.bureau()
    return {
        "debts": str(report.debts_amount) if report else None,
        "monthly_due": str(report.monthly_due_amount) if report else None,
        "accounts": report.open_accounts if report else None,
    }


@prepared
def _oldest_unpaid(customer: Any, before: Any) -> Any:
    rows = LoanTape.objects.filter(
        customer=customer, valid_to__isnull=True, unpaid_due_date__lt=before, state__in=OWING
    )
    return rows.order_by("unpaid_due_date").values_list("unpaid_due_date", flat=True)[:1]


def _credit_history(occasion: Occasion, figures: Section) -> Reads[Section]:
    as_of, report = occasion.as_of, (yield from occasion.known.bureau())
    oldest = yield _oldest_unpaid.of(occasion.customer.pk, as_of)
    return {
        "worst_days": report.worst_dpd_24m if report else None,
        "inquiries": report.inquiries_6m if report else None,
        "own_days": (as_of - oldest[0]).days if oldest else 0,
    }


def _purpose(occasion: Occasion, figures: Section) -> Reads[Section | None]:
    loan = occasion.loan
    return _told({"purpose": loan.purpose, "misused": loan.misused} if loan else None)


@prepared
def _salaries(customer: Any, first: Any, end: Any) -> Any:
    rows = PaymentEvent.objects.filter(customer=customer, kind=KIND.SALARY, date__gte=first, date__lt=end)
    return rows.order_by().values("kind").annotate(total=Sum("amount")).values_list("total", flat=True)


def _repayment_capacity(occasion: Occasion, figures: Section) -> Reads[Section]:
    """Income is the mean of the salaries of the last three complete months; none known is not an income of zero."""
    first, end = months_before(occasion.as_of, SALARY_MONTHS)[0], occasion.as_of.replace(day=1)
    totals = yield _salaries.of(occasion.customer.pk, first, end)
    report = yield from occasion.known.bureau()
    elsewhere = report.monthly_due_amount if report else ZERO
    own = occasion.loan.own_due_amount if occasion.loan else ZERO
    return {
        "income": str(round_money(Decimal(totals[0]) / SALARY_MONTHS)) if totals else None,
        "due": str(elsewhere + own),
    }


SECTIONS: dict[str, Callable[[Occasion, Section], Reads[Any]]] = {
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
