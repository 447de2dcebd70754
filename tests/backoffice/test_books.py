"""Finance's pages: the trial balance on the page and as a file, the closing of a month."""

from datetime import date

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import StaffUser
from accounts.roles import roles_sync
from loans.models import AccountingPeriod
from tests.loans.builders import Borrower
from tests.loans.life import active_loan, close_through

PAGE = "/admin/loans/accountingperiod/trial-balance/"


def client_of(role: str) -> Client:
    roles_sync()
    user = StaffUser.objects.create_user(role, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def lived(alice: Borrower) -> Borrower:
    active_loan(alice, days=30)
    close_through(date(2026, 10, 1))
    return alice


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_page_shows_accounts_and_totals(lived: Borrower, language: str):
    client = client_of("finance")
    client.cookies["django_language"] = language
    body = client.get(PAGE, {"first": "2026-09-01", "last": "2026-09-30"}).content.decode()
    assert "1006.40" in body
    assert ("Loans receivable" if language == "en" else "贷款") in body


def test_the_file_holds_what_the_page_shows(lived: Borrower):
    answer = client_of("finance").get(PAGE, {"first": "2026-09-01", "last": "2026-09-30", "format": "csv"})
    rows = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert [row.split(",")[2:] for row in rows if row.startswith("1303")] == [["0.00", "1000.00", "0.00", "1000.00"]]
    book = client_of("auditor").get(PAGE, {"first": "2026-09-01", "last": "2026-09-30", "format": "xlsx"})
    assert b"".join(book.streaming_content)[:2] == b"PK"


@pytest.mark.parametrize(
    "query",
    [{"first": "x", "last": "y"}, {"first": "2026-09-30", "last": "2026-09-01"}, {"first": "2026-09-01"},
     {"first": "x", "last": "y", "format": "csv"}, {"first": "2026-09-01", "last": "2026-09-30", "product": "none"}],
)  # fmt: skip
def test_a_span_that_makes_no_sense_is_told_on_the_page(lived: Borrower, query: dict[str, str]):
    answer = client_of("finance").get(PAGE, query)
    assert answer.status_code == 200
    assert answer.context["form"].errors


def test_a_credit_officer_does_not_see_it(lived: Borrower):
    assert client_of("credit_officer").get(PAGE).status_code == 403


def test_finance_closes_a_month_and_an_auditor_cannot(lived: Borrower):
    url = reverse("admin:loans_accountingperiod_close_month")
    body = {"month": "2026-09", "reason": "month end", "_form_submitted": "on"}
    assert client_of("auditor").post(url, body).status_code == 403
    assert not AccountingPeriod.objects.exists()
    client_of("finance").post(url, body)
    assert AccountingPeriod.objects.get().closed_by.username == "finance"
