"""The bank's call-back: signed, known, once."""

import json
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from loans.gateway.interface import Accepted
from loans.models import LoanEvent, PayoutCallback
from loans.services.payout import payouts_advance
from tests.loans.builders import NOW, TODAY, Borrower, payout_of
from weilidai.lib.signing import signed_headers

SECRET = "bank-secret"


@pytest.fixture(autouse=True)
def _bank_key(settings: LazySettings) -> None:
    settings.MACHINE_KEYS = {"bank": SECRET}


def report(body: dict[str, Any], *, message: str = "m1", secret: str = SECRET) -> Any:
    content = json.dumps(body)
    headers = signed_headers("bank", secret, message, content.encode())
    return APIClient().generic(
        "POST", "/api/v1/gateways/payout", content, content_type="application/json", headers=headers
    )


class AcceptingBank:
    def send(self, order: object, *, at: object) -> Accepted:
        return Accepted()

    def inquire(self, reference: str, *, at: object) -> Any:
        raise AssertionError("not asked in these tests")


@pytest.fixture
def reference(alice: Borrower) -> str:
    loan = alice.draw()
    payouts_advance(at=NOW, as_of=TODAY, gateway=AcceptingBank())
    return payout_of(loan).reference


def test_twenty_times_the_same_message_pays_once(reference: str) -> None:
    body = {"reference": reference, "result": "paid", "bank_reference": "B1"}
    answers = [report(body) for _ in range(20)]
    assert {(answer.status_code, answer.json()["effect"]) for answer in answers} == {(200, "applied")}
    assert LoanEvent.objects.count() == PayoutCallback.objects.count() == 1


def test_two_long_message_ids_that_begin_alike_are_two_messages(reference: str) -> None:
    body = {"reference": reference, "result": "paid", "bank_reference": "B1"}
    for end in "ab":
        assert report(body, message="m" * 99 + end).status_code == 200
    assert PayoutCallback.objects.count() == 2


def test_a_refusal_frees_the_limit(alice: Borrower, reference: str) -> None:
    assert report({"reference": reference, "result": "refused", "code": "closed"}).json()["effect"] == "applied"
    assert report({"reference": reference, "result": "paid"}, message="m2").json()["effect"] == "contradiction"
    assert alice.used == 0


def test_a_wrong_or_missing_signature_is_refused(reference: str) -> None:
    body = {"reference": reference, "result": "paid"}
    assert report(body, secret="other").status_code == 401
    assert APIClient().post("/api/v1/gateways/payout", body).status_code == 401
    assert not PayoutCallback.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "http_code"),
    [
        ({"reference": "WLD-none", "result": "paid"}, 404),
        ({"reference": "WLD-none", "result": "perhaps"}, 400),
        ({"result": "paid"}, 400),
        ({}, 400),
    ],
)
def test_unknown_and_unreadable_reports(body: dict[str, Any], http_code: int) -> None:
    assert report(body).status_code == http_code
