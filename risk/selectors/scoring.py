"""Pages of people read whole for scoring: a handful of queries a page, whatever its size."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from multiprocessing import get_context
from typing import Any, NamedTuple
from uuid import UUID

import django
from django.db import reset_queries
from django.db.models import Max, Min

from accounts.models import Consent, Customer
from risk.feeds.summaries import summaries_build
from risk.models import AssetMonth, AuxiliaryReading, BureauReport, LoginEvent, ProductTerms, Scorecard
from risk.rules.batch import RECENT_DAYS, Page, Person, page_score
from risk.rules.facts import AuxiliaryItem
from risk.rules.scorecard import Scored, names_used
from risk.selectors.variables import months_stored
from risk.variables.frame import reach_start

PAGE = 250
TENURE = "device_tenure_days"


def customer_pages(size: int = PAGE) -> Iterator[list[UUID]]:
    """Keys of everybody who is not erased, in order."""
    people = Customer.objects.filter(erased_at__isnull=True).order_by("pk")
    last: UUID | None = None
    while page := list((people.filter(pk__gt=last) if last else people).values_list("pk", flat=True)[:size]):
        yield page
        last = page[-1]


def page_read(customers: Sequence[UUID], terms: ProductTerms, scorecard: Scorecard, as_of: date) -> Page:
    """Everything the scorecard needs of these people; months the feeds marked are built first."""
    summaries_build(customers)
    start = reach_start(as_of)
    consents = _consents(customers)
    tenures = _tenures(customers, as_of) if TENURE in names_used(scorecard.definition) else {}
    old = (customers, start, as_of)
    assets, bureau, auxiliary = _assets(*old), _bureau(*old), _auxiliary(*old)
    people = [
        Person(
            consents=frozenset(consents.get(key, ())),
            device_tenure_days=tenures.get(key),
            older_assets=assets.get(key),
            older_bureau=bureau.get(key),
            older_auxiliary=tuple(auxiliary.get(key, ())),
        )
        for key in customers
    ]
    return Page(as_of, people, months_stored(customers, as_of), scorecard.definition, terms.housing_fund_months)


def _consents(customers: Sequence[UUID]) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = {}
    live = Consent.objects.filter(customer__in=customers, withdrawn_at__isnull=True)
    for key, code in live.values_list("customer_id", "code"):
        found.setdefault(key, set()).add(code)
    return found


class _Login(NamedTuple):
    at: Any
    number: int
    first: date


def _tenures(customers: Sequence[UUID], as_of: date) -> dict[UUID, int]:
    """Days since the device of the newest login of the last 90 days was first seen."""
    rows = LoginEvent.objects.filter(customer__in=customers, date__lte=as_of).order_by()
    devices = rows.values("customer_id", "device").annotate(at=Max("at"), number=Max("id"), first=Min("date"))
    fresh = devices.annotate(last=Max("date")).filter(last__gt=as_of - timedelta(days=RECENT_DAYS))
    newest: dict[UUID, _Login] = {}
    for row in fresh:
        login = _Login(row["at"], row["number"], row["first"])
        newest[row["customer_id"]] = max(login, newest.get(row["customer_id"], login))
    return {key: (as_of - login.first).days for key, login in newest.items()}


def _newest_before(model: Any, column: str, customers: Sequence[UUID], start: date, as_of: date) -> list[Any]:
    """The newest row of each, of those alone whose newest row is older than the months' reach, oldest id first."""
    known = model.objects.filter(customer__in=customers, **{f"{column}__lte": as_of})
    ages = known.order_by().values("customer_id").annotate(day=Max(column))
    old = {row["customer_id"]: row["day"] for row in ages if row["day"] < start}
    if not old:
        return []
    rows = model.objects.filter(customer__in=list(old), **{f"{column}__in": set(old.values())}).order_by("id")
    return [row for row in rows if getattr(row, column) == old[row.customer_id]]


def _assets(customers: Sequence[UUID], start: date, as_of: date) -> dict[UUID, tuple[Decimal, Decimal]]:
    return {
        row.customer_id: (
            row.current_fund_mean_amount + row.wealth_products_amount + row.deposits_amount,
            row.ecny_wallet_amount,
        )
        for row in _newest_before(AssetMonth, "month", customers, start, as_of)
    }


def _bureau(customers: Sequence[UUID], start: date, as_of: date) -> dict[UUID, tuple[int, int, Decimal]]:
    rows = _newest_before(BureauReport, "as_of", customers, start, as_of)
    return {row.customer_id: (row.worst_dpd_24m, row.inquiries_6m, row.debts_amount) for row in rows}


def _auxiliary(customers: Sequence[UUID], start: date, as_of: date) -> dict[UUID, list[AuxiliaryItem]]:
    """Readings older than the reach; a newer one of the same item takes their place."""
    rows = AuxiliaryReading.objects.filter(customer__in=customers, as_of__lt=start).order_by("as_of", "id")
    newest = {(row.customer_id, row.item): row for row in rows}
    found: dict[UUID, list[AuxiliaryItem]] = {}
    for (key, item), row in newest.items():
        found.setdefault(key, []).append(AuxiliaryItem(item, row.state, row.months, (as_of - row.as_of).days))
    return found


@contextmanager
def workers(processes: int) -> Iterator[Executor | None]:
    """Processes that calculate pages; None for one: then the reading process does it itself.

    Fresh ones: a fork would share this one's connections and locks.
    """
    if processes == 1:
        yield None
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=django.setup) as pool:
        yield pool


def scores(
    pages: Iterable[list[UUID]],
    terms: ProductTerms,
    scorecard: Scorecard,
    as_of: date,
    *,
    pool: Executor | None = None,
    ahead: int = 4,
) -> Iterator[tuple[list[UUID], list[Scored]]]:
    """The score of everybody, page by page in order; memory holds `ahead` pages, however many there are.

    This process reads, those of the pool calculate: they never see the database.
    """
    waiting: deque[tuple[list[UUID], Future[list[Scored]]]] = deque()
    for page in pages:
        whole = page_read(page, terms, scorecard, as_of)
        # With DEBUG on, Django keeps the text of thousands of queries: memory would grow with the customers.
        reset_queries()
        if pool is None:
            yield page, page_score(whole)
            continue
        waiting.append((page, pool.submit(page_score, whole)))
        if len(waiting) >= ahead:
            done, future = waiting.popleft()
            yield done, future.result()
    for done, future in waiting:
        yield done, future.result()
