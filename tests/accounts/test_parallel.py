"""Many requests at once: nothing is counted twice, lost, or done twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from accounts.errors import (
    ContactDailyLimit,
    IdentityRefused,
    PaymentPasswordLocked,
    PaymentPasswordWrong,
    VerificationFailed,
    VerificationLocked,
)
from accounts.models import BankCard, ContactAttempt, Customer, Device
from accounts.services.contact import call_record, contact_rules_preset
from accounts.services.identity import bank_card_add, identity_verify
from accounts.services.login import customer_login
from accounts.services.verification import payment_password_check, payment_password_set
from tests.accounts.builders import (
    AS_OF,
    AT,
    NAME,
    PHONE,
    biometrics,
    card_number_of,
    customer_make,
    device_make,
    id_number_of,
)
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(transactional_db: None) -> Customer:
    return customer_make("alice")


def at_once(act: Callable[[], Any], times: int = 8) -> list[Any]:
    def run(_: int) -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


@pytest.mark.req("R11")
def test_guesses_at_once_get_five_tries_and_no_more(alice: Customer) -> None:
    verdicts = at_once(lambda: payment_password_check(customer=alice, password="000000", at=AT))
    kinds = [type(verdict.error) for verdict in verdicts]
    assert (kinds.count(PaymentPasswordWrong), kinds.count(PaymentPasswordLocked)) == (4, 4)
    assert Customer.objects.get(pk=alice.pk).payment_password_failed_count == 5


@pytest.mark.req("R12")
def test_failures_at_once_lock_at_the_fourth(alice: Customer) -> None:
    kinds = [type(verdict.error) for verdict in at_once(lambda: biometrics(alice, face="bad"))]
    assert (kinds.count(VerificationFailed), kinds.count(VerificationLocked)) == (3, 5)
    assert alice.verification_attempts.count() == 4


@pytest.mark.req("R3")
def test_one_card_bound_at_once_is_one_row(alice: Customer) -> None:
    def bind() -> BankCard:
        return bank_card_add(
            customer=alice, number=card_number_of(9), holder=NAME, phone=PHONE, actor=Actor.of(alice), as_of=AS_OF,
            at=AT,
        )  # fmt: skip

    assert len({card.pk for card in at_once(bind)}) == 1
    assert BankCard.objects.filter(customer=alice).count() == 2


@pytest.mark.req("R35")
def test_a_device_seen_at_once_is_one_row(alice: Customer) -> None:
    assert len({device.pk for device in at_once(lambda: device_make(alice))}) == 1
    assert Device.objects.count() == 1


def test_a_first_log_in_at_once_is_one_customer(transactional_db: None) -> None:
    rows = at_once(lambda: customer_login(wechat_code="sandbox:bob", at=AT, ip=None)[0])
    assert Customer.objects.filter(openid="bob").count() == 1
    assert len({row.digest for row in rows}) == 8


@pytest.mark.req("R3")
def test_one_identity_card_sent_by_two_at_once_is_one_customer(transactional_db: None) -> None:
    people = iter([customer_make(name, verified=False, password=None) for name in ("bob", "charlie")] * 4)

    def identify() -> str:
        person = next(people)
        edge = {"actor": Actor.of(person), "as_of": AS_OF, "at": AT}
        try:
            return identity_verify(customer=person, name=NAME, id_number=id_number_of(5), **edge).openid
        except IdentityRefused:
            return "refused"

    told = at_once(identify)
    verified = Customer.objects.get(identity_verified_at__isnull=False)
    assert sorted(told) == sorted([verified.openid] * 4 + ["refused"] * 4)


@pytest.mark.req("R11")
def test_of_first_payment_passwords_at_once_one_is_set(transactional_db: None) -> None:
    bob = customer_make("bob", password=None)
    words = iter(f"{n}35790" for n in range(8))

    def choose() -> str:
        word = next(words)
        try:
            payment_password_set(customer=bob, new=word, current=None, actor=Actor.of(bob), at=AT).require()
        except FieldInvalid:
            return "refused"
        return word

    chosen = [word for word in at_once(choose) if word != "refused"]
    assert len(chosen) == 1
    assert payment_password_check(customer=bob, password=chosen[0], at=AT).passed


@pytest.mark.req("R60")
def test_calls_at_once_never_pass_the_bound_of_the_day(alice: Customer) -> None:
    contact_rules_preset()
    collector = Actor(kind="staff", id="7", name="carol")

    def call() -> Any:
        try:
            return call_record(customer=alice, phone=PHONE, result="", actor=collector, at=AT)
        except ContactDailyLimit as refusal:
            return refusal

    kinds = [type(answer) for answer in at_once(call, 10)]
    assert (kinds.count(ContactAttempt), kinds.count(ContactDailyLimit)) == (6, 4)
    assert ContactAttempt.objects.count() == 6
