"""Many requests at once: nothing is counted twice, lost, or done twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from accounts.errors import PaymentPasswordLocked, PaymentPasswordWrong, VerificationFailed, VerificationLocked
from accounts.models import BankCard, Customer, Device
from accounts.services.identity import bank_card_add
from accounts.services.verification import payment_password_check
from tests.accounts.builders import AS_OF, AT, NAME, PHONE, biometrics, card_number_of, customer_make, device_make
from weilidai.lib.audit import Actor

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
