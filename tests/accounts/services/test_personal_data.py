"""R55: see, export, erase; and staff's reads of full numbers are in the trail."""

import pytest

from accounts import personal_data
from accounts.errors import DeletionRefused
from accounts.models import BankCard, Customer, CustomerToken, Device, ErasedOpenid, VerificationAttempt
from accounts.models.erased import erased_hash
from accounts.services.consent import consent_grant
from accounts.services.login import customer_login
from accounts.services.personal_data import customer_delete, customer_export, full_number_reveal
from tests.accounts.builders import (
    AT,
    NAME,
    PHONE,
    biometrics,
    card_number_of,
    customer_make,
    device_make,
    id_number_of,
)
from tests.accounts.test_encryption import everything_stored
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid, ObjectNotFound
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R55")]
COLLECTOR = Actor("staff", "7", "dora")


@pytest.fixture(autouse=True)
def debtors(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Openids with an open debt; nobody else above is asked."""
    names: set[str] = set()
    monkeypatch.setattr(personal_data, "_blockers", {"debts": lambda customer: customer.openid in names})
    monkeypatch.setattr(personal_data, "_exporters", {})
    return names


def test_the_export_holds_everything_in_plain(alice: Customer) -> None:
    personal_data.register_exporter("loans", lambda customer: [{"of": customer.openid}])
    device_make(alice)
    held = customer_export(customer=alice, at=AT)
    profile = held["profile"]
    assert (profile["name"], profile["id_number"], profile["phone"]) == (NAME, id_number_of(1), PHONE)
    assert [card["number"] for card in profile["bank_cards"]] == [card_number_of(1)]
    assert [device["fingerprint"] for device in profile["devices"]] == ["phone"]
    assert held["loans"] == [{"of": "alice"}]
    assert AuditEvent.objects.filter(action="customer.export", customer_id=alice.pk).count() == 1


def test_erased_is_erased(alice: Customer) -> None:
    customer_login(wechat_code="sandbox:alice", at=AT, ip=None)
    device_make(alice)
    biometrics(alice)
    consent_grant(customer=alice, code="marketing", source="app", actor=Actor.of(alice), at=AT)
    row = customer_delete(customer=alice, at=AT)
    assert not row.is_active
    assert not CustomerToken.objects.filter(user=alice).exists()
    assert alice.consents.get().withdrawn_at == AT
    assert VerificationAttempt.objects.get().ip is None
    assert (Device.objects.get().user_agent, Device.objects.get().last_ip) == ("", None)
    found = customer_export(customer=row, at=AT)["profile"]
    assert (found["name"], found["id_number"], found["phone"], found["birth_date"]) == ("", "", "", None)
    assert (found["bank_cards"][0]["number"], found["bank_cards"][0]["phone"]) == ("", "")
    # What search by hash could still find is gone too; the trail of what was done stays.
    assert Customer.objects.exclude(name_hash="", phone_hash="").count() == 0
    assert AuditEvent.objects.filter(action="customer.erased", customer_id=alice.pk).count() == 1
    assert "203.0.113.7" not in "\n".join(str(v) for v in Device.objects.values_list())
    assert id_number_of(1) not in everything_stored()


def test_a_keyed_hash_alone_is_left_of_the_openid_until_the_person_signs_in_anew(alice: Customer) -> None:
    customer_delete(customer=alice, at=AT)
    assert ErasedOpenid.objects.get().openid_hash == erased_hash("alice")
    assert "alice" not in str(list(Customer.objects.values_list("openid", flat=True)))
    customer_login(wechat_code="sandbox:alice", at=AT, ip=None)
    assert not ErasedOpenid.objects.exists()
    assert Customer.objects.get(openid="alice").pk != alice.pk


def test_the_person_may_come_back_as_a_new_customer(alice: Customer) -> None:
    customer_delete(customer=alice, at=AT)
    again = customer_make("alice")
    assert again.pk != alice.pk
    assert again.is_identity_verified


def test_a_debtor_is_not_erased(alice: Customer, debtors: set[str]) -> None:
    debtors.add("alice")
    with pytest.raises(DeletionRefused):
        customer_delete(customer=alice, at=AT)
    assert Customer.objects.get(pk=alice.pk).name == NAME
    assert BankCard.objects.get(customer=alice).removed_at is None


def test_one_persons_debt_keeps_nobody_else(alice: Customer, debtors: set[str]) -> None:
    debtors.add("alice")
    assert not customer_delete(customer=customer_make("bob"), at=AT).is_active


def test_while_nobody_answers_for_debts_nobody_is_erased(alice: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "_blockers", {})
    with pytest.raises(DeletionRefused):
        customer_delete(customer=alice, at=AT)


def reveal(customer: Customer, field: str, reason: str = "called back") -> str:
    return full_number_reveal(customer=customer, field=field, actor=COLLECTOR, reason=reason)


@pytest.mark.parametrize(("field", "plain"), [("phone", PHONE), ("id_number", id_number_of(1)), ("name", NAME)])
def test_a_full_number_is_read_with_a_trace(alice: Customer, field: str, plain: str) -> None:
    assert reveal(alice, field) == plain
    event = AuditEvent.objects.get(action=f"customer.read_{field}")
    assert (event.actor_name, event.reason, event.customer_id) == ("dora", "called back", alice.pk)
    assert plain not in str(event.after)


def test_no_reason_no_number(alice: Customer) -> None:
    with pytest.raises(FieldInvalid):
        reveal(alice, "phone", "  ")


@pytest.mark.parametrize("field", ["payment_password_hash", "openid", "delete", ""])
def test_no_other_field_is_read_this_way(alice: Customer, field: str) -> None:
    with pytest.raises(ObjectNotFound):
        reveal(alice, field)
