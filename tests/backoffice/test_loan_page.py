"""The page of a loan with many repayments shows them page by page."""

import re

import pytest
from django.test import Client

from accounts.models import StaffUser
from loans.admin.loan import EventInline, RepaymentInline
from loans.models import Loan
from loans.services.correction import loan_write_off
from loans.services.history import Act
from tests.backoffice.test_pages import staff
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, day, repay
from tests.loans.relief import rearrange
from weilidai.lib.audit import Actor


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


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_each_row_below_the_loan_stands_there_once_with_its_cells(
    alice: Borrower, chief: Client, language: str
) -> None:
    loan = active_loan(alice)
    repay(alice, loan, "44.44", day(1))
    chief.cookies["django_language"] = language
    page = chief.get(f"/admin/loans/loan/{loan.pk}/change/").content.decode()
    table = page[page.index('id="repayments-data"') :].split("</table>")[0]
    cells = re.findall(r'<td class="field-(\w+) .*?data-label="(.*?)"><div[^>]*>(.*?)</div></td>', table)
    assert [name for name, _, _ in cells] == list(RepaymentInline.fields)
    told = {name: text for name, _, text in cells}
    assert (told["amount"], told["reversed_date"]) == ("44.44", "-")
    assert told["kind"] == {"zh-hans": "还款", "en": "Repayment"}[language]
    assert {label for _, label, _ in cells} >= {{"zh-hans": "金额", "en": "amount"}[language]}
    assert "None" not in table


def offered(client: Client, loan: Loan) -> set[str]:
    page = client.get(f"/admin/loans/loan/{loan.pk}/change/").content.decode()
    return set(re.findall(rf"/{loan.pk}/([a-z_-]+)/?\"", page)) & ACTS


ACTS = {"enter_late", "rearrange", "apply_held", "return_payout", "write_off", "restore", "undo_rearrangement"}


@pytest.mark.req("R54")
def test_only_what_the_state_allows_is_offered(alice: Borrower) -> None:
    chief = Client()
    chief.force_login(StaffUser.objects.create_superuser("root"))
    loan = active_loan(alice, days=20)
    running = {"enter_late", "rearrange", "apply_held", "return_payout", "write_off"}
    assert offered(chief, loan) == running
    rearrange(loan, day(1))
    assert offered(chief, loan) == running | {"undo_rearrangement"}
    loan_write_off(loan_id=loan.pk, act=Act(Actor.system("test"), day(2), NOW))
    assert offered(chief, loan) == {"enter_late", "apply_held", "restore"}
    assert offered(staff("auditor"), loan) == set()
    assert chief.get("/admin/loans/loan/nothing/change/").status_code == 404
