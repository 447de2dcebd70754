from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import BankCard
from risk.models import CreditApplication, CreditLine, Decision, Invitation
from risk.services.contest import contest_answer, contest_open
from tests.risk.api.client import Client, client_of
from tests.risk.builders import (
    AS_OF,
    AT,
    PASSWORD,
    assess,
    behaviour_create,
    customer_create,
    edge,
    invite,
    signed,
    staff_create,
    started,
    verified,
)

VERIFICATION = {"payment_password": PASSWORD, "face_token": "ok", "voice_token": "ok"}
KEY = {"Idempotency-Key": "k-1"}


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.json()["code"]) == (status, code), response.content
    assert response["Content-Type"].startswith("application/problem+json")
    return dict(response.json())


def sign_over_api(client: Client, application: dict[str, Any]) -> dict[str, Any]:
    for document in client.get(f"documents?product={application['product']}").json():
        body = {"document": document["id"], "sha256": document["sha256"]}
        response = client.post(f"applications/{application['id']}/signatures", body)
        assert response.status_code == 201
    return dict(response.json())


@pytest.mark.req("R9", "R10", "R11", "R13")
def test_the_whole_way_from_the_entry_to_the_line(alice: Client) -> None:
    behaviour_create(alice.customer)
    assert alice.get("entry?product=weilidai").json() == {
        "available": False, "reason": "not_invited", "reason_text": "This product is open by invitation only",
        "step": "hidden", "hints": [], "application": None, "credit_line": None, "appeal": None,
    }  # fmt: skip
    invite("alice")
    assert alice.get("entry?product=weilidai").json()["step"] == "apply"
    created = alice.post("applications", {"product": "weilidai"})
    application = created.json()
    assert (created.status_code, application["state"], len(application["missing_signatures"])) == (201, "started", 6)
    assert alice.get("entry?product=weilidai").json()["step"] == "sign_documents"
    application = sign_over_api(alice, application)
    assert (application["state"], application["missing_signatures"]) == ("documents_signed", [])
    assert alice.get("entry?product=weilidai").json()["step"] == "verify"
    path = f"applications/{application['id']}"
    assert alice.post(f"{path}/verifications", VERIFICATION).json()["state"] == "identity_verified"
    assert alice.get("entry?product=weilidai").json()["step"] == "assess"
    decision = alice.post(f"{path}/assessment", **KEY)
    assert decision.status_code == 200
    shown = decision.json()
    assert (shown["decision"], shown["tier"], len(shown["dimensions"])) == ("approved", "new", 5)
    assert set(shown["dimensions"][0]) == {"code", "name", "weight", "points"}
    assert all(reason["text"] for reason in shown["reasons"])
    entry = alice.get("entry?product=weilidai").json()
    assert (entry["step"], entry["credit_line"]["limit"]) == ("borrow", shown["limit"])
    assert entry["credit_line"]["available"] == shown["limit"]
    assert alice.get(path).json()["decision"]["id"] == shown["id"]


@pytest.mark.req("R1")
def test_starting_answers_why_not(alice: Client) -> None:
    refused(alice.post("applications", {"product": "weilidai"}), 403, "not_invited")
    refused(alice.post("applications", {"product": "huabei"}), 404, "not_found")
    refused(alice.post("applications", {}), 400, "invalid")
    refused(alice.post("applications", {"product": "../x"}), 400, "invalid")
    assert not CreditApplication.objects.exists()
    open_one = started(alice.customer)
    refused(alice.post("applications", {"product": "weilidai"}), 409, "application_open")
    assert CreditApplication.objects.get() == open_one


@pytest.mark.req("R1")
def test_a_lapsed_invitation_is_told_apart(alice: Client) -> None:
    invite("alice")
    Invitation.objects.update(expires_date="2026-11-19")
    refused(alice.post("applications", {"product": "weilidai"}), 403, "invitation_expired")
    entry = alice.get("entry?product=weilidai").json()
    assert (entry["available"], entry["reason"]) == (False, "invitation_expired")


def test_signatures_refuse_a_changed_an_unknown_and_a_malformed_text(alice: Client) -> None:
    application = started(alice.customer)
    path = f"applications/{application.pk}/signatures"
    document = alice.get("documents?product=weilidai").json()[0]
    refused(alice.post(path, {"document": document["id"], "sha256": "0" * 64}), 409, "document_changed")
    refused(alice.post(path, {"document": str(uuid4()), "sha256": "0" * 64}), 404, "not_found")
    refused(alice.post(path, {"document": document["id"], "sha256": "short"}), 400, "invalid")
    refused(alice.post(path, {"document": "x", "sha256": "0" * 64}), 400, "invalid")
    assert not application.signatures.exists()


@pytest.mark.req("R12")
def test_failed_verifications_are_counted_and_the_fourth_locks(alice: Client) -> None:
    path = f"applications/{signed(alice.customer).pk}/verifications"
    for left in (3, 2, 1):
        problem = refused(alice.post(path, {**VERIFICATION, "face_token": "bad"}), 422, "verification_failed")
        assert problem["attempts_left"] == left
    problem = refused(alice.post(path, {**VERIFICATION, "face_token": "bad"}), 423, "verification_locked")
    assert problem["retry_at"]
    refused(alice.post(path, VERIFICATION), 423, "verification_locked")


def test_verification_names_what_is_missing_first(alice: Client) -> None:
    application = started(alice.customer)
    path = f"applications/{application.pk}/verifications"
    assert len(refused(alice.post(path, VERIFICATION), 409, "signatures_missing")["missing"]) == 6
    refused(alice.post(path, {"payment_password": PASSWORD}), 400, "invalid")


