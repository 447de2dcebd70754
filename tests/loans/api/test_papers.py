"""Statement and certificate as PDF: only one's own, the certificate only when settled."""

import re

import pytest
from rest_framework.test import APIClient

from loans.models import Loan
from loans.papers import settlement_certificate_pdf, statement_pdf
from loans.services.correction import payout_return
from loans.services.history import Act
from tests.loans.builders import NOW, TODAY, Borrower, borrower
from tests.loans.life import active_loan, day, repay
from weilidai.lib.audit import Actor

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
