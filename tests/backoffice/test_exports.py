"""Files of lists: told from values as the list shows its rows, in safe cells, let go of with the reader."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import Customer, Notification, StaffUser
from loans.models import DelinquencyFact, JournalEntry, Loan, Payout, Repayment
from risk.models import Product
from tests.loans.builders import Borrower
from tests.loans.life import active_loan, close_through, day, repay
from weilidai.lib.backoffice import ReadOnlyAdmin, exports, told, xlsx
from weilidai.lib.backoffice.exports import csv_response, export_rows, rows_read, safe_pages, xlsx_response
from weilidai.lib.backoffice.told import columns_told, kinds_told
from weilidai.lib.models import AuditEvent, JobRun, StateChange

LARGE = (Loan, JournalEntry, Repayment, Payout, Notification, DelinquencyFact, StateChange, AuditEvent)


@pytest.fixture
def lived(alice: Borrower) -> Borrower:
    """A repaid loan and an overdue one of somebody whose name is not known, and the accruals of nobody."""
    repay(alice, active_loan(alice, days=30), "300.00", day(1))
    active_loan(alice, days=2)
    close_through(day(4))
    Customer.objects.update(name="")
    return alice


def columns_of(page: Any) -> list[str]:
    return page.export_columns or list(page.list_display)


def rows_of(page: Any) -> Any:
    request = RequestFactory().get("/")
    request.user = StaffUser(username="chief", is_superuser=True, is_active=True)
    return page.get_queryset(request)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_file_told_from_values_says_what_the_rows_say(lived: Borrower, language: str) -> None:
    seen = set()
    for model, page in admin.site._registry.items():
        if not isinstance(page, ReadOnlyAdmin) or columns_told(page, columns_of(page), "default") is None:
            continue
        rows = rows_of(page).order_by("pk")
        with translation.override(language):
            found = [list(row) for row in export_rows(page, rows, columns_of(page))]
            assert found == list(rows_read(page, rows, columns_of(page))), model
        if found:
            seen.add(model)
    assert seen >= set(LARGE)


def test_a_known_name_is_masked_in_a_file_too(alice: Borrower) -> None:
    active_loan(alice, days=30)
    page = admin.site._registry[Loan]
    name = Customer.objects.get().masked_name
    assert "*" in name
    assert [row[1] for row in export_rows(page, rows_of(page), columns_of(page))] == [name]


def test_an_entry_tells_its_debits_and_of_nobody_nothing(lived: Borrower) -> None:
    page = admin.site._registry[JournalEntry]
    accruals = rows_of(page).filter(kind="accrual", customer=None)
    rows = list(export_rows(page, accruals, ["debits", "customer", "loan", "posted_at"]))
    sums = [sum(row.amount for row in entry.postings.all() if row.side == "debit") for entry in accruals]
    assert rows
    assert [row[:3] for row in rows] == [(str(amount), "", "") for amount in sums]


def test_a_file_takes_as_many_statements_for_many_rows_as_for_one(lived: Borrower) -> None:
    page = admin.site._registry[JournalEntry]
    counts = []
    for rows in (rows_of(page).filter(kind="disbursement")[:1], rows_of(page)):
        with CaptureQueriesContext(connection) as asked:
            list(export_rows(page, rows, columns_of(page)))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_related_rows_are_looked_up_again_once_too_many_are_remembered(
    lived: Borrower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told, "PAGE", 1)
    monkeypatch.setattr(told, "REMEMBERED_MAX", 1)
    page = admin.site._registry[JournalEntry]
    with CaptureQueriesContext(connection) as asked:
        shown = [row[0] for row in export_rows(page, rows_of(page), ["product"])]
    assert len(shown) > 2
    assert set(shown) == {str(Product.objects.get(pk="weilidai"))}
    assert len([one for one in asked if "risk_product" in one["sql"]]) == len(shown)


def test_a_method_that_nothing_stands_for_is_read_from_the_row(lived: Borrower) -> None:
    page = admin.site._registry[Loan]
    assert columns_told(page, ["reference", "papers"], "default") is None
    assert columns_told(page, ["no_such"], "default") is None
    assert columns_told(page, ["instalments"], "default") is None
    rows = list(export_rows(page, rows_of(page), ["reference", "customer_id", "settled_date", "get_plan_display"]))
    assert {row[1] for row in rows} == {str(lived.customer.pk)}
    assert {row[2] for row in rows} == {""}


FORMULAS = [
    ("=1+1", "'=1+1"), ("+86", "'+86"), ("@x", "'@x"), ("\tx", "'\tx"), ("\rx", "'\rx"), ("-x", "'-x"),
    ("-1.50", "-1.50"), ("\x01=x", "'=x"), ("a\n=b", "a\n=b"), ("1=1", "1=1"), ("", ""),
]  # fmt: skip


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("text", "safe"), FORMULAS)
def test_a_formula_is_text_wherever_it_stands(place: int, text: str, safe: str) -> None:
    row = ["a", "b", "c"]
    row[place] = text
    page = [["x", "y", "z"], row, ["x", "y", "z"]]
    row = list(row)
    assert [list(found) for found in next(safe_pages(iter(page)))] == [
        page[0], [*row[:place], safe, *row[place + 1 :]], page[2]
    ]  # fmt: skip


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_every_row_is_in_the_file_once(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    rows = [[str(number), 'a,"b"'] for number in range(count)]
    text = body(csv_response("x", ["number", "text"], iter(rows))).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [["number", "text"], *rows]
    book = openpyxl.load_workbook(io.BytesIO(body(xlsx_response("x", ["number", "text"], iter(rows)))))
    assert [list(row) for row in book.active.values] == [["number", "text"], *rows]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 9, 16, 15, 59, 59, 999999, tzinfo=UTC), "2026-09-16 23:59:59"),
        (datetime(2026, 9, 16, 16, 0, tzinfo=UTC), "2026-09-17 00:00:00"),
        (date(2026, 9, 16), "2026-09-16"),
    ],
)
def test_a_time_is_told_by_the_clock_of_the_pages(moment: date, text: str) -> None:
    assert told.cell(moment) == text


def test_times_of_a_list_are_told_by_the_clock_of_the_pages(lived: Borrower) -> None:
    page: Any = admin.site._registry[Payout]
    place = columns_of(page).index("requested_at")
    rows = {row[place] for row in export_rows(page, rows_of(page), columns_of(page))}
    assert rows == {told.cell(moment) for moment in Payout.objects.values_list("requested_at", flat=True)}
    assert all("+" not in row for row in rows)


CELLS = [
    ("1234.50", "money", 1234.5), ("-0.01", "money", -0.01), ("", "money", None), ("–", "money", "–"),
    ("9999999999999.99", "money", 9999999999999.99), ("99999999999999.99", "money", "99999999999999.99"),
    ("0.000450", "rate", 0.00045), ("7", "count", 7), ("7 · 1-30", "count", "7 · 1-30"), ("007", "text", "007"),
    ("1E+3", "money", "1E+3"), ("<&>", "money", "<&>"),
]  # fmt: skip


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize(("text", "kind", "value"), CELLS)
def test_a_number_is_one_to_the_spreadsheet_where_it_keeps_every_digit(
    text: str, kind: str, value: Any, *, beside: bool
) -> None:
    rows = [["x", text, "<y>"], *([["x", "2.00", "100%"]] if beside else [])]
    answer = xlsx_response("x", ["a", "b", "c"], iter(rows), ["text", kind, "text"])
    sheet = openpyxl.load_workbook(io.BytesIO(body(answer))).active
    found = list(sheet.values)
    assert found[:2] == [("a", "b", "c"), ("x", value, "<y>")]
    assert found[2:] == ([("x", "2.00" if kind == "text" else 2, "100%")] if beside else [])
    assert sheet["B2"].number_format == ("#,##0.00" if kind == "money" and isinstance(value, float) else "General")


def test_amounts_of_a_list_are_numbers_and_keys_are_text(db: None) -> None:
    page: Any = admin.site._registry[Loan]
    kinds = dict(zip(page.list_display, kinds_told(page, list(page.list_display)), strict=True))
    assert {name for name, kind in kinds.items() if kind == "money"} == {
        "principal_amount", "outstanding_principal_amount"
    }  # fmt: skip
    assert kinds["daily_rate"] == "rate"
    assert kinds["reference"] == kinds["start_date"] == "text"
    page = admin.site._registry[JobRun]
    assert kinds_told(page, ["attempts", "id", "state"]) == ["count", "text", "text"]


@pytest.mark.parametrize(("limit", "most"), [("ROWS_MAX", 2), ("SHEET_BYTES_MAX", 1)])
@pytest.mark.parametrize(("count", "sheets"), [(2, 1), (3, 2), (5, 3)])
def test_what_does_not_fit_into_a_sheet_stands_in_the_next(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int, count: int, sheets: int
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2 if limit == "SHEET_BYTES_MAX" else 3)
    monkeypatch.setattr(xlsx, limit, most)
    rows = [[str(number)] for number in range(count)]
    book = openpyxl.load_workbook(io.BytesIO(body(xlsx_response("x", ["number"], iter(rows)))))
    assert book.sheetnames == ["export", "export2", "export3"][:sheets]
    found = [[list(row) for row in sheet.values] for sheet in book]
    assert [sheet[0] for sheet in found] == [["number"]] * sheets
    assert [row for sheet in found for row in sheet[1:]] == rows


@pytest.mark.parametrize("response", [csv_response, xlsx_response])
def test_a_reader_who_goes_away_ends_the_reading(db: None, response: Any) -> None:
    seen: list[Any] = []

    def rows() -> Iterator[list[str]]:
        try:
            for number in range(10_000_000):
                yield [f"{number} {date(2026, 9, 1)} {hash(str(number))}" * 20]
        finally:
            seen.append(number)

    answer = response("x", ["a"], rows())
    pieces = iter(answer.streaming_content)
    next(pieces)
    next(pieces)
    assert seen == []
    del pieces
    answer.close()
    assert len(seen) == 1
    assert seen[0] < 100_000
