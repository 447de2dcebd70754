"""Gathers what a decision is made from: bounded by the business date, few queries, sums in SQL."""

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Min, Sum
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

YEAR_DAYS = 365
LOGIN_DAYS = 90
KIND = PaymentEvent.Kind


def facts_gather(customer: Customer, terms: ProductTerms, as_of: date, known: Known | None = None) -> CustomerFacts:
    """Everything known up to and including `as_of`. Sources the customer did not consent to are left out."""
    known = known or Known(customer, as_of)
    consents = known.consents
    return CustomerFacts(
        score=score_latest(customer, terms.score_name, as_of),
        age_years=customer.age_on(as_of),
        identity_verified=customer.is_identity_verified,
        bank_card_verified=bool(known.cards),
        is_student=customer.is_student,
        activity=activity_months(customer, as_of, terms.activity_months),
        auxiliary=auxiliary_items(customer, as_of) if ConsentCode.THIRD_PARTY_DATA in consents else (),
        **_payments(customer, as_of),
        **_social(customer, as_of),
        **_assets(customer, as_of, ConsentCode.ECNY_WALLET in consents),
        **_logins(customer, as_of),
        **_bureau(known),
        **_credit_here(known, terms),
    )


def score_latest(customer: Customer, name: str, as_of: date) -> int | None:
    """The newest reading not after the date (R2)."""
    readings = ScoreReading.objects.filter(customer=customer, name=name, as_of__lte=as_of)
    return readings.order_by("-as_of", "-id").values_list("score", flat=True).first()


def activity_months(customer: Customer, as_of: date, months: int) -> tuple[ActivityMonth, ...]:
    """The last complete calendar months before the month of `as_of`, oldest first (R4); days without rows are 0."""
    firsts = months_before(as_of, months)
    rows = (
        ActivityDay.objects.filter(customer=customer, date__gte=firsts[0], date__lt=as_of.replace(day=1))
        .annotate(month=TruncMonth("date"))
        .values("month")
        .annotate(total=Sum("opens"))
        .values_list("month", "total")
    )
    totals = dict(rows)
    return tuple(
        ActivityMonth(f"{first:%Y-%m}", calendar.monthrange(first.year, first.month)[1], totals.get(first, 0))
        for first in firsts
    )


def months_before(as_of: date, months: int) -> list[date]:
    """First days of the complete months before the month of `as_of`, oldest first."""
    index = as_of.year * 12 + as_of.month - 1
    return [date(i // 12, i % 12 + 1, 1) for i in range(index - months, index)]


def auxiliary_items(customer: Customer, as_of: date) -> tuple[AuxiliaryItem, ...]:
    """The newest reading of each item, in the order of the items' names."""
    rows = AuxiliaryReading.objects.filter(customer=customer, as_of__lte=as_of).order_by("as_of", "id")
    newest = {row.item: row for row in rows}
    return tuple(
        AuxiliaryItem(item, row.state, row.months, (as_of - row.as_of).days) for item, row in sorted(newest.items())
    )


def _payments(customer: Customer, as_of: date) -> dict[str, Any]:
    rows = (
        PaymentEvent.objects.filter(customer=customer, date__gt=as_of - timedelta(days=YEAR_DAYS), date__lte=as_of)
        .order_by()
        .values("kind")
        .annotate(total=Sum("amount"), events=Count("id"))
    )
    # Sums come back from SQLite through binary numbers: to the fen they are exact again.
    totals = {row["kind"]: {**row, "total": round_money(row["total"])} for row in rows}
    empty = {"total": ZERO, "events": 0} if totals else {"total": None, "events": None}
    return {
        "payment_amount_12m": totals.get(KIND.PAYMENT, empty)["total"],
        "payment_count_12m": totals.get(KIND.PAYMENT, empty)["events"],
        "card_repayment_amount_12m": totals.get(KIND.CARD_REPAYMENT, empty)["total"],
        "red_packets_sent_amount_12m": totals.get(KIND.RED_PACKET_SENT, empty)["total"] or ZERO,
        "red_packets_received_amount_12m": totals.get(KIND.RED_PACKET_RECEIVED, empty)["total"] or ZERO,
    }


def _social(customer: Customer, as_of: date) -> dict[str, Any]:
    newest = (
        ActivityDay.objects.filter(customer=customer, date__gt=as_of - timedelta(days=LOGIN_DAYS), date__lte=as_of)
        .order_by("-date", "-id")
        .first()
    )
    return {
        "friends_count": newest.friends if newest else None,
        "active_groups_count": newest.active_groups if newest else None,
    }


def _assets(customer: Customer, as_of: date, wallet_allowed: bool) -> dict[str, Any]:
    newest = AssetMonth.objects.filter(customer=customer, month__lte=as_of).order_by("-month", "-id").first()
    if newest is None:
        return {"assets_amount": None, "ecny_wallet_amount": None}
    held = newest.current_fund_mean_amount + newest.wealth_products_amount + newest.deposits_amount
    return {
        "assets_amount": held,
        "ecny_wallet_amount": newest.ecny_wallet_amount if wallet_allowed else None,
    }


def _logins(customer: Customer, as_of: date) -> dict[str, Any]:
    """Changes between one login and the next; the login before the window tells whether its first was a change."""
    start = as_of - timedelta(days=LOGIN_DAYS)
    rows = LoginEvent.objects.filter(customer=customer)
    inside = list(rows.filter(date__gt=start, date__lte=as_of).order_by("at", "id").values_list("device", "ip"))
    if not inside:
        return {"device_changes_90d": None, "ip_changes_90d": None, "device_tenure_days": None}
    before = list(rows.filter(date__lte=start).order_by("-at", "-id").values_list("device", "ip")[:1])
    pairs = list(zip([*before, *inside], [*before, *inside][1:], strict=False))
    first_seen: date = rows.filter(device=inside[-1][0], date__lte=as_of).aggregate(d=Min("date"))["d"]
    return {
        "device_changes_90d": sum(old[0] != new[0] for old, new in pairs),
        "ip_changes_90d": sum(old[1] != new[1] for old, new in pairs),
        "device_tenure_days": (as_of - first_seen).days,
    }


def _bureau(known: Known) -> dict[str, Any]:
    report = known.bureau
    return {
        "bureau_age_days": (known.as_of - report.as_of).days if report else None,
        "worst_dpd_24m": report.worst_dpd_24m if report else None,
        "inquiries_6m": report.inquiries_6m if report else None,
        "bureau_debts_amount": report.debts_amount if report else None,
        "on_deny_list": report.on_deny_list if report else False,
    }


def _credit_here(known: Known, terms: ProductTerms) -> dict[str, Any]:
    """Months since the own line of this product was opened, and what all open lines may lend together."""
    own = [line for line in known.lines if line.application_id and line.product_id == terms.product_id]
    opened = min((line.opened_date for line in own if line.opened_date <= known.as_of), default=None)
    open_lines = [line for line in known.lines if line.state != LineState.CLOSED]
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
    lines = CreditLine.objects.filter(customer__in=customers).exclude(state=LineState.CLOSED).order_by()
    sums = lines.values_list("customer_id").annotate(s=Sum(F("limit_amount") + F("received_amount")))
    return {key: round_money(total) for key, total in sums}


def months_between(start: date, end: date) -> int:
    """Complete months from start to end; a month is complete on the same day of the month."""
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
