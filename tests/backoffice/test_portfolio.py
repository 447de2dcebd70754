"""R53: the portfolio's page as of a date: figures, files, who sees it, what it says where there is nothing."""

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars
import pytest
from django.test import Client
from django.urls import reverse

from loans.selectors.portfolio_tables import VIEWS
from loans.services.portfolio import portfolio_write
from tests.backoffice.test_pages import staff
from tests.loans.builders import NOW, Borrower
from tests.loans.tapes import DAY, told
from weilidai.lib.models import AuditEvent, BusinessDay

pytestmark = [pytest.mark.django_db, pytest.mark.req("R53")]
PAGE = "/admin/loans/portfoliofigure/portfolio/"


@pytest.fixture
def lived(alice: Borrower) -> Borrower:
    """Two month ends: a loan in time, one that went from 61 to 92 days past due."""
    before = date(2026, 9, 30)
    told(alice, before, owed="300.00")
    told(alice, before, owed="100.00", late=92)
    BusinessDay.objects.all().delete()
    for day in (before, DAY - timedelta(days=1), DAY):
        portfolio_write(day)
        BusinessDay.objects.create(date=day, state=BusinessDay.State.CLOSED, opened_at=NOW)
    BusinessDay.objects.create(date=DAY + timedelta(days=1), state=BusinessDay.State.OPEN, opened_at=NOW)
    return alice


def rows_of(client: Client, **asked: Any) -> list[dict[str, str]]:
    answer = client.get(PAGE, {**asked, "format": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.dealt
@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("view", [*VIEWS, "nonsense"])
def test_every_view_opens_in_both_languages(lived: Borrower, view: str, language: str):
    client = staff("risk_analyst")
    client.cookies["django_language"] = language
    body = client.get(PAGE, {"view": view, "as_of": DAY.isoformat()}).content.decode()
    assert ("不良率" in body) is (language == "zh-hans")
    assert body.count("<canvas") >= 1
    assert 'aria-current="page"' in body


def test_the_evening_asked_for_is_told_and_the_limit_is_marked(lived: Borrower):
    client = staff("auditor")
    now = client.get(PAGE, {"as_of": DAY.isoformat()}).context
    assert (now["npl_percent"], now["is_past"], now["limit_percent"]) == ("25.00", True, "1.2")
    before = client.get(PAGE, {"as_of": (DAY - timedelta(days=2)).isoformat()})
    assert b"<canvas" in client.get(PAGE, {"as_of": (DAY - timedelta(days=1)).isoformat()}).content
    assert "rows" not in before.context
    chart = json.loads(now["charts"][0]["data"])
    assert chart["datasets"][0]["data"] == [0.0, 25.0, 25.0]
    assert chart["datasets"][-1]["data"] == [1.2, 1.2, 1.2]


def test_the_classes_and_the_matrix_are_files(lived: Borrower):
    client = staff("finance")
    classes = {row["band"]: row for row in rows_of(client, view="classes", as_of=DAY.isoformat())}
    assert (classes["substandard"]["loans_count"], classes["substandard"]["share"]) == ("1", "0.250000")
    rolls = rows_of(client, view="roll", as_of=DAY.isoformat(), months="1")
    assert [(row["source"], row["target"], row["amount_share"]) for row in rolls] == [
        ("0", "0", "1.000000"),
        ("61-90", "91-180", "1.000000"),
    ]
    answer = client.get(PAGE, {"view": "classes", "as_of": DAY.isoformat(), "format": "parquet"})
    frame = polars.read_parquet(io.BytesIO(b"".join(answer.streaming_content)))
    assert frame.schema["outstanding_principal_amount"] == polars.Decimal(18, 2)
    assert frame.filter(polars.col("band") == "normal")["outstanding_principal_amount"][0] == Decimal("300.00")
    taken = AuditEvent.objects.filter(action="portfolio.export").order_by("at")
    assert [event.after["format"] for event in taken if event.after] == ["csv", "csv", "parquet"]


@pytest.mark.parametrize(
    "asked",
    [{"as_of": "nonsense"}, {"as_of": "2099-01-01"}, {"as_of": ""}, {"product": "none"}, {"days": "-1"},
     {"view": "pricing", "by": "name"}, {"view": "vintage", "kind": "'", "months": "x"}],
)  # fmt: skip
def test_what_makes_no_sense_is_told_on_the_page(lived: Borrower, asked: dict[str, str]):
    answer = staff("supervisor").get(PAGE, asked)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    told_as_file = staff_again(answer, asked)
    assert told_as_file.status_code == 200
    assert not AuditEvent.objects.filter(action="portfolio.export").exists()


def staff_again(answer: Any, asked: dict[str, str]) -> Any:
    return answer.client.get(PAGE, {**asked, "format": "csv"})


@pytest.mark.parametrize("view", VIEWS)
def test_it_opens_before_the_first_night(alice: Borrower, view: str):
    answer = staff("auditor").get(PAGE, {"view": view})
    assert answer.status_code == 200
    assert "rows" not in answer.context


@pytest.mark.parametrize("role", ["collector", "credit_officer", "administrator"])
def test_it_is_for_those_who_answer_for_the_book(lived: Borrower, role: str):
    assert staff(role).get(PAGE).status_code == 403


def test_the_home_page_has_the_ratio_its_limit_and_the_way_to_the_page(lived: Borrower):
    page = staff("supervisor").get(reverse("admin:index"))
    [card] = [card for card in page.context["cards"] if card.get("url") == PAGE]
    assert (card["value"], card["is_bad"]) == ("25.00 %", True)
    assert page.content.decode().count(PAGE) >= 2
