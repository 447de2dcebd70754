"""Lists over large tables: searched and sorted by indexes, exported as streams, the same statements for any length."""

import io
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Customer, StaffUser, VerificationAttempt
from loans.models import JournalEntry, Loan
from risk.models import CreditLine
from tests.loans.builders import Borrower
from tests.loans.life import active_loan
from weilidai.lib.backoffice import admin, lists, search, xlsx
from weilidai.lib.backoffice.search import rows_found, sorted_quickly

LIST = "/admin/loans/loan/"
LOANS = ("=id", "customer__openid")
ENTRIES = ("=reference", "=loan__id", "customer__openid")


@pytest.fixture
def chief(db: None) -> Client:
    client = Client()
    client.force_login(StaffUser.objects.create_superuser("chief", password="x"))
    return client


def test_rows_are_found_by_keys_whole_words_and_the_beginning_of_a_customers_name(alice: Borrower) -> None:
    loan, entries = active_loan(alice, days=30), JournalEntry.objects.all()
    entry = JournalEntry.objects.filter(loan=loan)[0]
    openid = Customer.objects.get().openid
    for term in (str(loan.pk), loan.pk.hex, openid, openid[:3]):
        assert list(rows_found(Loan.objects.all(), LOANS, term)) == [loan], term
    for term in (str(uuid4()), openid[1:], f"{openid}x", "%", "x" * 500):
        assert not rows_found(Loan.objects.all(), LOANS, term).exists(), term
    assert list(rows_found(entries, ENTRIES, entry.reference)) == [entry]
    assert entry in rows_found(entries, ENTRIES, str(loan.pk))
    assert not rows_found(entries, ENTRIES, entry.reference[:-1]).exists()
    assert not rows_found(CreditLine.objects.all(), ("=id",), "no key").exists()


@pytest.mark.parametrize(
    ("term", "count"), [("203.0.113.9", 1), ("203.0.113.8", 0), ("alice", 0), ("203.0.113.999", 0)]
)
def test_an_address_is_found_by_an_address_and_by_nothing_else(alice: Borrower, term: str, count: int) -> None:
    """PostgreSQL would refuse what is no address."""
    VerificationAttempt.objects.all().delete()
    VerificationAttempt.objects.create(
        customer=alice.customer, purpose="device", at=timezone.now(), ip="203.0.113.9",
        liveness_passed=True, voiceprint_passed=True, passed=True,
    )  # fmt: skip
    assert rows_found(VerificationAttempt.objects.all(), ("=ip",), term).count() == count


def test_a_search_compares_no_row_by_its_text_and_joins_nothing(alice: Borrower) -> None:
    for rows, fields in ((Loan.objects.all(), LOANS), (JournalEntry.objects.all(), ENTRIES)):
        sql = str(rows_found(rows, fields, str(uuid4())).query)
        assert "UPPER" not in sql
        assert "JOIN" not in sql


@pytest.mark.parametrize(("rows", "freely"), [(50_000, True), (50_001, False)])
def test_a_large_table_is_sorted_by_columns_with_an_index(
    monkeypatch: pytest.MonkeyPatch, rows: int, freely: bool
) -> None:
    monkeypatch.setattr(search, "_estimated_rows", lambda _table: rows)
    assert sorted_quickly(Loan, "-pk")
    assert sorted_quickly(JournalEntry, "effective_date")
    assert sorted_quickly(JournalEntry, "reference")
    # A partial index and one of a related row serve no sorting of all rows, nor one of which half may be equal.
    for column in ("principal_amount", "rearranged_date", "product", "customer", "-state"):
        assert sorted_quickly(Loan, column) is freely, column


