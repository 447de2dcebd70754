"""A person's data over all apps: exported whole, not erased while a line or a debt is open."""

import pytest

from loans.services.voucher_review import voucher_forbid
from risk.models import CreditLine
from risk.services.credit_line import credit_line_close
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, day, repay
from tests.loans.vouchers import asked_loan, reviewer, submit
from weilidai.lib.audit import Actor


@pytest.mark.req("R55")
def test_the_export_holds_what_every_app_holds(alice: Borrower):
    loan = active_loan(alice)
    repay(alice, loan, "100.00", day(1))
    body = alice.client().get("/api/v1/me/export").json()
    assert set(body) == {"profile", "risk", "loans"}
    assert body["loans"]["loans"][0]["id"] == str(loan.pk)
    assert body["loans"]["repayments"][0]["amount"] == "100.00"
    assert body["risk"]["credit_lines"][0]["limit_amount"] == "8000.00"


@pytest.mark.req("R52", "R55")
def test_the_export_holds_what_is_known_of_the_use_of_funds(alice: Borrower):
    loan = asked_loan(alice)
    voucher = submit(alice, loan, note="desk")
    voucher_forbid(voucher_id=voucher.pk, use="property", reason="a deposit", user=reviewer(), as_of=day(0), at=NOW)
    held = alice.client().get("/api/v1/me/export").json()["loans"]
    assert [(row["merchant"], row["note"], row["state"]) for row in held["vouchers"]] == [
        ("宜家家居", "desk", "forbidden")
    ]
    assert held["voucher_demands"][0]["asked_amount"] == "4800.00"
    assert [(row["use"], row["reason"], row["state"]) for row in held["forbidden_uses"]] == [
        ("property", "a deposit", "standing")
    ]


@pytest.mark.req("R55")
def test_nobody_is_erased_with_a_debt_or_an_open_line_and_everybody_without(alice: Borrower):
    loan = active_loan(alice)
    client = alice.client()
    refused = client.post("/api/v1/me/deletion")
    assert (refused.status_code, refused.json()["code"]) == (409, "deletion_not_possible")
    repay(alice, loan, "1000.00", day(0))
    assert client.post("/api/v1/me/deletion").status_code == 409
    credit_line_close(
        line_id=CreditLine.objects.get().pk, reason="asked for", actor=Actor.system("test"), as_of=day(0), at=NOW
    )
    assert client.post("/api/v1/me/deletion").status_code == 204
    assert client.get("/api/v1/me").status_code == 401
