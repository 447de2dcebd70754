"""Every variable and the scorecard for synthetic customers with 14 stored months each, beside plain SQL that reads the
same rows. In a database of its own, because other processes read it: two at most, as `score_batch` does.

Warming up comes before the clock: a process takes seconds to start, once.
"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import numpy as np
from django.db import connection, reset_queries

from accounts.models import Consent, Customer
from risk.models import BehaviourMonth, LoginEvent
from risk.selectors.policy import product_get, scorecard_current, terms_current
from risk.selectors.scoring import PAGE, scores
from risk.services.presets import presets_load
from risk.variables.catalogue import catalogue
from risk.variables.frame import MONTHS, month_start
from risk.variables.measures import CODES, INDEX, LAYOUT_VERSION, PRESENCE
from risk.variables.packing import month_pack
from weilidai.bench.measure import Result, Sizes, children_peak_mb, peak_memory_mb, timed
from weilidai.bench.processor import processor_used
from weilidai.bench.server import scratch_database
from weilidai.lib.processes import workers

AS_OF = date(2026, 11, 20)
PRODUCT = "weilidai"
PREFERRED: Sizes = (1_000, 10_000)
BASELINE = "plain SQL that reads the same months"
# The feeds' sample has 150 records a month on average.
RECORDS, LIVES, LOGINS, WRITTEN_AT_ONCE = 150, 40, 3, 500
PROCESSES = min(2, os.cpu_count() or 1)


def variables(sizes: Sizes) -> list[Result]:
    """Customers a second at each size."""
    results = []
    for size in sizes or PREFERRED:
        with scratch_database():
            results.append(_variables(size))
    return results


def _variables(size: int) -> Result:
    presets_load(as_of=AS_OF)
    terms, scorecard = terms_current(product_get(PRODUCT), AS_OF), scorecard_current(AS_OF)
    keys = _people_create(size)
    with workers(PROCESSES) as pool:
        # Several times, so that every process has started and has its catalogue.
        for _ in range(3):
            list(scores([keys[:PAGE]] * 4 * PROCESSES, terms, scorecard, AS_OF, pool=pool))
        before = children_peak_mb()
        with timed() as watch, processor_used(os.getpid()) as used:
            done = sum(len(page) for page, _ in scores(_pages(keys), terms, scorecard, AS_OF, pool=pool))
        peak = children_peak_mb()
    with timed() as plain:
        _plain_read(keys)
    figures = {
        "variables": float(len(catalogue())),
        "processes": float(PROCESSES),
        "cpu ms a customer": 1000 * (used.server + used.client + used.database) / size,
        "of which database": 1000 * used.database / size,
        "peak MB a process": round(peak),
        "of which scoring added": round(peak - before),
        "peak MB of the first": round(peak_memory_mb()),
    }
    return Result("variables", done / watch.seconds, BASELINE, size / plain.seconds, size, figures)


def _pages(keys: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(keys), PAGE):
        yield keys[start : start + PAGE]


def _people_create(size: int) -> list[UUID]:
    """Customers with consents, logins and months; lives are made at random once and dealt out in turn."""
    dice = np.random.default_rng(1)
    lives = [[_month(dice) for _ in range(MONTHS + 1)] for _ in range(LIVES)]
    agreed = datetime(2026, 1, 1, tzinfo=UTC)
    keys: list[UUID] = []
    for start in range(0, size, WRITTEN_AT_ONCE):
        numbers = range(start, min(start + WRITTEN_AT_ONCE, size))
        people = Customer.objects.bulk_create(Customer(openid=f"bench-{number}") for number in numbers)
        Consent.objects.bulk_create(
            Consent(customer=person, code=code, granted_at=agreed)
            for person in people
            for code in ("ecny_wallet", "credit_report", "third_party_data")
        )
        LoginEvent.objects.bulk_create(
            LoginEvent(row_id=f"{person.openid}-{n}", customer=person, at=datetime(2026, 11, 1 + n, tzinfo=UTC),
                       date=date(2026, 11, 1 + n), device=f"d{n % 2}", ip="192.0.2.1")
            for person in people for n in range(LOGINS)
        )  # fmt: skip
        BehaviourMonth.objects.bulk_create(
            BehaviourMonth(customer=person, month=month_start(AS_OF, back), layout_version=LAYOUT_VERSION,
                           is_stale=False, packed=packed)
            for number, person in zip(numbers, people, strict=True)
            for back, packed in enumerate(lives[number % LIVES])
        )  # fmt: skip
        keys += [person.pk for person in people]
        reset_queries()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE risk_behaviourmonth, risk_loginevent, accounts_customer, accounts_consent")
    return sorted(keys)


def _month(dice: np.random.Generator) -> bytes:
    cells = zip(
        dice.integers(0, 28, RECORDS), dice.integers(0, len(CODES), RECORDS), dice.integers(1, 10**6, RECORDS),
        strict=True,
    )  # fmt: skip
    values = {(int(day), int(measure)): int(value) for day, measure, value in cells}
    return month_pack(values | {(0, INDEX[code]): 1 for code in PRESENCE})


def _plain_read(keys: list[UUID]) -> None:
    for page in _pages(keys):
        rows = BehaviourMonth.objects.filter(customer__in=page, month__lte=AS_OF).order_by()
        for _ in rows.values_list("customer_id", "month", "packed").iterator():
            pass
