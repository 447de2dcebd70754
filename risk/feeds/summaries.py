"""Keeping months of behaviour up to date: the feeds mark what they touched, whoever needs it next builds it.

A month is always built from all stored rows of that month, so late, repeated and unordered rows end in the same
summary; a kill in between leaves it marked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import TruncMonth

from risk.models import (
    ActivityDay,
    AssetMonth,
    AuxiliaryReading,
    BehaviourMonth,
    BureauReport,
    Friendship,
    GreenAct,
    LoginEvent,
    PaymentEvent,
)
from risk.variables.frame import month_start
from risk.variables.measures import BIG_FEN, CATEGORIES, INDEX, LAYOUT_VERSION, SMALL_FEN
from risk.variables.packing import month_pack

PAGE = 200
WRITE_BATCH = 500
# Shanghai has had no summer time since 1991: the local hour is that of UTC and eight.
LOCAL_HOURS = 8
NIGHT = frozenset({22, 23, 0, 1, 2, 3, 4, 5})
SPENDING = frozenset({"payment", "transfer_out", "utility", "red_packet_sent"})
SATURDAY = 5

Key = tuple[UUID, date]
Month = dict[tuple[int, int], int]
Months = dict[Key, Month]
# Which days a row of each kind touches.
DATES: dict[Any, tuple[str, ...]] = {
    PaymentEvent: ("date",),
    ActivityDay: ("date",),
    LoginEvent: ("date",),
    GreenAct: ("date",),
    AssetMonth: ("month",),
    BureauReport: ("as_of",),
    AuxiliaryReading: ("as_of",),
    Friendship: ("since_date", "until_date"),
}


def touched(model: Any, rows: Iterable[Any]) -> set[Key]:
    """Customer and month of everything the rows (unsaved or saved) say."""
    names = DATES.get(model, ())
    days = ((row.customer_id, getattr(row, name)) for row in rows for name in names)
    return {(customer, month_start(day)) for customer, day in days if day is not None}


def months_mark(model: Any, rows: Iterable[Any]) -> None:
    """Marks what the rows touch, in the caller's transaction and in one order for everybody."""
    keys = sorted(touched(model, rows))
    BehaviourMonth.objects.bulk_create(
        (BehaviourMonth(customer_id=customer, month=month, is_stale=True) for customer, month in keys),
        batch_size=WRITE_BATCH,
        update_conflicts=True,
        unique_fields=["customer", "month"],
        update_fields=["is_stale"],
    )
    if model is LoginEvent and keys:
        # A login that came late changes what the next month's first login is compared with.
        people = {customer for customer, _ in keys}
        BehaviourMonth.objects.filter(customer__in=people, month__gt=min(month for _, month in keys)).update(
            is_stale=True
        )


def stale_customers(customers: Iterable[UUID] | None = None) -> Iterator[list[UUID]]:
    """Customers with months to build, page by page; of all, or of those given."""
    stale = BehaviourMonth.objects.filter(is_stale=True)
    if customers is not None:
        other_layout = ~Q(layout_version=LAYOUT_VERSION)
        stale = BehaviourMonth.objects.filter(Q(is_stale=True) | other_layout, customer__in=list(customers))
    last: UUID | None = None
    while True:
        rows = stale.order_by("customer_id").values_list("customer_id", flat=True).distinct()
        page = list((rows.filter(customer_id__gt=last) if last else rows)[:PAGE])
        if not page:
            return
        yield page
        last = page[-1]


def stale_count() -> int:
    """Months waiting to be built."""
    return BehaviourMonth.objects.filter(is_stale=True).count()


def summaries_mark_all() -> int:
    """Makes a stale month for everything stored: for data that came before summaries were kept, or a new layout."""
    made = 0
    for model, names in DATES.items():
        for name in names:
            rows = model.objects.exclude(**{f"{name}__isnull": True}).order_by().annotate(first=TruncMonth(name))
            pairs = rows.values_list("customer_id", "first").distinct().iterator(chunk_size=WRITE_BATCH)
            while page := list(islice(pairs, WRITE_BATCH)):
                BehaviourMonth.objects.bulk_create(
                    (BehaviourMonth(customer_id=customer, month=month, is_stale=True) for customer, month in page),
                    update_conflicts=True, unique_fields=["customer", "month"], update_fields=["is_stale"],
                )  # fmt: skip
                made += len(page)
    return made


def summaries_build(customers: Iterable[UUID] | None = None) -> int:
    """Builds every marked month of the customers (of all, where none are named); the number of months built."""
    return sum(_page_build(page) for page in stale_customers(customers))


