"""Offers of a new schedule over the API: what the customer sees, and the word he gives on it himself (R54, R59)."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Device, Notification
from loans.models import Loan, Rearrangement, RearrangementOffer
from loans.selectors.loan import loans_seen
from tests.loans.builders import TODAY, Borrower, borrower
from tests.loans.life import active_loan, day, faults, repay
from tests.loans.offers import fresh, offered, refuse
from weilidai.lib.business_date import business_date_set

pytestmark = pytest.mark.req("R54", "R59")
LIST = "/api/v1/rearrangement-offers"


@pytest.fixture
def offer(alice: Borrower) -> RearrangementOffer:
    return offered(active_loan(alice, days=30), TODAY)


def post(client: APIClient, offer: RearrangementOffer, act: str, key: str = "", **body: Any) -> Any:
    return client.post(
        f"{LIST}/{offer.pk}/{act}", body, format="json", HTTP_IDEMPOTENCY_KEY=key or str(uuid4()),
    )  # fmt: skip


def form_of(client: APIClient, offer: RearrangementOffer) -> Any:
    answer = client.post(f"{LIST}/{offer.pk}/disclosure")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_offer_its_form_and_the_word_on_it(alice: Borrower, offer: RearrangementOffer) -> None:
    client = alice.client()
    (row,) = client.get(LIST).json()["results"]
    assert {name: row[name] for name in ("id", "loan", "state", "answer_until", "begins_on", "periods")} == {
        "id": str(offer.pk),
        "loan": str(offer.loan_id),
        "state": "open",
        "answer_until": day(14).isoformat(),
        "begins_on": None,
        "periods": 6,
    }
    seen = client.get(f"{LIST}/{offer.pk}").json()
    assert (seen["disclosure"], seen["plan"]["effective_date"], seen["plan"]["apr"]) == (None, "2026-09-15", "0.000000")
    assert [line["total"] for line in seen["plan"]["schedule"]] == ["166.66"] * 5 + ["166.70"]
    form = form_of(client, offer)
    assert [line["principal"] for line in form["form"]["schedule"]] == ["166.66"] * 5 + ["166.70"]
    assert form["form"]["nothing_else"]["zh"]
    told = post(client, offer, "confirmation", disclosure=form["id"])
    assert told.status_code == 200, told.content
    body = told.json()
    assert (body["state"], body["plan"], body["disclosure"]["sha256"]) == ("confirmed", None, form["sha256"])
    schedule = client.get(f"/api/v1/loans/{offer.loan_id}/schedule").json()
    assert (schedule["version"], len(schedule["rows"])) == (1, 6)
    assert client.get(f"/api/v1/loans/{offer.loan_id}").json()["rearrangement"]["disclosure"] == form["id"]
    assert client.get(f"/api/v1/loans/{offer.loan_id}/disclosures").json()[0]["id"] == form["id"]
    assert faults() == []


def test_a_loan_names_the_offer_that_can_be_answered(alice: Borrower, offer: RearrangementOffer) -> None:
    """Until its last day, as for the offer itself; one that was answered or whose time is over is named no more."""
    client, other = alice.client(), active_loan(alice, days=30)
    told = {
        "id": str(offer.pk),
        "offered_on": TODAY.isoformat(),
        "answer_until": day(14).isoformat(),
        "begins_on": None,
    }
    assert client.get(f"/api/v1/loans/{offer.loan_id}").json()["rearrangement_offer"] == told
    listed = {row["id"]: row["rearrangement_offer"] for row in client.get("/api/v1/loans").json()["results"]}
    assert listed == {str(offer.loan_id): told, str(other.pk): None}
    refuse(alice, offer, TODAY)
    assert client.get(f"/api/v1/loans/{offer.loan_id}").json()["rearrangement_offer"] is None


@pytest.mark.parametrize(("on", "named"), [(14, True), (15, False)])
def test_an_offer_is_named_until_its_last_day(offer: RearrangementOffer, on: int, named: bool) -> None:
    (seen,) = loans_seen([offer.loan], day(on))
    assert (seen.offer == offer) is named


def test_loans_with_offers_are_listed_with_as_many_queries(alice: Borrower, django_assert_num_queries: Any) -> None:
    client = alice.client()
    loans = [active_loan(alice, days=30) for _ in range(4)]
    offered(loans[0], TODAY)
    client.get("/api/v1/loans")
    with CaptureQueriesContext(connection) as one:
        client.get("/api/v1/loans")
    for loan in loans[1:]:
        offered(loan, TODAY)
    with django_assert_num_queries(len(one)):
        rows = client.get("/api/v1/loans").json()["results"]
    assert all(row["rearrangement_offer"]["answer_until"] == day(14).isoformat() for row in rows)


def test_twice_the_same_key_is_the_same_answer(alice: Borrower, offer: RearrangementOffer) -> None:
    client = alice.client()
    form = form_of(client, offer)["id"]
    first, again = (post(client, offer, "confirmation", "k1", disclosure=form) for _ in range(2))
    assert (first.json(), again["Idempotent-Replayed"]) == (again.json(), "true")
    assert Rearrangement.objects.count() == 1
    other = post(client, offer, "confirmation", "k2", disclosure=form)
    assert (other.status_code, other.json()["code"], other.json()["state"]) == (
        409, "rearrangement_offer_not_open", "confirmed",
    )  # fmt: skip
    assert post(client, offer, "refusal", "k1").json()["code"] == "idempotency_key_reused"
    answer = client.post(f"{LIST}/{offer.pk}/refusal", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


def test_a_refusal_keeps_the_words(alice: Borrower, offer: RearrangementOffer) -> None:
    client = alice.client()
    first, again = (post(client, offer, "refusal", "k1", reason="found work") for _ in range(2))
    assert (first.status_code, first.json()["state"], first.json()) == (200, "refused", again.json())
    assert fresh(offer).answer == "found work"
    assert client.get(LIST, {"state": "open"}).json()["results"] == []
    assert len(client.get(LIST, {"state": "refused", "loan": str(offer.loan_id)}).json()["results"]) == 1
    assert client.get(LIST, {"loan": str(uuid4())}).json()["results"] == []


def test_an_outdated_offer_ends_and_says_why(alice: Borrower, offer: RearrangementOffer) -> None:
    client = alice.client()
    form = form_of(client, offer)["id"]
    repay(alice, Loan.objects.get(), "10.00", TODAY)
    assert client.get(f"{LIST}/{offer.pk}").json()["plan"] is None
    answers = [post(client, offer, "confirmation", "k1", disclosure=form) for _ in range(2)]
    told = {(one.status_code, one.json()["code"], one.json()["reason"]) for one in answers}
    assert told == {(409, "rearrangement_offer_outdated", "loan_changed")}
    # The refusal is an answer, and that the offer has ended stays.
    assert client.get(f"{LIST}/{offer.pk}").json()["state"] == "outdated"
    assert client.post(f"{LIST}/{offer.pk}/disclosure").json()["code"] == "rearrangement_offer_not_open"
    assert Notification.objects.filter(kind="rearrangement_outdated").count() == 1
    assert not Rearrangement.objects.exists()
    assert faults() == []


def test_the_form_of_another_day_is_not_confirmed(alice: Borrower, offer: RearrangementOffer) -> None:
    client = alice.client()
    form = form_of(client, offer)["id"]
    business_date_set(day(1), at=fresh(offer).offered_at)
    answer = post(client, offer, "confirmation", disclosure=form)
    assert (answer.status_code, answer.json()["code"]) == (409, "disclosure_changed")
    assert post(client, offer, "confirmation", disclosure=form_of(client, offer)["id"]).status_code == 200


@pytest.mark.parametrize("body", [{}, {"disclosure": "x"}, {"disclosure": None}, {"disclosure": ["a"]}])
def test_a_confirmation_names_its_form(alice: Borrower, offer: RearrangementOffer, body: dict[str, Any]) -> None:
    answer = post(alice.client(), offer, "confirmation", **body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "disclosure")
    assert fresh(offer).state == "open"


@pytest.mark.parametrize("query", [{"loan": "x"}, {"state": "paid"}, {"state": "\x00"}])
def test_bad_filters_are_told(alice: Borrower, query: dict[str, str]) -> None:
    assert alice.client().get(LIST, query).status_code == 400


def test_words_that_are_too_long_are_told(alice: Borrower, offer: RearrangementOffer) -> None:
    client = alice.client()
    assert post(client, offer, "refusal", reason="x" * 301).json()["errors"][0]["field"] == "reason"
    assert post(client, offer, "refusal", reason="x" * 300).status_code == 200


def test_somebody_elses_offer_is_not_found(alice: Borrower, offer: RearrangementOffer) -> None:
    bob = borrower("bob").client()
    form = form_of(alice.client(), offer)["id"]
    assert bob.get(LIST).json()["results"] == []
    answers = [bob.get(f"{LIST}/{offer.pk}"), bob.post(f"{LIST}/{offer.pk}/disclosure"),
               post(bob, offer, "confirmation", disclosure=form), post(bob, offer, "refusal")]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404] * 4
    assert fresh(offer).state == "open"


def test_strangers_sign_in_and_strange_devices_confirm_nothing(alice: Borrower, offer: RearrangementOffer) -> None:
    assert [APIClient().get(LIST).status_code, post(APIClient(), offer, "refusal").status_code] == [401, 401]
    client = alice.client()
    form = form_of(client, offer)["id"]
    Device.objects.update(verified_at=None)
    answer = post(client, offer, "confirmation", disclosure=form)
    assert (answer.status_code, answer.json()["code"]) == (403, "device_not_verified")
    assert fresh(offer).state == "open"


def test_the_list_asks_as_much_for_one_as_for_four(alice: Borrower, django_assert_max_num_queries: Any) -> None:
    for _ in range(4):
        made = offered(active_loan(alice, days=30), TODAY)
        refuse(alice, made, TODAY)
    client = alice.client()
    with django_assert_max_num_queries(6):
        assert len(client.get(LIST).json()["results"]) == 4


def test_what_was_offered_is_exported(alice: Borrower, offer: RearrangementOffer) -> None:
    refuse(alice, offer, TODAY, "no thanks")
    (row,) = alice.client().get("/api/v1/me/export").json()["loans"]["rearrangement_offers"]
    assert (row["state"], row["answer"]) == ("refused", "no thanks")
