"""Pages of people read whole for scoring: a handful of queries a page, whatever its size."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import reset_queries
from django.db.models import Max, Min, Q

from accounts.models import Consent, Customer
from risk.feeds.summaries import summaries_build
from risk.models import AssetMonth, AuxiliaryReading, BureauReport, LoginEvent, ProductTerms, Scorecard
from risk.rules.batch import RECENT_DAYS, Page, Person, page_score
from risk.rules.facts import AuxiliaryItem
from risk.rules.scorecard import Scored, names_used
from risk.selectors.variables import months_stored
from risk.variables.frame import reach_start

# What so many people's variables are calculated from fits into the processor's caches; a larger page costs more a head.
PAGE = 100
TENURE = "device_tenure_days"


def customer_pages(size: int = PAGE) -> Iterator[list[UUID]]:
    """Keys of everybody who is not erased, in order."""
    people = Customer.objects.filter(erased_at__isnull=True).order_by("pk")
    last: UUID | None = None
    while page := list((people.filter(pk__gt=last) if last else people).values_list("pk", flat=True)[:size]):
        yield page
        last = page[-1]


def page_read(customers: Sequence[UUID], terms: ProductTerms, scorecard: Scorecard, as_of: date) -> Page:
    """Everything the scorecard needs of these people; months the feeds marked are built first.

    They are neighbours in the order of keys: some questions read all from the first key to the last, because
    hundreds of keys take longer to write down than to find.
    """
    summaries_build(customers)
    start = reach_start(as_of)
    span = Q(customer__gte=min(customers), customer__lte=max(customers))
    consents = _consents(span)
    tenures = _tenures(span, as_of) if TENURE in names_used(scorecard.definition) else {}
    old = (span, start, as_of)
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


def _consents(span: Q) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = {}
    live = Consent.objects.filter(span, withdrawn_at__isnull=True)
    for key, code in live.values_list("customer_id", "code"):
        found.setdefault(key, set()).add(code)
    return found


class _Login(NamedTuple):
    at: Any
    number: int
    first: date


def _tenures(span: Q, as_of: date) -> dict[UUID, int]:
    """Days since the device of the newest login of the last 90 days was first seen."""
    rows = LoginEvent.objects.filter(span, date__lte=as_of).order_by()
    devices = rows.values("customer_id", "device").annotate(at=Max("at"), number=Max("id"), first=Min("date"))
    fresh = devices.annotate(last=Max("date")).filter(last__gt=as_of - timedelta(days=RECENT_DAYS))
    newest: dict[UUID, _Login] = {}
    for row in fresh:
        login = _Login(row["at"], row["number"], row["first"])
        newest[row["customer_id"]] = max(login, newest.get(row["customer_id"], login))
    return {key: (as_of - login.first).days for key, login in newest.items()}


def _newest_before(model: Any, column: str, span: Q, start: date, as_of: date) -> list[Any]:
    """The newest row of each, of those alone whose newest row is older than the months' reach, oldest id first."""
    known = model.objects.filter(span, **{f"{column}__lte": as_of})
    ages = known.order_by().values("customer_id").annotate(day=Max(column))
    old = {row["customer_id"]: row["day"] for row in ages if row["day"] < start}
    if not old:
        return []
    rows = model.objects.filter(customer__in=list(old), **{f"{column}__in": set(old.values())}).order_by("id")
    return [row for row in rows if getattr(row, column) == old[row.customer_id]]


def _assets(span: Q, start: date, as_of: date) -> dict[UUID, tuple[Decimal, Decimal]]:
    return {
        row.customer_id: (
            row.current_fund_mean_amount + row.wealth_products_amount + row.deposits_amount,
            row.ecny_wallet_amount,
        )
        for row in _newest_before(AssetMonth, "month", span, start, as_of)
    }


def _bureau(span: Q, start: date, as_of: date) -> dict[UUID, tuple[int, int, Decimal]]:
    rows = _newest_before(BureauReport, "as_of", span, start, as_of)
    return {row.customer_id: (row.worst_dpd_24m, row.inquiries_6m, row.debts_amount) for row in rows}


def _auxiliary(span: Q, start: date, as_of: date) -> dict[UUID, list[AuxiliaryItem]]:
    """Readings older than the reach; a newer one of the same item takes their place."""
    rows = AuxiliaryReading.objects.filter(span, as_of__lt=start).order_by("as_of", "id")
    newest = {(row.customer_id, row.item): row for row in rows}
    found: dict[UUID, list[AuxiliaryItem]] = {}
    for (key, item), row in newest.items():
        found.setdefault(key, []).append(AuxiliaryItem(item, row.state, row.months, (as_of - row.as_of).days))
    return found


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

    The processes of the pool read for themselves: what this one has not committed they do not see.
    """
    waiting: deque[tuple[list[UUID], Future[list[Scored]]]] = deque()
    for page in pages:
        if pool is None:
            yield page, _page_scored(page, terms, scorecard, as_of)
            continue
        waiting.append((page, pool.submit(_page_scored, page, terms, scorecard, as_of)))
        if len(waiting) >= ahead:
            done, future = waiting.popleft()
            yield done, future.result()
    for done, future in waiting:
        yield done, future.result()


def _page_scored(page: list[UUID], terms: ProductTerms, scorecard: Scorecard, as_of: date) -> list[Scored]:
    scored = page_score(page_read(page, terms, scorecard, as_of))
    # With DEBUG on, Django keeps the text of thousands of queries: memory would grow with the customers.
    reset_queries()
    return scored