@transaction.atomic
def _page_build(people: list[UUID]) -> int:
    """Under the rows' locks: a feed that brings more meanwhile waits and marks the month again."""
    rows = list(
        BehaviourMonth.objects.select_for_update(no_key=True)
        .filter(Q(is_stale=True) | ~Q(layout_version=LAYOUT_VERSION), customer__in=people)
        .order_by("customer_id", "month")
    )
    months: Months = {(row.customer_id, row.month): defaultdict(int) for row in rows}
    if months:
        _gather(months)
    for row in rows:
        row.packed, row.is_stale, row.layout_version = (
            month_pack(months[row.customer_id, row.month]),
            False,
            LAYOUT_VERSION,
        )
    # One upsert: a bulk update of so many bytes spends more time on its CASE than on the rows.
    BehaviourMonth.objects.bulk_create(
        rows,
        batch_size=WRITE_BATCH,
        update_conflicts=True,
        unique_fields=["customer", "month"],
        update_fields=["packed", "is_stale", "layout_version"],
    )
    return len(rows)


def _gather(months: Months) -> None:
    people = {customer for customer, _ in months}
    first = min(month for _, month in months)
    end = month_start(max(month for _, month in months) + timedelta(days=32))
    span = (people, first, end, months)
    _payments(*span)
    _activity(*span)
    _assets(*span)
    _friends(*span)
    _logins(*span)
    _bureau(*span)
    _auxiliary(*span)
    _green(*span)


def _rows(
    model: Any, field: str, people: set[UUID], first: date, end: date, *columns: str
) -> Iterator[tuple[Any, ...]]:
    rows = model.objects.filter(customer__in=people, **{f"{field}__gte": first, f"{field}__lt": end})
    return iter(rows.order_by().values_list("customer_id", field, *columns).iterator(chunk_size=5000))


def _fen(amount: Any) -> int:
    return int(amount * 100)


class _Day:
    """Adds to one day of one wanted month; a day of another month is nobody's."""

    __slots__ = ("day", "month")

    def __init__(self, months: Months, customer: UUID, day: date) -> None:
        self.month = months.get((customer, day.replace(day=1)))
        self.day = day.day - 1

    def add(self, code: str, value: int = 1) -> None:
        if self.month is not None:
            self.month[self.day, INDEX[code]] += value

    def hold(self, code: str, value: int) -> None:
        if self.month is not None:
            self.month[self.day, INDEX[code]] = value

    def pair(self, code: str, fen: int) -> None:
        self.add(f"{code}_amount", fen)
        self.add(f"{code}_count")


def _payments(people: set[UUID], first: date, end: date, months: Months) -> None:
    met: set[tuple[UUID, date, str]] = set()
    columns = ("at", "kind", "amount", "category", "counterparty", "channel")
    for customer, day, at, kind, amount, category, counterparty, channel in _rows(
        PaymentEvent, "date", people, first, end, *columns
    ):
        place, fen = _Day(months, customer, day), _fen(amount)
        place.add("rows_payments")
        place.pair(kind, fen)
        if kind == "payment":
            place.pair(f"category_{category if category in CATEGORIES else 'other'}", fen)
            place.pair(f"channel_{channel}", fen)
        if kind in SPENDING:
            _spending(place, fen, (at.hour + LOCAL_HOURS) % 24, day)
        if counterparty and (customer, day, counterparty) not in met:
            met.add((customer, day, counterparty))
            place.add("counterparty_count")


def _spending(place: _Day, fen: int, hour: int, day: date) -> None:
    if hour in NIGHT:
        place.pair("night", fen)
    if day.weekday() >= SATURDAY:
        place.pair("weekend", fen)
    if fen >= BIG_FEN:
        place.pair("big", fen)
    if fen < SMALL_FEN:
        place.pair("small", fen)


def _activity(people: set[UUID], first: date, end: date, months: Months) -> None:
    columns = ("opens", "minutes", "friends", "active_groups")
    rows = ActivityDay.objects.filter(customer__in=people, date__gte=first, date__lt=end).order_by("id")
    for customer, day, opens, minutes, friends, groups in rows.values_list("customer_id", "date", *columns).iterator(
        5000
    ):
        place = _Day(months, customer, day)
        place.add("rows_activity")
        place.add("opens", opens)
        place.add("minutes", minutes)
        place.hold("friends", friends)
        place.hold("active_groups", groups)


ASSETS = {
    "current_fund": "current_fund_mean_amount",
    "wealth_products": "wealth_products_amount",
    "deposits": "deposits_amount",
    "ecny_balance": "ecny_wallet_amount",
    "card_limit": "card_limit_amount",
    "card_debt": "card_debt_amount",
}


