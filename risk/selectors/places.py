"""Where a customer is, and where usually (R36): the feed's logins and those at our own door count alike."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Max, Min

from accounts.models import Customer
from accounts.providers import provider
from risk.models import CreditLine, LineState, LoginEvent, LoginRecord
from weilidai.lib.models import StateChange
from weilidai.lib.prepared import Reads, prepared

# Without a city of its own, a loan is placed where the customer was last seen, if that is not long ago.
LOOK_BACK_DAYS = 1
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


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
) -> Reads[dict[str, Any]]:
    """The city now and the usual ones, ready for the layer."""
    seen = yield from cities_seen(customer, usual_days, as_of, before=at if told else NEVER)
    city, source = (told, "feed") if told else (city_of(ip), "ip")
    if not city:
        city, source = (_last_seen(seen, as_of), "last_login") if look_back else ("", "")
    usual = yield from _usual(customer, seen, city, as_of - timedelta(days=settled_days))
    return {"city": city or None, "source": source if city else "", "ip": ip, "usual": usual}


def _cities(model: Any, customer: Any, after: Any, until: Any, before: Any) -> Any:
    rows = model._default_manager.filter(customer=customer, date__gt=after, date__lte=until, at__lt=before)
    spans = rows.exclude(city="").order_by().values("city")
    spans = spans.annotate(a=Min("at"), b=Min("date"), c=Max("at"), d=Max("date"))
    return spans.values_list("city", "a", "b", "c", "d")


@prepared
def _cities_of_feed(*asked: Any) -> Any:
    return _cities(LoginEvent, *asked)


@prepared
def _cities_at_our_door(*asked: Any) -> Any:
    return _cities(LoginRecord, *asked)


def cities_seen(customer: Customer, days: int, as_of: date, *, before: datetime) -> Reads[dict[str, City]]:
    """Cities of the last `days`, by name, from logins earlier than `before`."""
    asked = (customer.pk, as_of - timedelta(days=days), as_of, before)
    seen: dict[str, City] = {}
    for question in (_cities_of_feed, _cities_at_our_door):
        for city, *span in (yield question.of(*asked)):
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


def _usual(customer: Customer, seen: dict[str, City], city: str, settled: date) -> Reads[list[str]]:
    """The first city of the window, those seen since a while, and those that stood before the last unfreezing:
    whoever unfroze has accepted them."""
    if not seen:
        return []
    first = min(seen, key=lambda name: (seen[name].first_at, name))
    usual = {first, *(name for name, row in seen.items() if row.first_date <= settled)}
    if city in seen and city not in usual:
        for accepted in (yield _unfrozen.of(customer.pk)):
            usual |= {name for name, row in seen.items() if row.first_at <= accepted}
    return sorted(usual)


@prepared
def _unfrozen(customer: Any) -> Any:
    """When a line of the customer was unfrozen last."""
    changes = StateChange.objects.filter(
        customer_id=customer,
        subject_type=CreditLine._meta.label_lower,
        old=LineState.FROZEN,
        new=LineState.ACTIVE,
    )
    return changes.order_by("-at").values_list("at", flat=True)[:1]
