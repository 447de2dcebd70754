"""Devices, consents, notices, export and deletion: a customer's own and nobody else's."""

from datetime import date
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts import personal_data
from accounts.models import Customer, Notification
from accounts.services.consent import consent_grant
from accounts.services.notification import notification_send
from tests.accounts.api.test_signing_in import code_of
from tests.accounts.builders import AT, PASSWORD, Client, client_make, customer_make, device_make, id_number_of
from weilidai.lib.audit import Actor

pytestmark = pytest.mark.django_db
FACTORS = {"payment_password": PASSWORD, "face_token": "ok", "voice_token": "ok"}


def verify(client: Client, device_id: Any, **factors: Any) -> Any:
    return client.call("post", f"me/devices/{device_id}/verification", {**FACTORS, **factors})


@pytest.mark.req("R35")
def test_a_new_device_is_listed_and_verified(alice: Customer, alice_client: Client) -> None:
    listed = alice_client.call("get", "me/devices").json()["results"]
    assert [(device["device_id"], device["verified"]) for device in listed] == [("phone", False)]
    answer = verify(alice_client, listed[0]["id"])
    assert (answer.status_code, answer.json()["verified"]) == (200, True)


@pytest.mark.req("R35", "R51", "R11")
@pytest.mark.parametrize(
    ("factors", "code"),
    [
        ({"payment_password": "000000"}, (422, "payment_password_wrong")),
        ({"face_token": "bad"}, (422, "verification_failed")),
        ({"voice_token": "bad"}, (422, "verification_failed")),
        ({"voice_token": "rate:0.003"}, (422, "verification_failed")),
        ({"face_token": None}, (400, "invalid")),
        ({"voice_token": ["ok"]}, (400, "invalid")),
        ({"face_token": "x" * 2001}, (400, "invalid")),
        ({"payment_password": {}}, (400, "invalid")),
    ],
)
def test_a_factor_that_fails_verifies_nothing(alice: Customer, factors: dict[str, Any], code: Any) -> None:
    device = device_make(alice)
    assert code_of(verify(client_make(alice), device.pk, **factors)) == code
    device.refresh_from_db()
    assert not device.is_verified


@pytest.mark.req("R12")
def test_failures_stay_counted_although_the_answer_is_an_error(alice: Customer, alice_client: Client) -> None:
    device = device_make(alice)
    answers = [verify(alice_client, device.pk, face_token="bad") for _ in range(4)]
    assert [answer.json().get("attempts_left") for answer in answers] == [3, 2, 1, None]
    assert code_of(answers[3]) == (423, "verification_locked")
    assert "good light" in answers[3].json()["title"]
    state = alice_client.call("get", "me").json()["verification"]
    assert (state["locked"], state["attempts_left"]) == (True, 0)
    assert state["retry_at"] is not None
    assert code_of(verify(alice_client, device.pk)) == (423, "verification_locked")


@pytest.mark.req("R35")
def test_anothers_device_does_not_exist(alice_client: Client) -> None:
    device = device_make(customer_make("bob"), "bobs-phone")
    assert code_of(verify(alice_client, device.pk)) == (404, "not_found")
    assert alice_client.call("post", "me/devices/7/verification", FACTORS).status_code == 404
    listed = alice_client.call("get", "me/devices").json()["results"]
    assert [row["device_id"] for row in listed] == ["phone"]


# --- Consents -----------------------------------------------------------------------------------------------------


def grant(customer: Customer) -> None:
    consent_grant(customer=customer, code="marketing", source="app", actor=Actor.of(customer), at=AT)


@pytest.mark.req("R55")
def test_a_consent_is_withdrawn_once(alice: Customer, alice_client: Client) -> None:
    grant(alice)
    answer = alice_client.call("post", "me/consents/marketing/withdrawal")
    assert (answer.status_code, answer.json()["code"]) == (200, "marketing")
    assert answer.json()["withdrawn_at"] is not None
    assert code_of(alice_client.call("post", "me/consents/marketing/withdrawal")) == (404, "not_found")
    assert [row["code"] for row in alice_client.call("get", "me/consents").json()["results"]] == ["marketing"]


