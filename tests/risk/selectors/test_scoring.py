"""Scores of many are the scores of each: same facts, same points, whatever the page and the number of processes."""

import csv
import io
import json
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Consent, Customer
from risk.feeds.load import ORDER, delivery_create, feed_load
from risk.models import AssetMonth, AuxiliaryReading, BehaviourMonth, BureauReport
from risk.rules.batch import facts_of, page_score
from risk.rules.scorecard import score_compute
from risk.rules.variables import variables_compute
from risk.selectors.facts import facts_gather
from risk.selectors.policy import scorecard_current, terms_current
from risk.selectors.scoring import customer_pages, page_read, scores
from risk.services.presets import presets_load
from risk.variables.frame import Frame
from tests.risk.feeds.builders import SAMPLE
from weilidai.lib.processes import workers

pytestmark = [pytest.mark.django_db, pytest.mark.req("R15", "R16")]
AS_OF = date(2026, 11, 20)
CODES = ("ecny_wallet", "credit_report", "third_party_data")


@pytest.fixture
def people() -> list[Customer]:
    """Thirty of the sample's customers with all they did, every combination of consents, and one with old reports."""
    presets_load(as_of=AS_OF)
    chosen: set[str] = set()
    for kind in ORDER:
        path = SAMPLE / f"{kind}.ndjson"
        if not chosen:
            chosen = _openids(path)
        lines = b"".join(line for line in path.open("rb") if any(f'"{openid}"'.encode() in line for openid in chosen))
        _load(kind, lines)
    customers = list(Customer.objects.order_by("pk"))
    for number, customer in enumerate(customers):
        for bit, code in enumerate(CODES):
            if number >> bit & 1:
                Consent.objects.create(customer=customer, code=code, granted_at=datetime(2026, 1, 1, tzinfo=UTC))
    _reports_of_old(customers[7])
    return customers


def _openids(path: Path) -> set[str]:
    found: set[str] = set()
    for line in path.open():
        try:
            found.add(json.loads(line)["openid"])
        except (ValueError, KeyError):
            continue
        if len(found) == 30:
            break
    return found


def _load(kind: str, lines: bytes) -> None:
    delivery = delivery_create(kind=kind, source="test", fingerprint=kind, as_of=AS_OF)
    feed_load(delivery, io.BytesIO(lines), summarise=False)


def _reports_of_old(customer: Customer) -> None:
    for model in (AssetMonth, BureauReport, AuxiliaryReading):
        model.objects.filter(customer=customer).delete()
    common: dict[str, Any] = {"customer": customer}
    AssetMonth.objects.create(row_id="old", month=date(2024, 3, 1), current_fund_mean_amount=1,
                              wealth_products_amount=2, deposits_amount=3, ecny_wallet_amount=4,
                              card_limit_amount=5, card_debt_amount=6, **common)  # fmt: skip
    BureauReport.objects.create(row_id="old", as_of=date(2024, 3, 2), open_accounts=1, debts_amount=7,
                                monthly_due_amount=8, worst_dpd_24m=9, inquiries_6m=10, on_deny_list=False,
                                **common)  # fmt: skip
    AuxiliaryReading.objects.create(row_id="old", item="education", months=0, state="verified", source="x",
                                    as_of=date(2024, 3, 3), **common)  # fmt: skip


@pytest.mark.parametrize("as_of", [AS_OF, date(2026, 6, 30), date(2027, 10, 1)])
def test_a_page_knows_of_each_what_an_application_would(people: list[Customer], as_of: date) -> None:
    terms, scorecard = terms_current("weilidai", as_of), scorecard_current(as_of)
    definition = scorecard.definition
    page = page_read([person.pk for person in people], terms, scorecard, as_of)
    gathered = facts_of(Frame(len(people), as_of, page.months), page.people)
    for person, facts, scored in zip(people, gathered, page_score(page), strict=True):
        alone = facts_gather(person, terms, as_of)
        expected = variables_compute(alone, definition["auxiliary"], terms.housing_fund_months)
        assert variables_compute(facts, definition["auxiliary"], terms.housing_fund_months) == expected, person.openid
        assert scored == score_compute(definition, expected)


def test_the_size_of_a_page_changes_nothing(people: list[Customer]) -> None:
    terms, scorecard = terms_current("weilidai", AS_OF), scorecard_current(AS_OF)
    whole = list(scores(customer_pages(), terms, scorecard, AS_OF))
    small = list(scores(customer_pages(7), terms, scorecard, AS_OF))
    assert [key for keys, _ in small for key in keys] == whole[0][0]
    assert [scored for _, page in small for scored in page] == whole[0][1]
    assert len(small) > 3
    assert len({scored.score for scored in whole[0][1]}) > 5


def test_who_stands_between_two_people_of_a_page_is_not_taken_for_them(people: list[Customer]) -> None:
    terms, scorecard = terms_current("weilidai", AS_OF), scorecard_current(AS_OF)
    keys = [person.pk for person in people]
    whole, apart = (page_read(page, terms, scorecard, AS_OF) for page in (keys, keys[7:20:12]))
    assert list(apart.people) == list(whole.people[7:20:12])
    assert page_score(apart) == page_score(whole)[7:20:12]


@pytest.mark.django_db(transaction=True)
def test_processes_that_read_for_themselves_change_nothing(people: list[Customer]) -> None:
    terms, scorecard = terms_current("weilidai", AS_OF), scorecard_current(AS_OF)
    with workers(2) as pool:
        shared = list(scores(customer_pages(7), terms, scorecard, AS_OF, pool=pool, ahead=2))
    # The months that the feeds marked were built by them too.
    assert not BehaviourMonth.objects.filter(is_stale=True).exists()
    assert shared == list(scores(customer_pages(7), terms, scorecard, AS_OF))


def test_a_variable_of_the_catalogue_counts_and_needs_its_consent(people: list[Customer]) -> None:
    terms, scorecard = terms_current("weilidai", AS_OF), scorecard_current(AS_OF)
    before = dict(_by_customer(terms, scorecard))
    wallet = {"code": "wallet", "variable": "ecny_balance_last", "above": "-1", "points": "1"}
    scorecard.definition["bonuses"].append(wallet)
    after = dict(_by_customer(terms, scorecard))
    for person in people:
        agreed = Consent.objects.filter(customer=person, code="ecny_wallet").exists()
        has_assets = AssetMonth.objects.filter(customer=person, month__gte=date(2025, 10, 1)).exists()
        assert after[person.pk] - before[person.pk] == (1 if agreed and has_assets else 0)
    assert any(after[key] > before[key] for key in before)


def _by_customer(terms: Any, scorecard: Any) -> Any:
    for keys, scored in scores(customer_pages(), terms, scorecard, AS_OF):
        yield from zip(keys, (answer.score for answer in scored), strict=True)


def test_the_command_writes_a_line_for_each(people: list[Customer], tmp_path: Path) -> None:
    out, path = StringIO(), tmp_path / "scores.csv"
    call_command("score_batch", "weilidai", "--as-of", "2026-11-20", "--output", path, "--processes", "1", stdout=out)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["customer"] for row in rows] == [str(person.pk) for person in people]
    assert list(rows[0]) == ["customer", "score", "consumption", "social", "capacity", "device_stability",
                             "external_credit"]  # fmt: skip
    assert out.getvalue().startswith(f"{len(people)} customers in ")
    assert sum(int(line.split()[-1]) for line in out.getvalue().splitlines()[1:]) == len(people)
