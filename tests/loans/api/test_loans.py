"""Quotes and loans over the API: fields, codes, whose objects, how often."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from rest_framework.test import APIClient

from accounts.models import Device
from loans import tasks
from loans.models import Loan, Payout
from risk.models import LegalDocument
from tests.loans.builders import NOW, TODAY, Borrower, borrower, turns
from tests.loans.life import active_loan, day
from tests.loans.relief import rearrange
from weilidai.lib.business_date import business_date_set


def quote_body(who: Borrower, **values: Any) -> dict[str, Any]:
    return {"credit_line": str(who.line.pk), "amount": "1000.00", "plan": "single", **values}


def loan_body(who: Borrower, **values: Any) -> dict[str, Any]:
    return quote_body(who, bank_card=str(who.card.pk), purpose="daily", **values)


def ask(client: APIClient, body: dict[str, Any], key: str = "k1") -> Any:
    return client.post("/api/v1/loans", body, HTTP_IDEMPOTENCY_KEY=key)


@pytest.mark.req("R59")
def test_a_quote_tells_schedule_cost_and_form(alice: Borrower) -> None:
    answer = alice.client().post("/api/v1/loan-quotes", quote_body(alice), HTTP_ACCEPT_LANGUAGE="en")
    assert answer.status_code == 200
    body = answer.json()
    figures = {name: body[name] for name in ("total_cost", "total_repayment", "apr", "irr", "fees", "daily_rate")}
    assert figures == {
        "total_cost": "12.00",
        "total_repayment": "1012.00",
        "apr": "0.146000",
        "irr": "0.156191",
        "fees": "0.00",
        "daily_rate": "0.000400",
    }
    assert body["schedule"] == [
        {
            "number": 1,
            "start_date": "2026-09-15",
            "due_date": "2026-10-15",
            "days": 30,
            "principal": "1000.00",
            "interest": "12.00",
            "fee": "0.00",
            "total": "1012.00",
        }
    ]
    assert "50%" in body["penalty"]["description"]
    assert set(body["disclosure"]) >= {"id", "sha256", "form", "minimum_reading_seconds"}
    assert alice.used == Decimal("0.00")


@pytest.mark.dealt
@pytest.mark.req("R40")
@pytest.mark.parametrize(
    ("values", "http_code", "code"),
    [
        ({"amount": "999.99", "plan": "instalments", "periods": 3}, 422, "instalment_minimum"),
        ({"plan": "instalments", "periods": 4}, 422, "instalment_periods"),
        ({"amount": "99.99"}, 422, "amount_out_of_range"),
        ({"amount": "1000.001"}, 422, "amount_out_of_range"),
        ({"amount": "8000.01"}, 409, "limit_exceeded"),
        ({"days": 0}, 400, "invalid"),
        ({"days": 366}, 400, "invalid"),
        ({"amount": "-1"}, 400, "invalid"),
        ({"amount": "NaN"}, 400, "invalid"),
        ({"amount": "1e400"}, 400, "invalid"),
        ({"plan": "weekly"}, 400, "invalid"),
        ({"credit_line": "x"}, 400, "invalid"),
        ({"days": 10**30}, 400, "invalid"),
    ],
)
def test_bad_quotes_are_told_by_code(alice: Borrower, values: dict[str, Any], http_code: int, code: str) -> None:
    answer = alice.client().post("/api/v1/loan-quotes", quote_body(alice, **values))
    assert (answer.status_code, answer.json()["code"]) == (http_code, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_loan_is_accepted_and_then_paid(alice: Borrower) -> None:
    client = alice.client()
    answer = ask(client, loan_body(alice))
    assert (answer.status_code, answer.json()["state"]) == (202, "disbursing")
    loan = Loan.objects.get()
    preview = client.get(f"/api/v1/loans/{loan.pk}/schedule").json()
    assert (preview["is_preview"], preview["rows"][0]["total"]) == (True, "1012.00")
    _pay(loan)
    body = client.get(f"/api/v1/loans/{loan.pk}").json()
    assert {name: body[name] for name in ("state", "days_past_due", "bucket", "outstanding_principal")} == {
        "state": "active",
        "days_past_due": 0,
        "bucket": "0",
        "outstanding_principal": "1000.00",
    }
    assert (body["next_due_date"], body["next_due_amount"]) == ("2026-10-15", "1012.00")
    rows = client.get(f"/api/v1/loans/{loan.pk}/schedule").json()["rows"]
    assert (rows[0]["principal_paid"], rows[0]["settled"]) == ("0.00", False)


def _pay(loan: Loan) -> None:
    """The request was made by the clock on the wall; the rounds start then."""
    Payout.objects.update(next_attempt_at=NOW - timedelta(hours=1))
    turns(until=1)


def test_the_same_key_is_one_loan_and_another_body_is_refused(alice: Borrower) -> None:
    client = alice.client()
    first, again = ask(client, loan_body(alice)), ask(client, loan_body(alice))
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert ask(client, loan_body(alice, days=7)).json()["code"] == "idempotency_key_reused"
    answer = client.post("/api/v1/loans", loan_body(alice))
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert Loan.objects.count() == 1
    assert alice.used == Decimal("1000.00")


def test_what_is_refused_takes_nothing_and_answers_the_same_again(alice: Borrower) -> None:
    client = alice.client()
    first, again = (ask(client, loan_body(alice, amount="8000.01")) for _ in range(2))
    assert (first.status_code, first.json()["code"]) == (409, "limit_exceeded")
    assert (again.status_code, again["Idempotent-Replayed"]) == (409, "true")
    assert alice.used == Decimal("0.00")


@pytest.mark.req("R52")
def test_a_forbidden_purpose_and_an_unknown_one(alice: Borrower) -> None:
    client = alice.client()
    assert ask(client, {**loan_body(alice), "purpose": "gambling"}).json()["code"] == "purpose_forbidden"
    assert ask(client, {**loan_body(alice), "purpose": "yacht"}, "k2").status_code == 400


@pytest.mark.req("R35")
def test_an_unverified_device_is_told(alice: Borrower) -> None:
    Device.objects.update(verified_at=None)
    answer = ask(alice.client(), loan_body(alice))
    assert (answer.status_code, answer.json()["code"]) == (403, "device_not_verified")


def test_without_signatures_no_loan(alice: Borrower) -> None:
    texts = dict.fromkeys(("title_zh", "title_en", "body_zh", "body_en", "sha256_zh", "sha256_en"), "x")
    LegalDocument.objects.create(product_id="weilidai", code="loan", version="2", valid_from=TODAY, **texts)
    assert ask(alice.client(), loan_body(alice)).json()["code"] == "signatures_missing"


def test_other_peoples_objects_are_not_found(alice: Borrower) -> None:
    bob = borrower("bob")
    loan = alice.draw()
    client = bob.client()
    for path in (f"loans/{loan.pk}", f"loans/{loan.pk}/schedule"):
        assert client.get(f"/api/v1/{path}").status_code == 404
    assert client.get("/api/v1/loans").json()["results"] == []
    assert client.post("/api/v1/loan-quotes", quote_body(alice)).status_code == 404
    assert ask(client, {**loan_body(bob), "credit_line": str(alice.line.pk)}).status_code == 404
    assert ask(client, {**loan_body(bob), "bank_card": str(alice.card.pk)}, "k2").status_code == 404


@pytest.mark.django_db
def test_strangers_are_asked_to_sign_in() -> None:
    assert APIClient().get("/api/v1/loans").status_code == 401
    assert APIClient().post("/api/v1/loan-quotes", {}).status_code == 401


def test_the_list_pages_and_filters_newest_first(alice: Borrower) -> None:
    loans = [alice.draw("100.00") for _ in range(3)]
    client = alice.client()
    page = client.get("/api/v1/loans?page_size=2").json()
    assert [row["id"] for row in page["results"]] == [str(loans[2].pk), str(loans[1].pk)]
    assert [row["id"] for row in client.get(page["next"]).json()["results"]] == [str(loans[0].pk)]
    assert len(client.get("/api/v1/loans?state=disbursing").json()["results"]) == 3
    assert client.get("/api/v1/loans?state=settled").json()["results"] == []
    assert client.get("/api/v1/loans?credit_line=x").json()["results"] == []


def test_the_list_takes_the_same_queries_for_one_loan_as_for_five(
    alice: Borrower, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        alice.draw("100.00")
    turns(until=1)
    client = alice.client()
    with django_assert_max_num_queries(9):
        assert len(client.get("/api/v1/loans").json()["results"]) == 5


def test_a_dead_broker_does_not_fail_the_request(
    alice: Borrower, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def dead(**_options: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.payouts_advance_task, "apply_async", dead)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        assert ask(alice.client(), loan_body(alice)).status_code == 202
    assert len(callbacks) == 1


def test_a_defect_of_the_bell_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_options: Any) -> None:
        raise TypeError("defect")

    monkeypatch.setattr(tasks.payouts_advance_task, "apply_async", broken)
    with pytest.raises(TypeError):
        tasks.payouts_ring()


@pytest.mark.req("R14")
def test_one_ring_pays_a_loan_out(alice: Borrower) -> None:
    ask(alice.client(), loan_body(alice))
    tasks.payouts_advance_task()
    loan = Loan.objects.get()
    assert loan.state == "active"
    assert loan.disbursed_at is not None
    assert (loan.disbursed_at - loan.requested_at).total_seconds() < 3


@pytest.mark.req("R54")
def test_a_rearranged_loan_shows_the_schedule_in_force_and_every_form(alice: Borrower) -> None:
    plain, loan = active_loan(alice), active_loan(alice)
    found = rearrange(loan, TODAY, periods=3)
    business_date_set(day(40), at=NOW)
    client = alice.client()
    body = client.get(f"/api/v1/loans/{loan.pk}").json()
    assert body["rearrangement"] == {
        "version": 1, "effective_date": "2026-09-15", "periods": 3, "first_due_date": "2026-11-14",
        "last_due_date": "2027-01-14", "daily_rate": "0.000000", "waived_amount": "0.00",
        "disclosure": str(found.disclosure_id),
    }  # fmt: skip
    assert (body["days_past_due"], body["due_date"], body["next_due_date"]) == (0, "2027-01-14", "2026-11-14")
    schedule = client.get(f"/api/v1/loans/{loan.pk}/schedule").json()
    assert (schedule["version"], [row["number"] for row in schedule["rows"]]) == (1, [2, 3, 4])
    assert [row["principal"] for row in schedule["rows"]] == ["333.33", "333.33", "333.34"]
    assert [(row["number"], row["principal"], row["settled"]) for row in schedule["former"]] == [(1, "1000.00", False)]
    forms = client.get(f"/api/v1/loans/{loan.pk}/disclosures").json()
    assert [form["id"] for form in forms] == [str(found.disclosure_id), str(loan.disclosure_id)]
    assert forms[0]["form"]["agreed"]["periods"] == 3
    assert client.get(f"/api/v1/loans/{plain.pk}").json()["rearrangement"] is None
    assert len(client.get(f"/api/v1/loans/{plain.pk}/disclosures").json()) == 1


@pytest.mark.req("R59")
def test_forms_are_shown_to_their_customer_alone(alice: Borrower) -> None:
    loan, bob = active_loan(alice), borrower("bob")
    assert bob.client().get(f"/api/v1/loans/{loan.pk}/disclosures").status_code == 404
    assert APIClient().get(f"/api/v1/loans/{loan.pk}/disclosures").status_code == 401