@pytest.mark.req("R55")
@pytest.mark.parametrize("code", ["marketing", "no-such-consent", "x" * 3000, "%00", "营销"])
def test_anothers_or_no_consent_does_not_exist(alice_client: Client, code: str) -> None:
    bob = customer_make("bob")
    grant(bob)
    assert alice_client.call("post", f"me/consents/{code}/withdrawal").status_code == 404
    assert bob.consents.get().withdrawn_at is None
    assert alice_client.call("get", "me/consents").json()["results"] == []


# --- Notices ------------------------------------------------------------------------------------------------------


def notify(customer: Customer, number: int = 1) -> Notification:
    return notification_send(
        customer=customer, kind="due_today", params={"amount": "12.30"}, dedupe_key=f"{customer.openid}:{number}",
        business_date=date(2026, 11, 20),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "title", "body"),
    [
        ("en", "Repayment due today", "12.30 yuan are due today."),
        ("en-GB", "Repayment due today", "12.30 yuan are due today."),
    ],
)
def test_notices_speak_the_readers_language(
    alice: Customer, alice_client: Client, language: str, title: str, body: str
) -> None:
    notify(alice)
    answer = alice_client.get("/api/v1/notifications", headers={"Accept-Language": language}).json()["results"][0]
    assert (answer["title"], answer["body"], answer["params"], answer["read"]) == (
        title,
        body,
        {"amount": "12.30"},
        False,
    )


def test_notices_come_newest_first_in_pages_at_a_fixed_number_of_queries(
    alice: Customer, alice_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice_client.call("get", "me")
    # Keys of one millisecond have no order of writing, so the order of keys is what counts.
    rows = sorted(str(notify(alice, number).pk) for number in range(25))
    with django_assert_max_num_queries(4):
        page = alice_client.call("get", "notifications").json()
    assert [row["id"] for row in page["results"]] == rows[:4:-1]
    assert [row["id"] for row in alice_client.get(page["next"]).json()["results"]] == rows[4::-1]


def test_a_notice_is_marked_read_and_unread(alice: Customer, alice_client: Client) -> None:
    path = f"notifications/{notify(alice).pk}"
    assert alice_client.call("patch", path, {"read": True}).json()["read"] is True
    assert alice_client.call("patch", path, {"read": False}).json()["read"] is False


@pytest.mark.parametrize("body", [{}, {"read": None}, {"read": "perhaps"}, {"read": []}, {"read": {}}])
def test_read_is_true_or_false(alice: Customer, alice_client: Client, body: Any) -> None:
    answer = alice_client.call("patch", f"notifications/{notify(alice).pk}", body)
    assert code_of(answer) == (400, "invalid")


def test_anothers_notice_does_not_exist(alice_client: Client) -> None:
    notice = notify(customer_make("bob"))
    assert code_of(alice_client.call("patch", f"notifications/{notice.pk}", {"read": True})) == (404, "not_found")
    assert Notification.objects.get().read_at is None
    assert alice_client.call("get", "notifications").json()["results"] == []


# --- Export and deletion ------------------------------------------------------------------------------------------


@pytest.mark.req("R55")
def test_export_gives_the_customer_the_plain_data(alice_client: Client) -> None:
    customer_make("bob")
    answer = alice_client.call("get", "me/export")
    assert answer.status_code == 200
    assert answer.json()["profile"]["id_number"] == id_number_of(1)
    assert "bob" not in answer.content.decode()


@pytest.mark.req("R55")
def test_deletion_ends_every_token(alice_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "_blockers", {"debts": lambda customer: False})
    assert alice_client.call("post", "me/deletion").status_code == 204
    assert alice_client.call("get", "me").status_code == 401
    assert not Customer.objects.filter(openid="alice").exists()


@pytest.mark.req("R55")
def test_deletion_is_refused_while_a_debt_is_open(alice_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "_blockers", {"debts": lambda customer: True})
    assert code_of(alice_client.call("post", "me/deletion")) == (409, "deletion_not_possible")
    assert alice_client.call("get", "me").json()["openid"] == "alice"
