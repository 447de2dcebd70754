"""Papers from the back office: who may read them, in which language, and that each look is kept."""

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from tests.backoffice.test_lives import staff
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan, repay
from weilidai.lib.business_date import business_date_set
from weilidai.lib.models import AuditEvent


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:loans_{name}", args=args)


def test_statement_and_certificate_are_read_from_the_page_of_a_loan(alice: Borrower) -> None:
    loan, finance = active_loan(alice), staff("finance")
    statement, certificate = page("loan_statement", loan.pk), page("loan_certificate", loan.pk)
    assert finance.get(statement).content.startswith(b"%PDF")
    assert finance.get(certificate).status_code == 404
    assert certificate not in finance.get(page("loan_change", loan.pk)).content.decode()
    repay(alice, loan, "1000.00", TODAY)
    assert finance.get(certificate, {"language": "en"}).content.startswith(b"%PDF")
    assert certificate in finance.get(page("loan_change", loan.pk)).content.decode()
    assert AuditEvent.objects.filter(action="paper.read").count() == 2
    nobody = staff("administrator")
    assert nobody.get(statement).status_code == nobody.get(certificate).status_code == 403


@pytest.mark.parametrize(
    ("month", "status"), [(date(2026, 9, 1), 200), (date(2026, 8, 1), 404), (date(2026, 10, 1), 404)]
)
def test_a_customers_month_is_read_once_it_is_over(alice: Borrower, month: date, status: int) -> None:
    active_loan(alice)
    business_date_set(date(2026, 10, 5), at=NOW)
    finance, address = staff("finance"), page("monthly_statement", alice.customer.pk, month)
    assert finance.get(address).status_code == status
    links = finance.get(reverse("admin:accounts_customer_change", args=[alice.customer.pk])).content.decode()
    assert (address in links) == (status == 200)
    assert staff("administrator").get(address).status_code == 403
    assert finance.get(page("monthly_statement", alice.line.pk, month)).status_code == 404


def test_both_languages_differ_and_each_is_the_same_again(alice: Borrower) -> None:
    active_loan(alice)
    business_date_set(date(2026, 10, 5), at=NOW)
    finance, address = staff("finance"), page("monthly_statement", alice.customer.pk, date(2026, 9, 1))
    chinese, english = finance.get(address).content, finance.get(address, {"language": "en"}).content
    assert chinese != english
    assert finance.get(address, {"language": "xx"}).content == chinese
