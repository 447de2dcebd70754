"""Log-in, devices, consents, notices, the profile."""

from datetime import date, timedelta

import pytest

from accounts.errors import DeviceNotVerified, PaymentPasswordWrong, VerificationFailed
from accounts.models import Consent, Customer, CustomerToken, Device, Notification
from accounts.services.consent import consent_grant, consent_withdraw
from accounts.services.device import device_require_verified, device_verify
from accounts.services.login import customer_login
from accounts.services.notification import notification_mark, notification_send
from accounts.services.profile import profile_update
from accounts.services.verification import Verdict
from tests.accounts.builders import AT, PASSWORD, POLICY, customer_make, device_make
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.models import AuditEvent

pytestmark = pytest.mark.django_db


def audited(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def test_the_first_log_in_makes_the_customer_and_the_second_finds_it() -> None:
    rows = [customer_login(wechat_code="sandbox:alice", at=AT, ip="203.0.113.7")[0] for _ in range(2)]
    assert rows[0].user == rows[1].user == Customer.objects.get(openid="alice")
    assert audited("customer.login") == 2


def test_only_a_hash_of_the_token_is_kept() -> None:
    row, token = customer_login(wechat_code="sandbox:alice", at=AT, ip=None)
    assert token not in (row.digest, row.token_key)


def test_log_in_tidies_the_customers_expired_tokens() -> None:
    old, _ = customer_login(wechat_code="sandbox:alice", at=AT, ip=None)
    customer_login(wechat_code="sandbox:bob", at=AT, ip=None)
    assert old.expiry is not None
    customer_login(wechat_code="sandbox:alice", at=old.expiry - timedelta(seconds=1), ip=None)
    assert CustomerToken.objects.filter(pk=old.pk).exists()
    customer_login(wechat_code="sandbox:alice", at=old.expiry, ip=None)
    assert not CustomerToken.objects.filter(pk=old.pk).exists()
    assert CustomerToken.objects.filter(user__openid="bob").count() == 1


# --- Devices ------------------------------------------------------------------------------------------------------


def second_verification(device: Device, password: str = PASSWORD, face: str = "ok") -> Verdict:
    return device_verify(
        device=device, payment_password=password, face_token=face, voice_token="ok", policy=POLICY, ip=None, at=AT
    )


@pytest.mark.req("R35")
def test_a_new_device_moves_no_money_until_verified(alice: Customer) -> None:
    device = device_make(alice)
    with pytest.raises(DeviceNotVerified):
        device_require_verified(device)
    assert second_verification(device).passed
    device_require_verified(Device.objects.get(pk=device.pk))
    assert (audited("device.seen"), audited("device.verified")) == (1, 1)


@pytest.mark.req("R35")
def test_no_device_is_no_verified_device() -> None:
    with pytest.raises(DeviceNotVerified):
        device_require_verified(None)


@pytest.mark.req("R35")
def test_password_first_then_biometrics_and_either_refuses(alice: Customer) -> None:
    device = device_make(alice)
    assert isinstance(second_verification(device, password="000000", face="bad").error, PaymentPasswordWrong)
    assert alice.verification_attempts.count() == 0
    assert isinstance(second_verification(device, face="bad").error, VerificationFailed)
    assert not Device.objects.get(pk=device.pk).is_verified


@pytest.mark.req("R35")
def test_the_same_fingerprint_is_another_device_for_another_customer(alice: Customer) -> None:
    device_make(alice, verified=True)
    assert not device_make(customer_make("bob")).is_verified


def test_a_device_seen_again_is_the_same_row(alice: Customer) -> None:
    assert device_make(alice).pk == device_make(alice).pk
    assert audited("device.seen") == 1


# --- Consents -----------------------------------------------------------------------------------------------------


def grant(customer: Customer) -> Consent:
    return consent_grant(customer=customer, code="marketing", source="app", actor=Actor.of(customer), at=AT)


def withdraw(customer: Customer) -> Consent:
    return consent_withdraw(customer=customer, code="marketing", actor=Actor.of(customer), at=AT)


@pytest.mark.req("R55")
def test_a_consent_is_granted_once_withdrawn_once_and_may_be_granted_anew(alice: Customer) -> None:
    assert grant(alice).pk == grant(alice).pk
    assert withdraw(alice).withdrawn_at == AT
    with pytest.raises(ObjectNotFound):
        withdraw(alice)
    grant(alice)
    assert alice.consents.count() == 2
    assert (audited("consent.granted"), audited("consent.withdrawn")) == (2, 1)


@pytest.mark.req("R55")
def test_nobody_withdraws_anothers_consent(alice: Customer) -> None:
    grant(alice)
    with pytest.raises(ObjectNotFound):
        withdraw(customer_make("bob"))


# --- Notices ------------------------------------------------------------------------------------------------------


def notify(customer: Customer, amount: str = "1.00") -> Notification:
    return notification_send(
        customer=customer, kind="due_today", params={"amount": amount}, dedupe_key="due_today:1",
        business_date=date(2026, 11, 20),
    )  # fmt: skip


@pytest.mark.req("R60")
def test_a_notice_is_written_once_per_key(alice: Customer) -> None:
    assert notify(alice).pk == notify(alice, "2.00").pk
    assert Notification.objects.get().params == {"amount": "1.00"}


def test_the_first_time_of_reading_stays(alice: Customer) -> None:
    notice = notify(alice)
    notification_mark(notification=notice, read=True, at=AT)
    assert notification_mark(notification=notice, read=True, at=AT + timedelta(hours=1)).read_at == AT
    assert notification_mark(notification=notice, read=False, at=AT).read_at is None


# --- Profile ------------------------------------------------------------------------------------------------------


def test_only_what_customers_may_say_is_written(alice: Customer) -> None:
    changes = {"occupation": "micro_merchant", "name": "Mallory", "identity_verified_at": None}
    row = profile_update(customer=alice, changes=changes, at=AT)
    assert (row.occupation, row.name, row.is_identity_verified) == ("micro_merchant", "张三", True)
    event = AuditEvent.objects.get(action="customer.profile")
    assert (event.before, event.after) == ({"declared_occupation": ""}, {"declared_occupation": "micro_merchant"})


def test_nothing_said_leaves_no_trace(alice: Customer) -> None:
    profile_update(customer=alice, changes={"openid": "bob"}, at=AT)
    assert audited("customer.profile") == 0


@pytest.mark.req("R50")
def test_a_student_by_the_feed_stays_one_whatever_the_profile_says(alice: Customer) -> None:
    Customer.objects.filter(pk=alice.pk).update(registered_occupation="student")
    assert profile_update(customer=alice, changes={"occupation": "salaried", "student": False}, at=AT).is_student
