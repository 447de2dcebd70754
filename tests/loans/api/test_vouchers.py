"""Vouchers as the app sends and reads them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import StoredImage
from loans.errors import VoucherLimit
from loans.models import Loan, Voucher
from loans.services.voucher_review import voucher_accept, voucher_claim_next
from tests.loans.builders import TODAY, Borrower, borrower, day_set, policy
from tests.loans.life import repay
from tests.loans.vouchers import EDGE, asked_loan, reviewer, submit
from tests.risk.api.client import Client, client_of
from tests.risk.api.test_application import refused
from tests.risk.api.uploads import named, send
from tests.support.pictures import HOSTILE, photo
from weilidai.lib.errors import TransitionRefused

pytestmark = [pytest.mark.django_db, pytest.mark.req("R52")]


@pytest.fixture
def loan(alice: Borrower) -> Loan:
    return asked_loan(alice)


@pytest.fixture
def app(alice: Borrower) -> Client:
    return client_of(alice.customer)


def path(loan: Loan) -> str:
    return f"loans/{loan.pk}/vouchers"


def body(seed: int = 1, **changes: Any) -> dict[str, Any]:
    words = {"kind": "invoice", "amount": "5000.00", "merchant": "宜家家居", "spent_on": TODAY.isoformat()}
    return {**words, **named({"image": photo(seed, (300, 200))}), **changes}


def test_a_voucher_is_sent_reviewed_and_read_back(app: Client, loan: Loan) -> None:
    answer = send(app, path(loan), body(note="for the new flat"))
    shown = answer.json()
    assert (answer.status_code, shown["state"], shown["amount"], shown["merchant"], shown["note"]) == (
        201, "submitted", "5000.00", "宜家家居", "for the new flat",
    )  # fmt: skip
    assert app.get(path(loan)).json() == {"next": None, "previous": None, "results": [shown]}
    voucher_accept(voucher_id=shown["id"], reason="seen", user=reviewer(), **EDGE)
    (after,) = app.get(f"{path(loan)}?state=accepted&kind=invoice").json()["results"]
    assert (after["answer"], app.get(f"{path(loan)}?state=rejected").json()["results"]) == ("seen", [])


def test_the_loan_tells_what_is_asked_for(app: Client, alice: Borrower, loan: Loan) -> None:
    assert app.get(f"loans/{loan.pk}").json()["vouchers"] == {
        "state": "asked", "asked": "4800.00", "accepted": "0.00", "rest": "4800.00", "due_date": "2026-10-15",
    }  # fmt: skip
    plain = alice.draw("500.00")
    assert app.get(f"loans/{plain.pk}").json()["vouchers"] is None


@pytest.mark.dealt
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_their_reason(app: Client, loan: Loan, name: str) -> None:
    data, reason = HOSTILE[name]
    answer = refused(send(app, path(loan), body(**named({"image": data}))), 422, "upload_rejected")
    assert [(item["field"], item["code"]) for item in answer["errors"]] == [("image", reason)]
    assert not StoredImage.objects.exists()


@pytest.mark.dealt
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "yacht"), ("kind", ""), ("amount", "0.00"), ("amount", "-1"), ("amount", "1.001"),
        ("amount", "1e400"), ("amount", "NaN"), ("amount", "1" * 20), ("merchant", ""), ("merchant", "x" * 121),
        ("merchant", "a\x00b"), ("spent_on", "2026-02-30"), ("spent_on", "2026-09-16"), ("note", "x" * 501),
    ],
)  # fmt: skip
def test_bad_words_are_named(app: Client, loan: Loan, field: str, value: str) -> None:
    answer = refused(send(app, path(loan), body(**{field: value})), 400, "invalid")
    assert {item["field"] for item in answer["errors"]} == {field}
    assert not Voucher.objects.exists()


def test_a_picture_is_needed_as_a_file_in_a_form(app: Client, loan: Loan) -> None:
    words = body()
    del words["image"]
    answer = refused(send(app, path(loan), words), 422, "evidence_incomplete")
    assert [(item["field"], item["code"]) for item in answer["errors"]] == [("image", "required")]
    refused(send(app, path(loan), body(image="text")), 422, "upload_rejected")
    refused(app.post(path(loan), {"kind": "invoice"}), 415, "unsupported_media_type")


def test_strangers_see_and_send_nothing(app: Client, loan: Loan) -> None:
    assert APIClient().get(f"/api/v1/{path(loan)}").status_code == 401
    assert APIClient().post(f"/api/v1/{path(loan)}", body(), format="multipart").status_code == 401
    bob = client_of(borrower("bob").customer)
    for where in (path(loan), f"loans/{uuid4()}/vouchers"):
        refused(bob.get(where), 404, "not_found")
        refused(send(bob, where, body()), 404, "not_found")


def test_a_loan_that_is_not_open_takes_none(app: Client, alice: Borrower, loan: Loan) -> None:
    refused(send(app, path(alice.draw("500.00")), body()), 409, "loan_not_open")
    repay(alice, loan, "6000.00", TODAY)
    refused(send(app, path(loan), body()), 409, "loan_not_open")
    assert app.get(path(loan)).status_code == 200


def test_the_same_key_is_the_same_voucher(app: Client, loan: Loan) -> None:
    answers = [send(app, path(loan), body(), **{"Idempotency-Key": "v1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    refused(send(app, path(loan), body(amount="1.00"), **{"Idempotency-Key": "v1"}), 422, "idempotency_key_reused")
    assert Voucher.objects.count() == 1


def test_a_long_list_costs_no_more(app: Client, alice: Borrower, loan: Loan) -> None:
    submit(alice, loan)
    app.get(path(loan))
    with CaptureQueriesContext(connection) as one:
        app.get(path(loan))
    for seed in (2, 3, 4):
        submit(alice, loan, seed=seed)
    with CaptureQueriesContext(connection) as many:
        page = app.get(f"{path(loan)}?page_size=3").json()
    assert len(many) == len(one)
    assert (len(page["results"]), page["next"] is None) == (3, False)
    refused(app.get(f"{path(loan)}?cursor=forged"), 404, "not_found")


def together(act: Any, count: int) -> list[Any]:
    def run(number: int) -> Any:
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_of_many_uploads_at_once_no_more_wait_than_may() -> None:
    day_set()
    policy(voucher_waiting_max=2)
    alice = borrower()
    loan = asked_loan(alice)

    def one(number: int) -> str:
        try:
            submit(alice, loan, seed=number + 1)
        except VoucherLimit:
            return "limit"
        return "taken"

    assert sorted(together(one, 5)) == ["limit"] * 3 + ["taken"] * 2
    assert (Voucher.objects.count(), StoredImage.objects.count()) == (2, 2)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_reviewers_each_gets_another_and_one_review_counts() -> None:
    day_set()
    policy()
    alice = borrower()
    loan = asked_loan(alice)
    vouchers = [submit(alice, loan, seed=seed) for seed in (1, 2, 3)]
    people = [reviewer(f"r{number}") for number in range(4)]
    taken = together(lambda number: voucher_claim_next(user=people[number], **EDGE), 4)
    keys = [voucher.pk for voucher in taken if voucher is not None]
    assert sorted(keys) == sorted(voucher.pk for voucher in vouchers)
    Voucher.objects.update(claimed_by=None, claimed_until=None)

    def accept(number: int) -> str:
        try:
            voucher_accept(voucher_id=vouchers[0].pk, reason="seen", user=people[number], **EDGE)
        except TransitionRefused:
            return "refused"
        return "accepted"

    assert sorted(together(accept, 4)) == ["accepted"] + ["refused"] * 3
    loan = Loan.objects.select_related("voucher_demand").get(pk=loan.pk)
    assert (loan.voucher_demand.accepted_amount, loan.voucher_demand.state) == (vouchers[0].amount, "fulfilled")
