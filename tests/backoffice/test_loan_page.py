"""The page of a loan with many repayments shows them page by page."""

import re

import pytest
from django.test import Client

from loans.admin.loan import EventInline, RepaymentInline
from tests.backoffice.test_pages import staff
from tests.loans.builders import Borrower
from tests.loans.life import active_loan, day, repay


@pytest.fixture
def chief(db: None) -> Client:
    return staff("auditor")


def test_repayments_and_events_are_paged(alice: Borrower, chief: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventInline, "per_page", 2)
    monkeypatch.setattr(RepaymentInline, "per_page", 2)
    loan = active_loan(alice)
    for number, amount in enumerate(("11.11", "22.22", "33.33"), start=1):
        repay(alice, loan, amount, day(number))
    url = f"/admin/loans/loan/{loan.pk}/change/"
    first, second = (chief.get(url, {"repayments-page": page}).content.decode() for page in (1, 2))
    seen = [[amount for amount in ("11.11", "22.22", "33.33") if amount in page] for page in (first, second)]
    assert seen == [["22.22", "33.33"], ["11.11"]]
    assert {"repayments-page=2", "events-page=2"} <= set(re.findall(r"[a-z]+-page=2", first))
