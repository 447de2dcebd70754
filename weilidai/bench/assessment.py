"""Deciding over HTTP: all variables, the scorecard and the twelve layers for customers with 13 months of history, four
clients at once, beside an endpoint of the same server that only reads the same rows.
"""

import copy
import tempfile
from datetime import date
from pathlib import Path
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from accounts.models import Customer, CustomerToken
from accounts.services.device import device_touch
from risk.feeds.load import ORDER, file_load
from risk.feeds.summaries import summaries_build
from risk.models import CreditApplication, Decision, InvitationBatch, Scorecard
from risk.rules.scorecard import scorecard_check
from risk.services.application import application_start
from risk.services.invitation import invitations_issue
from risk.services.presets import presets_load
from weilidai.bench.measure import Result, Sizes
from weilidai.bench.processor import processor_used
from weilidai.bench.server import scratch_database, served
from weilidai.bench.wire import Answer, Call, drive, percentile
from weilidai.demo.applicant import papers_give, sign_and_verify
from weilidai.demo.population import write_population
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date

CLIENTS, WARMING = 4, 24
PREFERRED: Sizes = (200,)
PRODUCT, SEED = "weilidai", 7
BASELINE = "reading the same rows"
# What the shipped card asks of its facts, asked of the catalogue: one name is enough to calculate all of them.
FROM_CATALOGUE = {
    "payment_amount_12m": "payment_amount_sum_12m",
    "payment_count_12m": "payment_count_sum_12m",
    "card_repayment_amount_12m": "card_repayment_amount_sum_12m",
}


def assessment(sizes: Sizes) -> list[Result]:
    """Decisions a second and their times at each number of customers."""
    return [_assessment(size) for size in sizes or PREFERRED]


def _assessment(size: int) -> Result:
    with scratch_database() as url:
        as_of = current_business_date()
        presets_load(as_of=as_of)
        _scorecard_over_catalogue()
        _population_load(WARMING + size, as_of)
        people = [_applicant(row, as_of) for row in Customer.objects.order_by("openid")[: WARMING + size]]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        with served(url) as server:
            port = server.port
            bare = [(row, _bare(row)) for row in people]
            asked = [(row, _assess(row)) for row in people]
            for calls in (bare, asked):
                drive(port, _shared([call for _, call in calls[:WARMING]]))
            with processor_used(server.process) as bare_used:
                read, reading_seconds = drive(port, _shared([call for _, call in bare[WARMING:]]))
            with processor_used(server.process) as used:
                told, deciding_seconds = drive(port, _shared([call for _, call in asked[WARMING:]]))
        _all_good(read)
        _all_good(told)
        decided = Decision.objects.count()
        if decided != len(people):
            raise AssertionError(f"{len(people)} applications, {decided} decisions")
    times, bare_times = [row.seconds for row in _flat(told)], [row.seconds for row in _flat(read)]
    figures = {
        "p50 ms": percentile(times, 0.5), "p95 ms": percentile(times, 0.95), "p99 ms": percentile(times, 0.99),
        "bare p50 ms": percentile(bare_times, 0.5), "bare p99 ms": percentile(bare_times, 0.99),
        **used.figures(size), **bare_used.figures(size, "bare "),
    }  # fmt: skip
    return Result("assessment", size / deciding_seconds, BASELINE, size / reading_seconds, size, figures)


def _scorecard_over_catalogue() -> None:
    """A version of the shipped card that takes its figures from the catalogue."""
    card = Scorecard.objects.get()
    definition = copy.deepcopy(card.definition)
    for dimension in definition["dimensions"]:
        for variable in dimension["variables"]:
            variable["name"] = FROM_CATALOGUE.get(variable["name"], variable["name"])
    scorecard_check(definition)
    Scorecard.objects.filter(pk=card.pk).update(definition=definition)


def _population_load(size: int, as_of: date) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_population(Path(folder), customers=size, through=as_of, seed=SEED)
        for kind in ORDER:
            file_load(kind=kind, path=Path(folder) / f"{kind}.ndjson", as_of=as_of, summarise=False)
    summaries_build()


Applicant = tuple[CreditApplication, str]


def _applicant(customer: Customer, as_of: date) -> Applicant:
    """An application ready to be decided, and the customer's token."""
    at, actor = timezone.now(), Actor.of(customer)
    device = device_touch(
        customer=customer, fingerprint=f"{customer.openid}-phone", user_agent="bench", ip="127.0.0.1", at=at
    )
    invitations_issue(
        openids=[customer.openid], product=PRODUCT, source=InvitationBatch.Source.STAFF, reason="bench",
        actor=Actor.system("bench"), as_of=as_of,
    )  # fmt: skip
    application = application_start(customer=customer, product=PRODUCT, actor=actor, as_of=as_of, at=at)
    customer = papers_give(customer, as_of, at)
    sign_and_verify(application, customer, device, as_of, at)
    return application, CustomerToken.objects.create(user=customer)[1]


def _assess(applicant: Applicant) -> Call:
    application, token = applicant
    headers = {
        "Authorization": f"Bearer {token}", "X-Device-Id": f"{application.customer.openid}-phone",
        "Idempotency-Key": str(uuid4()), "User-Agent": "bench", "Content-Type": "application/json",
    }  # fmt: skip
    return Call("POST", f"/api/v1/applications/{application.pk}/assessment", headers, b"{}")


def _bare(applicant: Applicant) -> Call:
    return Call("GET", f"/bare/stored/{applicant[0].customer_id}/")


def _shared(calls: list[Call]) -> list[list[Call]]:
    return [calls[number::CLIENTS] for number in range(CLIENTS)]


def _flat(answers: list[list[Answer]]) -> list[Answer]:
    return [row for own in answers for row in own]


def _all_good(answers: list[list[Answer]]) -> None:
    wrong = [row for row in _flat(answers) if row.status >= 300]
    if wrong:
        raise AssertionError(f"{len(wrong)} refused: {wrong[0].status} {wrong[0].body.decode()[:500]}")