def test_an_address_cannot_ask_for_a_slow_order_either(
    alice: Borrower, chief: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = admin_list(chief).list_display.index("principal_amount")
    assert "principal_amount" in admin_list(chief, o=place).queryset.query.order_by
    monkeypatch.setattr(search, "_estimated_rows", lambda _table: 1_000_000)
    shown = admin_list(chief, o=place)
    assert shown.queryset.query.order_by == ("-pk",)
    assert "principal_amount" not in shown.sortable_by


def admin_list(client: Client, **query: Any) -> Any:
    return client.get(LIST, query).context["cl"]


@pytest.mark.parametrize(("few", "by_key"), [(3, True), (2, False)])
def test_a_filter_looks_through_a_large_table_once(
    alice: Borrower, chief: Client, monkeypatch: pytest.MonkeyPatch, few: int, by_key: bool
) -> None:
    """Few rows are then asked for by their keys, more along the list by the filter."""
    loans = [active_loan(alice, "100.00", days=30).pk for _ in range(3)]
    monkeypatch.setattr(search, "_estimated_rows", lambda _table: 1_000_000)
    monkeypatch.setattr(lists, "FEW", few)
    with CaptureQueriesContext(connection) as asked:
        shown = admin_list(chief, plan__exact="single", o=7)
    looked = [one["sql"] for one in asked if '"plan" = ' in one["sql"]]
    assert [row.pk for row in shown.result_list] == sorted(loans, reverse=True)
    assert shown.result_count == 3
    assert ["ORDER BY" in sql for sql in looked] == [False, True]
    assert [" IN (" in sql for sql in looked] == [False, by_key]


def test_a_filter_that_finds_nothing_shows_nothing(
    alice: Borrower, chief: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    active_loan(alice, "100.00", days=30)
    monkeypatch.setattr(search, "_estimated_rows", lambda _table: 1_000_000)
    assert list(admin_list(chief, plan__exact="instalments").result_list) == []
    assert admin_list(chief, q="nobody").result_count == 0
    assert admin_list(chief).result_count == 1


def test_three_loans_take_as_many_statements_as_one(alice: Borrower, chief: Client) -> None:
    active_loan(alice, "100.00", days=30)
    chief.get(LIST)
    with CaptureQueriesContext(connection) as one:
        chief.get(LIST)
    for _ in range(2):
        active_loan(alice, "100.00", days=30)
    with CaptureQueriesContext(connection) as three:
        chief.get(LIST)
    assert len(three) == len(one)


@pytest.mark.parametrize(("most", "fits"), [(2, True), (1, False)])
def test_a_workbook_holds_the_list_or_the_reader_is_told_why_not(
    alice: Borrower, chief: Client, monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    monkeypatch.setattr(admin, "ROWS_MAX", most)
    monkeypatch.setattr(admin, "SHEETS_MAX", 1)
    for _ in range(2):
        active_loan(alice, "100.00", days=30)
    answer: Any = chief.get(f"{LIST}export-xlsx/?state__exact=active", follow=True)
    if not fits:
        assert answer.redirect_chain == [(f"{LIST}?state__exact=active", 302)]
        told = str(next(iter(answer.context["messages"])))
        assert "CSV" in told
        assert "export_too_long" in told
        return
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    rows = [[cell.value for cell in row] for row in sheet.rows]
    assert len(rows) == 3
    assert 100 in rows[1]
    assert not [cell for cell in rows[1] if "<" in str(cell)]


def test_a_workbook_is_handed_on_while_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "PIECE", 1)
    asked: list[int] = []

    def pages() -> Any:
        for number in range(20_000):
            asked.append(number)
            yield [[str(number), "a<b>&\"c'\x01", "x" * 40_000 if number == 7 else " 空 "]]

    pieces = xlsx.xlsx_pieces(["number", "signs", "long"], pages())
    whole = next(pieces)
    assert whole.startswith(b"PK")
    assert asked == []
    whole += next(pieces)
    assert len(asked) < 20_000
    whole += b"".join(pieces)
    sheet: Any = openpyxl.load_workbook(io.BytesIO(whole), read_only=True).active
    read = list(sheet.iter_rows(values_only=True))
    assert (len(read), read[1], len(read[8][2])) == (20_001, ("0", "a<b>&\"c'", " 空 "), 32_767)