@pytest.mark.req("R3")
def test_verification_without_a_card_is_refused(alice: Client) -> None:
    application = signed(alice.customer)
    BankCard.objects.update(removed_at="2026-11-20T10:00:00+08:00")
    refused(alice.post(f"applications/{application.pk}/verifications", VERIFICATION), 409, "bank_card_required")
    assert CreditApplication.objects.get().state == application.state == "documents_signed"


def test_assessment_needs_a_key_and_gives_its_first_answer_again(alice: Client) -> None:
    behaviour_create(alice.customer)
    path = f"applications/{verified(alice.customer).pk}/assessment"
    refused(alice.post(path), 400, "idempotency_key_required")
    first = alice.post(path, **KEY)
    again = alice.post(path, **KEY)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again["Idempotent-Replayed"] == "true"
    refused(alice.post(path, **{"Idempotency-Key": "k-2"}), 409, "transition_not_allowed")
    assert (Decision.objects.count(), CreditLine.objects.count()) == (1, 1)


@pytest.mark.req("R2")
def test_a_refusal_tells_its_reasons_in_the_language_asked_for(alice: Client) -> None:
    behaviour_create(alice.customer, score=599)
    application = verified(alice.customer)
    assess(application)
    shown = alice.get(f"applications/{application.pk}").json()
    assert (shown["state"], shown["decision"]["limit"], shown["decision"]["tier"]) == ("rejected", None, None)
    [reason] = shown["decision"]["reasons"]
    assert (reason["code"], reason["text"]) == (
        "score_below_minimum",
        "Your payment score is below the minimum of this product",
    )
    assert "once it is higher" in reason["advice"]


@pytest.mark.req("R55")
def test_a_decision_is_contested_once_at_a_time(alice: Client) -> None:
    behaviour_create(alice.customer, score=599)
    application = verified(alice.customer)
    path = f"applications/{application.pk}/contest"
    refused(alice.post(path, {"text": "why?"}), 409, "transition_not_allowed")
    assess(application)
    refused(alice.post(path, {"text": ""}), 400, "invalid")
    created = alice.post(path, {"text": "why?"})
    assert (created.status_code, created.json()["state"]) == (201, "open")
    refused(alice.post(path, {"text": "why?"}), 409, "contest_open")
    [shown] = alice.get(path).json()
    assert (shown["text"], shown["state"], shown["answer"], shown["answered_at"]) == ("why?", "open", "", None)


@pytest.mark.req("R55")
def test_what_was_contested_is_read_by_its_customer_only(alice: Client) -> None:
    behaviour_create(alice.customer, score=599)
    application = verified(alice.customer)
    path = f"applications/{application.pk}/contest"
    assert alice.get(path).json() == []
    assess(application)
    contest = contest_open(application_id=application.pk, customer=alice.customer, text="why?", **edge(alice.customer))
    contest_answer(
        contest_id=contest.pk, revised=False, answer="the score was right", user=staff_create(), as_of=AS_OF, at=AT
    )
    [shown] = alice.get(path).json()
    assert (shown["state"], shown["answer"]) == ("upheld", "the score was right")
    refused(client_of(customer_create("bob")).get(path), 404, "not_found")
    assert APIClient().get(f"/api/v1/{path}").status_code == 401


def test_a_customer_cancels(alice: Client) -> None:
    application = started(alice.customer)
    assert alice.post(f"applications/{application.pk}/cancellation").json()["state"] == "cancelled"
    refused(alice.post(f"applications/{application.pk}/cancellation"), 409, "transition_not_allowed")


STEPS = ("signatures", "verifications", "assessment", "contest", "cancellation")
BODIES: dict[str, Any] = {
    "signatures": {"document": str(uuid4()), "sha256": "0" * 64},
    "verifications": VERIFICATION,
    "contest": {"text": "why?"},
}


@pytest.mark.parametrize("step", STEPS)
def test_somebody_elses_application_is_not_found_by_any_step(alice: Client, bob: Client, step: str) -> None:
    application = started(alice.customer)
    refused(bob.get(f"applications/{application.pk}"), 404, "not_found")
    refused(bob.post(f"applications/{application.pk}/{step}", BODIES.get(step), **KEY), 404, "not_found")
    assert bob.get("applications").json()["results"] == []


@pytest.mark.parametrize("step", STEPS)
def test_malformed_ids_are_not_found(alice: Client, step: str) -> None:
    assert alice.get("applications/123").status_code == 404
    assert alice.post(f"applications/not-a-uuid/{step}", BODIES.get(step), **KEY).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["entry?product=weilidai", "products", "products/weilidai", "documents?product=weilidai", "applications",
     "credit-lines", "me/auxiliary-items"],
)  # fmt: skip
def test_nobody_reads_without_signing_in(path: str) -> None:
    answer = APIClient().get(f"/api/v1/{path}")
    refused(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_own_applications_are_listed_newest_first_and_filtered(alice: Client) -> None:
    first = started(alice.customer)
    second = started(alice.customer, "jiebei")
    listed = alice.get("applications").json()
    assert [row["id"] for row in listed["results"]] == [str(second.pk), str(first.pk)]
    assert set(listed) == {"results", "next", "previous"}
    assert [row["product"] for row in alice.get("applications?product=jiebei").json()["results"]] == ["jiebei"]
    assert alice.get("applications?state=approved").json()["results"] == []
