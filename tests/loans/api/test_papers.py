"""Statement and certificate as PDF: only one's own, the certificate only when settled."""

import re
from datetime import date

import pytest
from rest_framework.test import APIClient

from loans.models import Loan, LoanEvent
from loans.monthly_paper import monthly_statement_pdf
from loans.papers import settlement_certificate_pdf, statement_pdf
from loans.selectors.monthly import customer_month
from loans.services.correction import payout_return
from loans.services.history import Act
from tests.loans.builders import NOW, TODAY, Borrower, borrower
from tests.loans.life import active_loan, day, repay
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_set

SPAN = {"from": "2026-09-01", "to": "2026-12-31"}


def certificate(loan: Loan) -> str:
    return f"/api/v1/loans/{loan.pk}/settlement-certificate"


def statement(loan: Loan) -> str:
    return f"/api/v1/loans/{loan.pk}/statement"


def pages(content: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", content))


@pytest.mark.req("R43")
def test_a_certificate_is_given_only_for_a_settled_loan(alice: Borrower):
    loan = active_loan(alice)
    refused = alice.client().get(certificate(loan))
    assert (refused.status_code, refused.json()["code"]) == (409, "loan_not_settled")
    repay(alice, loan, "1004.00", day(10))
    answer = alice.client().get(certificate(loan))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF")
    assert pages(answer.content) == 1


def test_a_statement_covers_a_span_and_says_what_is_wrong_with_another(alice: Borrower):
    loan = active_loan(alice)
    repay(alice, loan, "100.00", TODAY)
    client = alice.client()
    assert client.get(statement(loan), SPAN).content.startswith(b"%PDF")
    for query in ({}, {"from": "x", "to": "y"}, {"from": "2026-10-02", "to": "2026-10-01"}, {"from": "2026-10-02"},
                  {"from": "2000-01-01", "to": "2026-10-01"}):  # fmt: skip
        refused = client.get(statement(loan), query)
        assert refused.status_code == 422 or refused.status_code == 400
        assert refused.json()["code"]


def test_a_loan_that_never_was_has_no_papers(alice: Borrower):
    loan = active_loan(alice)
    payout_return(loan_id=loan.pk, act=Act(Actor.system("test"), TODAY, NOW))
    assert alice.client().get(statement(loan), SPAN).json()["code"] == "loan_not_open"
    assert alice.client().get(certificate(loan)).json()["code"] == "loan_not_settled"


@pytest.mark.parametrize("path", [certificate, statement])
def test_nobody_reads_anothers_papers(alice: Borrower, path):
    loan = active_loan(alice)
    repay(alice, loan, "1000.00", TODAY)
    assert APIClient().get(path(loan), SPAN).status_code == 401
    assert borrower("bob").client().get(path(loan), SPAN).status_code == 404


def test_the_papers_of_the_same_day_are_the_same_bytes(alice: Borrower):
    loan = active_loan(alice)
    repay(alice, loan, "1004.00", day(10))
    loan = Loan.objects.get(pk=loan.pk)
    assert settlement_certificate_pdf(loan, on=day(11)) == settlement_certificate_pdf(loan, on=day(11))
    one = statement_pdf(loan, first=TODAY, last=day(11), on=day(11))
    assert one == statement_pdf(loan, first=TODAY, last=day(11), on=day(11))
    assert one != statement_pdf(loan, first=TODAY, last=day(9), on=day(11))


def test_a_month_that_is_over_can_be_read_again_and_again(alice: Borrower):
    loan = active_loan(alice)
    repay(alice, loan, "100.00", day(3))
    client = alice.client()
    early = client.get("/api/v1/statements/2026-09")
    assert (early.status_code, early.json()["code"]) == (409, "statement_not_ready")
    assert client.get("/api/v1/statements").json() == []
    business_date_set(date(2026, 10, 1), at=NOW)
    assert client.get("/api/v1/statements").json() == [{"month": "2026-09"}]
    first = client.get("/api/v1/statements/2026-09")
    assert (first.status_code, first["Content-Type"]) == (200, "application/pdf")
    repay(alice, loan, "100.00", date(2026, 10, 1))
    assert client.get("/api/v1/statements/2026-09").content == first.content
    english = client.get("/api/v1/statements/2026-09", HTTP_ACCEPT_LANGUAGE="en")
    assert english.content != first.content


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "0000-01", "2026-9", "2026-08", "1999-01", "x"])
def test_a_month_without_a_statement_is_not_found(alice: Borrower, month: str):
    active_loan(alice)
    business_date_set(date(2026, 10, 1), at=NOW)
    assert alice.client().get(f"/api/v1/statements/{month}").status_code == 404


def test_nobody_reads_a_statement_without_signing_in(alice: Borrower):
    active_loan(alice)
    business_date_set(date(2026, 10, 1), at=NOW)
    assert APIClient().get("/api/v1/statements/2026-09").status_code == 401
    assert borrower("bob").client().get("/api/v1/statements/2026-09").status_code == 404


def test_a_month_of_thousands_of_movements_is_pages_long(alice: Borrower):
    loan = active_loan(alice)
    first = LoanEvent.objects.get(loan=loan)
    LoanEvent.objects.bulk_create(
        LoanEvent(
            loan=loan, sequence=number, kind="repayment", effective_date=TODAY, business_date=TODAY,
            posted_at=first.posted_at, principal_amount="0.10", outstanding_principal_amount="0",
            customer_id=loan.customer_id,
        )
        for number in range(2, 3002)
    )  # fmt: skip
    content = monthly_statement_pdf(customer_month(alice.customer, date(2026, 9, 1)))
    assert 70 <= pages(content) <= 100
