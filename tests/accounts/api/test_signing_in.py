"""Tokens and devices: who gets in, with what, and how it ends."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as PlainClient
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Customer, CustomerToken, Device
from accounts.services.login import customer_login
from tests.accounts.builders import AT, Client, client_make, customer_make

pytestmark = pytest.mark.django_db

READS = ["me", "me/bank-cards", "me/consents", "me/export", "me/devices", "notifications"]
DEVICE = "019a0000-0000-7000-8000-000000000000"
WRITES = [
    ("post", "auth/logout"),
    ("post", "auth/logout-all"),
    ("patch", "me"),
    ("post", "me/identity"),
    ("post", "me/bank-cards"),
    ("post", "me/payment-password"),
    ("post", "me/consents/marketing/withdrawal"),
    ("post", "me/deletion"),
    ("post", f"me/devices/{DEVICE}/verification"),
    ("patch", f"notifications/{DEVICE}"),
]


def code_of(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail"} <= set(body)
    return answer.status_code, body["code"]


def test_a_code_gives_a_token_that_opens_the_api(anonymous: Client) -> None:
    answer = anonymous.call("post", "auth/token", {"wechat_code": "sandbox:alice"})
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "expires_at"}
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert anonymous.call("get", "me").json()["openid"] == "alice"


@pytest.mark.parametrize("wechat_code", ["alice", "sandbox:", "sandbox:" + "x" * 200])
def test_a_wrong_code_is_refused(anonymous: Client, wechat_code: str) -> None:
    answer = anonymous.call("post", "auth/token", {"wechat_code": wechat_code})
    assert code_of(answer) == (401, "wechat_code_invalid")
    assert Customer.objects.count() == 0


@pytest.mark.parametrize("body", [{}, {"wechat_code": None}, {"wechat_code": ["a"]}, {"wechat_code": "x" * 301}])
def test_a_body_without_a_code_is_refused(anonymous: Client, body: Any) -> None:
    answer = anonymous.call("post", "auth/token", body)
    assert code_of(answer) == (400, "invalid")
    assert answer.json()["errors"][0]["field"] == "wechat_code"


def test_log_in_is_throttled_per_address(anonymous: Client, settings: Settings) -> None:
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "sign_in": (2, 3600)}
    codes = [anonymous.call("post", "auth/token", {"wechat_code": "no"}).status_code for _ in range(3)]
    assert codes == [401, 401, 429]
    assert code_of(anonymous.call("post", "auth/token", {"wechat_code": "no"})) == (429, "rate_limited")


@pytest.mark.parametrize("path", READS)
def test_nobody_reads_without_signing_in(anonymous: Client, path: str) -> None:
    assert code_of(anonymous.call("get", path)) == (401, "not_authenticated")


@pytest.mark.dealt
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_nobody_writes_without_signing_in(anonymous: Client, method: str, path: str) -> None:
    assert code_of(anonymous.call(method, path, {})) == (401, "not_authenticated")


@pytest.mark.dealt
@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer a b",
        "Bearer \x00",
        "Bearer ÿþ",
        "Bearer\tx",
        "bearer x",
        "Bearer ' OR 1=1",
        "Bearer " + "张三".encode().decode("latin-1"),
        "Bearer x,y",
        "Bearer " + "x" * 70_000,
        "Bearer " + "f" * 64,
        "Bearer " + "g" * 5000,
    ],
)
def test_a_token_that_is_none_is_refused(anonymous: Client, header: str) -> None:
    anonymous.credentials(HTTP_AUTHORIZATION=header)
    assert code_of(anonymous.call("get", "me")) == (401, "authentication_failed")


def test_a_real_token_with_one_letter_changed_is_refused(anonymous: Client, alice: Customer) -> None:
    _, token = customer_login(wechat_code="sandbox:alice", at=AT, ip=None)
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {token[:-1]}{'0' if token[-1] != '0' else '1'}")
    assert anonymous.call("get", "me").status_code == 401


def test_an_expired_token_is_refused_and_another_of_the_same_customer_stays_good(alice: Customer) -> None:
    first, second = client_make(alice), client_make(alice)
    row = CustomerToken.objects.order_by("-created")[0]
    CustomerToken.objects.filter(pk=row.pk).update(expiry=timezone.now() - timedelta(seconds=1))
    assert [client.call("get", "me").status_code for client in (first, second)] == [200, 401]


def test_logging_out_revokes_this_token_at_once(alice: Customer) -> None:
    first, second = client_make(alice), client_make(alice)
    assert first.call("post", "auth/logout").status_code == 204
    assert code_of(first.call("get", "me")) == (401, "authentication_failed")
    assert second.call("get", "me").status_code == 200


def test_logging_out_everywhere_revokes_every_token_of_this_customer_only(alice: Customer) -> None:
    first, second, bob = client_make(alice), client_make(alice), client_make(customer_make("bob"))
    assert first.call("post", "auth/logout-all").status_code == 204
    assert [client.call("get", "me").status_code for client in (first, second, bob)] == [401, 401, 200]


def test_an_erased_customers_token_opens_nothing(alice: Customer) -> None:
    client = client_make(alice)
    Customer.objects.filter(pk=alice.pk).update(erased_at=alice.created_at)
    assert client.call("get", "me").status_code == 401


def test_a_session_of_staff_is_no_customer(admin_client: PlainClient) -> None:
    assert admin_client.get("/api/v1/me").status_code == 401


# --- X-Device-Id --------------------------------------------------------------------------------------------------


@pytest.mark.req("R35")
def test_an_unsafe_call_without_a_device_is_refused(alice: Customer) -> None:
    client = client_make(alice, device="")
    assert code_of(client.call("patch", "me", {"student": True})) == (400, "device_id_required")
    assert client.call("get", "me").status_code == 200
    assert Device.objects.count() == 0


@pytest.mark.req("R35")
@pytest.mark.parametrize("device", ["x" * 201, "a\x00b", "a\x7fb"])
def test_a_device_id_that_is_none_is_refused(alice: Customer, device: str) -> None:
    client = client_make(alice, device=device)
    assert code_of(client.call("get", "me")) == (400, "device_id_required")
    assert Device.objects.count() == 0


@pytest.mark.req("R35")
def test_a_device_is_recorded_once_with_its_address(alice: Customer) -> None:
    client = client_make(alice, device="x" * 200)
    client.call("get", "me")
    client.call("get", "me")
    device = Device.objects.get(customer=alice)
    assert (device.fingerprint, device.last_ip, device.is_verified) == ("x" * 200, "127.0.0.1", False)


def test_a_forwarded_address_is_believed_from_our_proxies_only(alice: Customer, settings: Settings) -> None:
    client = client_make(alice)
    client.get("/api/v1/me", headers={"X-Forwarded-For": "203.0.113.9"})
    assert Device.objects.get().last_ip == "127.0.0.1"
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    client.get("/api/v1/me", headers={"X-Forwarded-For": "203.0.113.9"})
    assert Device.objects.get().last_ip == "203.0.113.9"
