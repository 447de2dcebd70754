"""Every act over the API leaves its rows in the audit trail exactly once; reading and failing leave none."""

from typing import Any

import pytest

from accounts import personal_data
from accounts.models import Customer
from accounts.services.consent import consent_grant
from tests.accounts.builders import AT, NAME, PASSWORD, PHONE, Client, card_number_of, device_make, id_number_of
from weilidai.lib.audit import Actor
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R55")]
PAPERS = {"name": NAME, "id_number": id_number_of(3)}
CARD = {"number": card_number_of(8), "holder": NAME, "phone": PHONE}
FACTORS = {"payment_password": PASSWORD, "face_token": "ok", "voice_token": "ok"}


def trail(client: Client, method: str, path: str, body: Any = None) -> tuple[int, list[str]]:
    """The answer's code and the acts recorded by it."""
    client.call("get", "me")
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    answer = client.call(method, path, body)
    events = AuditEvent.objects.exclude(pk__in=before).order_by("action")
    assert {(event.actor_kind, event.subject_id != "") for event in events} <= {("customer", True)}
    return answer.status_code, [event.action for event in events]


@pytest.mark.dealt
@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("post", "auth/logout", None, (204, ["customer.logout"])),
        ("post", "auth/logout-all", None, (204, ["customer.logout_all"])),
        ("patch", "me", {"occupation": "salaried"}, (200, ["customer.profile"])),
        ("patch", "me", {}, (200, [])),
        ("post", "me/bank-cards", CARD, (201, ["bank_card.bound"])),
        ("post", "me/bank-cards", {**CARD, "number": card_number_of(1)}, (201, [])),
        ("post", "me/bank-cards", {**CARD, "holder": "李四"}, (422, [])),
        ("post", "me/identity", {"name": NAME, "id_number": id_number_of(1)}, (200, [])),
        ("post", "me/identity", PAPERS, (409, [])),
        ("post", "me/payment-password", {"new": "246802", "current": PASSWORD}, (204, ["payment_password.set"])),
        ("post", "me/payment-password", {"new": "246802", "current": "000000"}, (422, [])),
        ("post", "me/consents/marketing/withdrawal", None, (200, ["consent.withdrawn"])),
        ("post", "me/consents/ecny/withdrawal", None, (404, [])),
        ("get", "me/export", None, (200, ["customer.export"])),
        ("post", "me/deletion", None, (204, ["customer.erased"])),
        ("get", "me/devices", None, (200, [])),
        ("get", "notifications", None, (200, [])),
    ],
)
def test_an_act_is_recorded_once(
    alice: Customer, alice_client: Client, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: Any,
    expected: Any,
) -> None:  # fmt: skip
    monkeypatch.setattr(personal_data, "_blockers", {"debts": lambda customer: False})
    consent_grant(customer=alice, code="marketing", source="app", actor=Actor.of(alice), at=AT)
    assert trail(alice_client, method, path, body) == expected


def test_a_newcomers_papers_are_recorded_once(newcomer_client: Client) -> None:
    assert trail(newcomer_client, "post", "me/identity", PAPERS) == (200, ["customer.identity_verified"])
    assert trail(newcomer_client, "post", "me/payment-password", {"new": "246802"}) == (204, ["payment_password.set"])


def test_logging_in_is_recorded(anonymous: Client) -> None:
    assert anonymous.call("post", "auth/token", {"wechat_code": "no"}).status_code == 401
    assert AuditEvent.objects.count() == 0
    anonymous.call("post", "auth/token", {"wechat_code": "sandbox:alice"})
    rows = AuditEvent.objects.exclude(action="preset.load")
    assert [(row.action, row.ip) for row in rows] == [("customer.login", "127.0.0.1")]


@pytest.mark.req("R35")
def test_a_device_is_recorded_when_seen_and_when_verified(alice: Customer, alice_client: Client) -> None:
    path = f"me/devices/{device_make(alice).pk}/verification"
    assert trail(alice_client, "post", path, FACTORS) == (200, ["device.verified", "verification.passed"])
    assert trail(alice_client, "post", path, {**FACTORS, "face_token": "bad"}) == (422, ["verification.failed"])
    assert AuditEvent.objects.filter(action="device.seen").count() == 1


def test_no_row_of_the_trail_holds_what_is_secret(alice: Customer, newcomer_client: Client) -> None:
    newcomer_client.call("post", "me/identity", PAPERS)
    newcomer_client.call("post", "me/bank-cards", CARD)
    newcomer_client.call("post", "me/payment-password", {"new": "246802"})
    text = str(list(AuditEvent.objects.values()))
    secrets = [NAME, PHONE, PAPERS["id_number"], CARD["number"], "246802", PASSWORD]
    assert [secret for secret in secrets if secret in text] == []
