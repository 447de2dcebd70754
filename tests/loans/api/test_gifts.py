"""Gifts over HTTP: both sides see their own side, nobody else sees anything."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import Customer, CustomerToken, Device
from risk.models import CreditLine, Friendship
from tests.loans.builders import NOW, Borrower
from tests.loans.services.test_gift import friend

pytestmark = [pytest.mark.django_db, pytest.mark.req("R44")]


def client_of(person: Customer, device: str = "friend-phone") -> APIClient:
    Device.objects.get_or_create(
        customer=person, fingerprint=device, defaults={"first_seen_at": NOW, "last_seen_at": NOW, "verified_at": NOW}
    )
    client = APIClient()
    token = CustomerToken.objects.create(user=person)[1]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_X_DEVICE_ID=device, HTTP_ACCEPT_LANGUAGE="en")
    return client


def post(client: APIClient, path: str, body: Any = None, key: str | None = None) -> Any:
    return client.post(f"/api/v1/{path}", body, format="json", HTTP_IDEMPOTENCY_KEY=key or str(uuid4()))


@pytest.fixture
def bob(alice: Borrower) -> Customer:
    return friend()


def offer(alice: Borrower, **changes: Any) -> Any:
    body = {"credit_line": str(alice.line.pk), "to": "bob", "amount": "3000.00", **changes}
    return post(alice.client(), "credit-gifts", body)


def test_from_offer_to_revocation(alice: Borrower, bob: Customer):
    gift = offer(alice)
    assert gift.status_code == 201, gift.json()
    told = gift.json()
    assert (told["role"], told["state"], told["amount"], told["friend"]) == ("giver", "offered", "3000.00", "bob")
    theirs = client_of(bob)
    seen = theirs.get("/api/v1/credit-gifts").json()["results"]
    assert [(row["role"], row["friend"], row["credit_line"]) for row in seen] == [("recipient", "alice", None)]
    accepted = post(theirs, f"credit-gifts/{told['id']}/acceptance").json()
    line = CreditLine.objects.get(customer=bob)
    assert (accepted["state"], accepted["credit_line"]) == ("accepted", str(line.pk))
    shown = theirs.get(f"/api/v1/credit-lines/{line.pk}").json()
    assert (shown["limit"], shown["received"], shown["available"]) == ("0.00", "3000.00", "3000.00")
    assert theirs.get("/api/v1/entry?product=weilidai").status_code == 200
    revoked = post(alice.client(), f"credit-gifts/{told['id']}/revocation")
    assert revoked.json()["state"] == "revoked"
    assert post(theirs, f"credit-gifts/{told['id']}/refusal").json()["code"] == "gift_not_open"


def test_the_same_key_gives_once(alice: Borrower, bob: Customer):
    body = {"credit_line": str(alice.line.pk), "to": "bob", "amount": "3000.00"}
    answers = [post(alice.client(), "credit-gifts", body, key="one") for _ in range(3)]
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    assert CreditLine.objects.get(customer=alice.customer).gifted_amount == Decimal("3000.00")
    assert alice.client().post("/api/v1/credit-gifts", body, format="json").json()["code"] == "idempotency_key_required"


@pytest.mark.dealt
@pytest.mark.parametrize(
    ("changes", "http_code", "code"),
    [
        ({"amount": "5000.01"}, 422, "gift_limit"),
        ({"amount": "-1"}, 400, "invalid"),
        ({"amount": "1.001"}, 400, "invalid"),
        ({"amount": None}, 400, "invalid"),
        ({"to": "nobody"}, 409, "recipient_not_verified"),
        ({"to": "\x00"}, 400, "parse_error"),
        ({"to": ["bob"]}, 400, "invalid"),
        ({"credit_line": "x"}, 400, "invalid"),
        ({"credit_line": str(uuid4())}, 404, "not_found"),
    ],
)
def test_bad_requests_are_coded(alice: Borrower, bob: Customer, changes: dict[str, Any], http_code: int, code: str):
    answer = offer(alice, **changes)
    assert (answer.status_code, answer.json()["code"]) == (http_code, code)


def test_a_new_friend_and_an_unverified_device_are_told_why(alice: Borrower, bob: Customer):
    Friendship.objects.update(since_date=date(2026, 8, 1))
    assert offer(alice).json()["code"] == "friendship_too_short"
    Device.objects.update(verified_at=None)
    assert offer(alice).json()["code"] == "device_not_verified"


@pytest.mark.parametrize("act", ["acceptance", "refusal", "revocation"])
def test_strangers_and_the_anonymous_reach_nothing(alice: Borrower, bob: Customer, act: str):
    gift = offer(alice).json()["id"]
    carol = client_of(friend("carol"))
    assert post(carol, f"credit-gifts/{gift}/{act}").status_code == 404
    assert carol.get("/api/v1/credit-gifts").json()["results"] == []
    assert post(APIClient(), f"credit-gifts/{gift}/{act}").status_code == 401
    assert APIClient().get("/api/v1/credit-gifts").status_code == 401