def _assets(people: set[UUID], first: date, end: date, months: Months) -> None:
    rows = AssetMonth.objects.filter(customer__in=people, month__gte=first, month__lt=end).order_by("id")
    for customer, day, *amounts in rows.values_list("customer_id", "month", *ASSETS.values()).iterator(5000):
        place = _Day(months, customer, day)
        place.add("rows_assets")
        for code, amount in zip(ASSETS, amounts, strict=True):
            place.hold(code, _fen(amount))


def _friends(people: set[UUID], first: date, end: date, months: Months) -> None:
    inside = Q(since_date__gte=first, since_date__lt=end) | Q(until_date__gte=first, until_date__lt=end)
    rows = Friendship.objects.filter(inside, customer__in=people).order_by()
    for customer, since, until in rows.values_list("customer_id", "since_date", "until_date").iterator(5000):
        for day, code in ((since, "friend_made_count"), (until, "friend_lost_count")):
            if day is not None:
                place = _Day(months, customer, day)
                place.add("rows_friends")
                place.add(code)


CHANGES = ("device_change_count", "ip_change_count", "city_change_count")


def _logins(people: set[UUID], first: date, end: date, months: Months) -> None:
    """In the order of time; the first login of the span is compared with the last one before it."""
    before = _last_logins(people, first)
    met: set[tuple[UUID, date, str]] = set()
    rows = LoginEvent.objects.filter(customer__in=people, date__gte=first, date__lt=end).order_by(
        "customer_id", "at", "id"
    )
    columns = ("customer_id", "date", "at", "device", "ip", "city")
    for customer, day, at, device, ip, city in rows.values_list(*columns).iterator(5000):
        place = _Day(months, customer, day)
        place.add("rows_logins")
        place.add("login_count")
        if (at.hour + LOCAL_HOURS) % 24 in NIGHT:
            place.add("night_login_count")
        if (customer, day, device) not in met:
            met.add((customer, day, device))
            place.add("device_count")
        old = before.get(customer)
        if old is not None:
            changes = zip(
                ("device_change_count", "ip_change_count", "city_change_count"), old, (device, ip, city), strict=True
            )
            for code, was, now in changes:
                if was != now:
                    place.add(code)
        before[customer] = (device, ip, city)


def _last_logins(people: set[UUID], first: date) -> dict[UUID, tuple[str, str, str]]:
    earlier = LoginEvent.objects.filter(customer__in=people, date__lt=first)
    newest = earlier.order_by().values("customer_id").annotate(at=Max("at"))
    at = {row["customer_id"]: row["at"] for row in newest}
    rows = (
        earlier.filter(at__in=set(at.values())).order_by("id").values_list("customer_id", "at", "device", "ip", "city")
    )
    return {customer: (device, ip, city) for customer, when, device, ip, city in rows if at.get(customer) == when}


BUREAU = {
    "bureau_open_accounts": ("open_accounts", False),
    "bureau_debts": ("debts_amount", True),
    "bureau_monthly_due": ("monthly_due_amount", True),
    "bureau_worst_dpd": ("worst_dpd_24m", False),
    "bureau_inquiries": ("inquiries_6m", False),
}


def _bureau(people: set[UUID], first: date, end: date, months: Months) -> None:
    names = [name for name, _ in BUREAU.values()]
    rows = BureauReport.objects.filter(customer__in=people, as_of__gte=first, as_of__lt=end).order_by("id")
    for customer, day, *figures in rows.values_list("customer_id", "as_of", *names).iterator(5000):
        place = _Day(months, customer, day)
        place.add("rows_bureau")
        for (code, (_, is_amount)), figure in zip(BUREAU.items(), figures, strict=True):
            place.hold(code, _fen(figure) if is_amount else figure)


def _auxiliary(people: set[UUID], first: date, end: date, months: Months) -> None:
    rows = AuxiliaryReading.objects.filter(customer__in=people, as_of__gte=first, as_of__lt=end).order_by("id")
    columns = ("customer_id", "as_of", "item", "months", "state")
    for customer, day, item, count, state in rows.values_list(*columns).iterator(5000):
        place = _Day(months, customer, day)
        place.add("rows_auxiliary")
        place.hold(f"auxiliary_{item}_months", count)
        place.hold(f"auxiliary_{item}_verified", int(state == AuxiliaryReading.State.VERIFIED))


def _green(people: set[UUID], first: date, end: date, months: Months) -> None:
    for customer, day, act in _rows(GreenAct, "date", people, first, end, "act"):
        place = _Day(months, customer, day)
        place.add("rows_green")
        place.add(f"green_{act}_count")
