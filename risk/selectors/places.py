"""Where a customer is, and where usually (R36): the feed's logins and those at our own door count alike."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max, Min

from accounts.models import Customer
from accounts.providers import provider
from risk.models import CreditLine, LineState, LoginEvent, LoginRecord
from weilidai.lib.models import StateChange

# Without a city of its own, a loan is placed where the customer was last seen, if that is not long ago.
LOOK_BACK_DAYS = 1


@dataclass
class City:
    """First and last login from a city within the window."""

    first_at: datetime
    first_date: date
    last_at: datetime
    last_date: date


def city_of(ip: str | None) -> str:
    """The city of an address; empty for private and unknown ones, which are never unusual by themselves."""
    return str(provider("geo").city_of(ip)) if ip else ""


def place_seen(
    customer: Customer,
    *,
    ip: str | None,
    told: str,
    look_back: bool,
    usual_days: int,
    settled_days: int,
    as_of: date,
    at: datetime,
) -> dict[str, Any]:
    """The city now and the usual ones, ready for the layer."""
    seen = cities_seen(customer, usual_days, as_of, before=at if told else None)
    city, source = (told, "feed") if told else (city_of(ip), "ip")
    if not city:
        city, source = (_last_seen(seen, as_of), "last_login") if look_back else ("", "")
    usual = _usual(customer, seen, city, as_of - timedelta(days=settled_days))
    return {"city": city or None, "source": source if city else "", "ip": ip, "usual": usual}


def cities_seen(customer: Customer, days: int, as_of: date, *, before: datetime | None = None) -> dict[str, City]:
    """Cities of the last `days`, by name; only logins earlier than `before` where it is told."""
    seen: dict[str, City] = {}
    for model in (LoginEvent, LoginRecord):
        rows = model._default_manager.filter(customer=customer, date__gt=as_of - timedelta(days=days), date__lte=as_of)
        rows = rows.filter(at__lt=before) if before else rows
        spans = rows.exclude(city="").order_by().values_list("city")
        for city, *span in spans.annotate(a=Min("at"), b=Min("date"), c=Max("at"), d=Max("date")):
            old = seen.get(city)
            new = City(*span)
            if old is not None:
                new = City(
                    min(old.first_at, new.first_at),
                    min(old.first_date, new.first_date),
                    max(old.last_at, new.last_at),
                    max(old.last_date, new.last_date),
                )
            seen[city] = new
    return seen


def _last_seen(seen: dict[str, City], as_of: date) -> str:
    recent = [(row.last_at, city) for city, row in seen.items() if row.last_date >= as_of - timedelta(LOOK_BACK_DAYS)]
    return max(recent)[1] if recent else ""


def _usual(customer: Customer, seen: dict[str, City], city: str, settled: date) -> list[str]:
    """The first city of the window, those seen since a while, and those that stood before the last unfreezing:
    whoever unfroze has accepted them."""
    if not seen:
        return []
    first = min(seen, key=lambda name: (seen[name].first_at, name))
    usual = {first, *(name for name, row in seen.items() if row.first_date <= settled)}
    if city in seen and city not in usual:
        accepted = _last_unfrozen(customer)
        if accepted is not None:
            usual |= {name for name, row in seen.items() if row.first_at <= accepted}
    return sorted(usual)


def _last_unfrozen(customer: Customer) -> datetime | None:
    changes = StateChange.objects.filter(
        customer_id=customer.pk,
        subject_type=CreditLine._meta.label_lower,
        old=LineState.FROZEN,
        new=LineState.ACTIVE,
    )
    latest: datetime | None = changes.aggregate(at=Max("at"))["at"]
    return latest
