"""Gathers what a decision is made from: bounded by the business date, few queries, sums in SQL."""

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Sum
from django.db.models.functions import TruncMonth

from accounts.models import ConsentCode, Customer
from risk.models import (
    ActivityDay,
    AssetMonth,
    AuxiliaryReading,
    CreditLine,
    LineState,
    LoginEvent,
    PaymentEvent,
    ProductTerms,
    ScoreReading,
)
from risk.rules.facts import ActivityMonth, AuxiliaryItem, CustomerFacts
from risk.selectors.known import Known
from weilidai.lib.money import ZERO, round_money
from weilidai.lib.prepared import Reads, gather, prepared

YEAR_DAYS = 365
LOGIN_DAYS = 90
KIND = PaymentEvent.Kind


def facts_gather(customer: Customer, terms: ProductTerms, as_of: date, known: Known | None = None) -> CustomerFacts:
    """Everything known up to and including `as_of`. Sources the customer did not consent to are left out."""
    known = known or Known(customer, as_of)
    facts: CustomerFacts = facts_of(*gather(*fact_readers(known, terms), answers=known.answers))
    return facts


def fact_readers(known: Known, terms: ProductTerms) -> list[Reads[dict[str, Any]]]:
    """Who reads what of the facts, side by side; `facts_of` puts their parts together."""
    customer = known.customer
    return [
        _person(known, terms),
        _activity(known, terms.activity_months),
        _auxiliary(known),
        _payments(customer, known.as_of),
        _social(customer, known.as_of),
        _assets(known),
        _logins(customer, known.as_of),
        _bureau(known),
        _credit_here(known, terms),
    ]


def facts_of(*parts: dict[str, Any]) -> CustomerFacts:
    return CustomerFacts(**{name: value for part in parts for name, value in part.items()})


def _person(known: Known, terms: ProductTerms) -> Reads[dict[str, Any]]:
    customer = known.customer
    scores = yield _score.of(customer.pk, terms.score_name, known.as_of)
    return {
        "score": scores[0] if scores else None,
        "age_years": customer.age_on(known.as_of),
        "identity_verified": customer.is_identity_verified,
        "bank_card_verified": bool((yield from known.cards())),
        "is_student": customer.is_student,
    }


@prepared
def _score(customer: Any, name: Any, as_of: Any) -> Any:
    readings = ScoreReading.objects.filter(customer=customer, name=name, as_of__lte=as_of)
    return readings.order_by("-as_of", "-id").values_list("score", flat=True)[:1]


def score_latest(customer: Customer, name: str, as_of: date) -> int | None:
    """The newest reading not after the date (R2)."""
    scores: list[int] = _score(customer.pk, name, as_of)
    return scores[0] if scores else None


@prepared
def _opens(customer: Any, first: Any, end: Any) -> Any:
    days = ActivityDay.objects.filter(customer=customer, date__gte=first, date__lt=end).order_by()
    months = days.annotate(month=TruncMonth("date")).values("month").annotate(total=Sum("opens"))
    return months.values_list("month", "total")


def _activity(known: Known, months: int) -> Reads[dict[str, Any]]:
    firsts = months_before(known.as_of, months)
    totals = dict((yield _opens.of(known.customer.pk, firsts[0], known.as_of.replace(day=1))))
    found = tuple(
        ActivityMonth(f"{first:%Y-%m}", calendar.monthrange(first.year, first.month)[1], totals.get(first, 0))
        for first in firsts
    )
    return {"activity": found}


def activity_months(customer: Customer, as_of: date, months: int) -> tuple[ActivityMonth, ...]:
    """The last complete calendar months before the month of `as_of`, oldest first (R4); days without rows are 0."""
    found: tuple[ActivityMonth, ...] = gather(_activity(Known(customer, as_of), months))[0]["activity"]
    return found


