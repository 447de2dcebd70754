"""R53: the figures of the portfolio on the command line, of the book and of the card clients."""

import csv
import gzip
import json
from collections import Counter
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import polars
import pytest
from django.core.management import CommandError, call_command

from loans.services.portfolio import portfolio_write
from risk.services.workbench import LABELLED_PATH
from tests.loans.builders import NOW, Borrower
from tests.loans.tapes import DAY, told
from weilidai.lib.models import BusinessDay

pytestmark = [pytest.mark.django_db, pytest.mark.req("R53")]


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("portfolio", *arguments, stdout=out)
    return out.getvalue()


def figures(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said(*arguments, "--json"))
    return found


@pytest.fixture
def lived(alice: Borrower) -> Borrower:
    told(alice, date(2026, 9, 30), late=92)
    for day in (date(2026, 9, 30), DAY):
        portfolio_write(day)
    BusinessDay.objects.all().delete()
    BusinessDay.objects.create(date=DAY, state=BusinessDay.State.CLOSED, opened_at=NOW)
    return alice


def test_each_view_of_the_book(lived: Borrower):
    classes = {row["band"]: row["loans_count"] for row in figures("--view", "classes", "--as-of", "2026-10-31")}
    assert (classes["substandard"], classes["normal"]) == (1, 0)
    assert figures("--view", "npl", "--days", "1")[-1]["npl_ratio"] == "1.000000"
    assert [(row["source"], row["target"]) for row in figures("--view", "roll", "--months", "1")] == [
        ("61-90", "91-180")
    ]
    assert figures("--view", "vintage", "--kind", "past_60", "--now")[-1]["amount"] == "100.00"
    assert figures("--view", "pricing", "--by", "tier")[0]["loans_count"] == 1
    assert "100.00 %" in said("--view", "npl")


def test_the_history_of_a_loan(lived: Borrower):
    loan = told(lived, DAY, late=5)
    [row] = figures("--view", "history", "--loan", str(loan))
    assert (row["days_first"], row["days_last"], row["last"]) == (5, 5, "2026-10-31")


def test_files(lived: Borrower, tmp_path: Path):
    assert said("--csv", str(tmp_path / "a.csv")) == "14 rows written\n"
    rows = list(csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8-sig")))
    assert rows[2] == {
        "band": "substandard", "loans_count": "1", "outstanding_principal_amount": "100.00", "share": "1.000000",
    }  # fmt: skip
    said("--view", "npl", "--parquet", str(tmp_path / "a.parquet"))
    assert polars.read_parquet(tmp_path / "a.parquet")["business_date"].to_list()[-1] == DAY


@pytest.mark.parametrize(
    "arguments",
    [("--as-of", "2026-11-01"), ("--as-of", "2026-10-30"), ("--product", "none"), ("--months", "0"),
     ("--view", "history"), ("--csv", "/nowhere/a.csv"), ("--clients", "/nowhere/clients.csv"), ("--days", "367")],
)  # fmt: skip
def test_what_cannot_be_answered_is_said(lived: Borrower, arguments: tuple[str, ...]):
    with pytest.raises(CommandError):
        said(*arguments)


def test_before_the_first_night_there_is_nothing(alice: Borrower):
    with pytest.raises(CommandError, match="closed"):
        said()


def test_the_card_clients_of_one_month_as_a_plain_count_has_them(tmp_path: Path):
    """The first 400 clients of the labelled file (see risk/presets/labelled/README.md for source and licence)."""
    with gzip.open(LABELLED_PATH, "rt", encoding="utf-8") as lines:
        text = "".join(line for line, _ in zip(lines, range(401), strict=False))
    sample = tmp_path / "clients.csv"
    sample.write_text(text, encoding="utf-8")
    count = Counter((row["status_08"], row["status_09"]) for row in csv.DictReader(StringIO(text)))
    found = figures("--view", "roll", "--clients", str(sample), "--month", "08")
    assert {(row["source"], row["target"]): row["loans_count"] for row in found} == count
    everything = figures("--view", "roll", "--clients", str(sample), "--grouped")
    assert sum(row["loans_count"] for row in everything) == 5 * 400
    assert "-2" in said("--clients", str(sample), "--by-count")


def test_an_evening_between_is_known_as_it_was(lived: Borrower):
    eve = DAY - timedelta(days=1)
    portfolio_write(eve)
    told(lived, DAY, owed="300.00")
    portfolio_write(DAY)
    assert sum(row["loans_count"] for row in figures("--as-of", eve.isoformat())[:5]) == 1
    assert sum(row["loans_count"] for row in figures()[:5]) == 2
