from typing import Any

import pytest

from accounts.errors import BankCardNotOwn, IdentityFixed, IdentityNotVerified, IdentityRefused
from accounts.models import BankCard, Customer
from accounts.services.identity import bank_card_add, identity_verify
from tests.accounts.builders import AS_OF, AT, NAME, PHONE, card_number_of, customer_make, id_number_of
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R3")]


def identify(customer: Customer, name: str = NAME, id_number: str = id_number_of(3)) -> Customer:
    return identity_verify(
        customer=customer, name=name, id_number=id_number, actor=Actor.of(customer), as_of=AS_OF, at=AT
    )


def bind(customer: Customer, **values: Any) -> BankCard:
    paper = {"number": card_number_of(7), "holder": NAME, "phone": PHONE, **values}
    return bank_card_add(customer=customer, **paper, actor=Actor.of(customer), as_of=AS_OF, at=AT)


def fields_at_fault(error: pytest.ExceptionInfo[FieldInvalid]) -> list[str]:
    return [item["field"] for item in error.value.field_errors]


def test_identity_is_verified_once_and_audited(newcomer: Customer) -> None:
    row = identify(newcomer)
    assert (row.name, row.is_identity_verified, row.birth_date) == (NAME, True, AS_OF.replace(1990, 3, 7))
    identify(row)
    assert AuditEvent.objects.filter(action="customer.identity_verified").count() == 1


def test_lower_case_x_and_blanks_around_are_the_same_number(newcomer: Customer) -> None:
    assert identify(newcomer, f" {NAME} ", " 11010519491231002x ").id_number == "11010519491231002X"


def test_name_and_number_at_fault_are_told_together(newcomer: Customer) -> None:
    with pytest.raises(FieldInvalid) as error:
        identify(newcomer, "", "123")
    assert fields_at_fault(error) == ["name", "id_number"]


def test_somebody_under_age_is_refused(newcomer: Customer) -> None:
    with pytest.raises(FieldInvalid) as error:
        identify(newcomer, id_number=id_number_of(3, "20081121"))
    assert error.value.field_errors[0]["code"] == "under_age"
    assert identify(newcomer, id_number=id_number_of(3, "20081120")).is_identity_verified


def test_a_person_nobody_knows_is_refused(newcomer: Customer) -> None:
    with pytest.raises(IdentityRefused):
        identify(newcomer, "查无此人")


@pytest.mark.parametrize(("name", "number"), [("李四", id_number_of(1)), (NAME, id_number_of(4))])
def test_a_verified_identity_stays(alice: Customer, name: str, number: str) -> None:
    with pytest.raises(IdentityFixed):
        identify(alice, name, number)


def test_another_identity_at_the_same_time_is_refused(newcomer: Customer) -> None:
    identify(newcomer)
    # `newcomer` was read before the first identity was written.
    with pytest.raises(IdentityFixed):
        identify(newcomer, "李四", id_number_of(4))
    assert Customer.objects.get(pk=newcomer.pk).name == NAME


def test_one_identity_card_is_one_customer(alice: Customer, newcomer: Customer) -> None:
    with pytest.raises(IdentityRefused):
        identify(newcomer, id_number=id_number_of(1))
    assert not Customer.objects.get(pk=newcomer.pk).is_identity_verified


def test_no_card_before_the_identity(newcomer: Customer) -> None:
    with pytest.raises(IdentityNotVerified):
        bind(newcomer)


def test_a_card_of_somebody_else_is_refused(alice: Customer) -> None:
    with pytest.raises(BankCardNotOwn):
        bind(alice, holder="李四")


def test_number_and_phone_at_fault_are_told_together(alice: Customer) -> None:
    with pytest.raises(FieldInvalid) as error:
        bind(alice, number="6222", phone="12")
    assert fields_at_fault(error) == ["number", "phone"]


def test_the_same_card_again_is_the_same_row(alice: Customer) -> None:
    first = bind(alice)
    spaced = " ".join(first.number[n : n + 4] for n in range(0, len(first.number), 4))
    assert bind(alice, number=spaced).pk == first.pk
    assert AuditEvent.objects.filter(action="bank_card.bound", subject_id=str(first.pk)).count() == 1


def test_two_customers_may_hold_the_same_account(alice: Customer) -> None:
    assert bind(alice).pk != bind(customer_make("bob")).pk


def test_the_first_card_gives_the_phone(alice: Customer) -> None:
    bind(alice, phone="13900139000")
    assert Customer.objects.get(pk=alice.pk).phone == PHONE