def months_before(as_of: date, months: int) -> list[date]:
    """First days of the complete months before the month of `as_of`, oldest first."""
    index = as_of.year * 12 + as_of.month - 1
    return [date(i // 12, i % 12 + 1, 1) for i in range(index - months, index)]


@prepared
def _readings(customer: Any, as_of: Any) -> Any:
    rows = AuxiliaryReading.objects.filter(customer=customer, as_of__lte=as_of)
    return rows.order_by("as_of", "id").values_list("item", "state", "months", "as_of")


def _auxiliary(known: Known) -> Reads[dict[str, Any]]:
    """The newest reading of each item, in the order of the items' names; with the customer's consent only."""
    if ConsentCode.THIRD_PARTY_DATA not in (yield from known.consents()):
        return {"auxiliary": ()}
    rows = yield _readings.of(known.customer.pk, known.as_of)
    newest = {item: AuxiliaryItem(item, state, months, (known.as_of - day).days) for item, state, months, day in rows}
    return {"auxiliary": tuple(item for _, item in sorted(newest.items()))}


@prepared
def _paid(customer: Any, after: Any, until: Any) -> Any:
    rows = PaymentEvent.objects.filter(customer=customer, date__gt=after, date__lte=until).order_by()
    return rows.values("kind").annotate(total=Sum("amount"), events=Count("id")).values_list("kind", "total", "events")


def _payments(customer: Customer, as_of: date) -> Reads[dict[str, Any]]:
    rows = yield _paid.of(customer.pk, as_of - timedelta(days=YEAR_DAYS), as_of)
    # Sums come back from SQLite through binary numbers: to the fen they are exact again.
    totals = {kind: {"total": round_money(total), "events": events} for kind, total, events in rows}
    empty = {"total": ZERO, "events": 0} if totals else {"total": None, "events": None}
    return {
        "payment_amount_12m": totals.get(KIND.PAYMENT, empty)["total"],
        "payment_count_12m": totals.get(KIND.PAYMENT, empty)["events"],
        "card_repayment_amount_12m": totals.get(KIND.CARD_REPAYMENT, empty)["total"],
        "red_packets_sent_amount_12m": totals.get(KIND.RED_PACKET_SENT, empty)["total"] or ZERO,
        "red_packets_received_amount_12m": totals.get(KIND.RED_PACKET_RECEIVED, empty)["total"] or ZERO,
    }


@prepared
def _newest_day(customer: Any, after: Any, until: Any) -> Any:
    rows = ActivityDay.objects.filter(customer=customer, date__gt=after, date__lte=until)
    return rows.order_by("-date", "-id").values_list("friends", "active_groups")[:1]


def _social(customer: Customer, as_of: date) -> Reads[dict[str, Any]]:
    rows = yield _newest_day.of(customer.pk, as_of - timedelta(days=LOGIN_DAYS), as_of)
    friends, groups = rows[0] if rows else (None, None)
    return {"friends_count": friends, "active_groups_count": groups}


@prepared
def _newest_assets(customer: Any, as_of: Any) -> Any:
    rows = AssetMonth.objects.filter(customer=customer, month__lte=as_of).order_by("-month", "-id")
    return rows.values_list(
        "current_fund_mean_amount", "wealth_products_amount", "deposits_amount", "ecny_wallet_amount"
    )[:1]


def _assets(known: Known) -> Reads[dict[str, Any]]:
    """The digital-RMB wallet with the customer's consent only (R20)."""
    rows = yield _newest_assets.of(known.customer.pk, known.as_of)
    if not rows:
        return {"assets_amount": None, "ecny_wallet_amount": None}
    fund, wealth, deposits, wallet = rows[0]
    allowed = ConsentCode.ECNY_WALLET in (yield from known.consents())
    return {"assets_amount": fund + wealth + deposits, "ecny_wallet_amount": wallet if allowed else None}


@prepared
def _logins_between(customer: Any, after: Any, until: Any) -> Any:
    rows = LoginEvent.objects.filter(customer=customer, date__gt=after, date__lte=until)
    return rows.order_by("at", "id").values_list("device", "ip")


@prepared
def _login_before(customer: Any, until: Any) -> Any:
    rows = LoginEvent.objects.filter(customer=customer, date__lte=until)
    return rows.order_by("-at", "-id").values_list("device", "ip")[:1]


@prepared
def _device_first_seen(customer: Any, device: Any, until: Any) -> Any:
    rows = LoginEvent.objects.filter(customer=customer, device=device, date__lte=until)
    return rows.order_by("date").values_list("date", flat=True)[:1]


def _logins(customer: Customer, as_of: date) -> Reads[dict[str, Any]]:
    """Changes between one login and the next; the login before the window tells whether its first was a change."""
    start = as_of - timedelta(days=LOGIN_DAYS)
    inside = yield _logins_between.of(customer.pk, start, as_of)
    if not inside:
        return {"device_changes_90d": None, "ip_changes_90d": None, "device_tenure_days": None}
    before = yield _login_before.of(customer.pk, start)
    pairs = list(zip([*before, *inside], [*before, *inside][1:], strict=False))
    first_seen = yield _device_first_seen.of(customer.pk, inside[-1][0], as_of)
    return {
        "device_changes_90d": sum(old[0] != new[0] for old, new in pairs),
        "ip_changes_90d": sum(old[1] != new[1] for old, new in pairs),
        "device_tenure_days": (as_of - first_seen[0]).days,
    }


def _bureau(known: Known) -> Reads[dict[str, Any]]:
    report = yield from known.bureau()
    return {
        "bureau_age_days": (known.as_of - report.as_of).days if report else None,
        "worst_dpd_24m": report.worst_dpd_24m if report else None,
        "inquiries_6m": report.inquiries_6m if report else None,
        "bureau_debts_amount": report.debts_amount if report else None,
        "on_deny_list": report.on_deny_list if report else False,
    }


def _credit_here(known: Known, terms: ProductTerms) -> Reads[dict[str, Any]]:
    """Months since the own line of this product was opened, and what all open lines may lend together."""
    lines = yield from known.lines()
    own = [line for line in lines if line.application_id and line.product_id == terms.product_id]
    opened = min((line.opened_date for line in own if line.opened_date <= known.as_of), default=None)
    open_lines = [line for line in lines if line.state != LineState.CLOSED]
    return {
        "months_in_use": months_between(opened, known.as_of) if opened else 0,
        "other_limits_amount": sum((line.limit_amount + line.received_amount for line in open_lines), ZERO),
    }


def limits_open_sum(customer: Customer, *, exclude: UUID | None = None) -> Decimal:
    """What all open lines of the person may lend together, gifts received included, for the household cap (R54)."""
    lines = CreditLine.objects.filter(customer=customer).exclude(state=LineState.CLOSED)
    counted = lines if exclude is None else lines.exclude(pk=exclude)
    total: Decimal | None = counted.aggregate(s=Sum(F("limit_amount") + F("received_amount")))["s"]
    return round_money(total) if total is not None else ZERO


def limits_open_sums(customers: Sequence[UUID]) -> dict[UUID, Decimal]:
    """The same for many people in one query; somebody without an open line is not in it."""
    lines = CreditLine.objects.filter(customer__among=customers).exclude(state=LineState.CLOSED).order_by()
    sums = lines.values_list("customer_id").annotate(s=Sum(F("limit_amount") + F("received_amount")))
    return {key: round_money(total) for key, total in sums}


def months_between(start: date, end: date) -> int:
    """Complete months from start to end; a month is complete on the same day of the month."""
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
