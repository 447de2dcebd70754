"""A key is changed for another while the data stays readable and findable."""

from io import StringIO

import pytest
from cryptography.exceptions import InvalidTag
from django.core.management import call_command
from pytest_django import Settings

from accounts.errors import IdentityRefused
from accounts.models import BankCard, Customer, StoredImage
from accounts.services import encryption
from accounts.services.identity import identity_verify
from accounts.services.personal_data import customer_delete
from accounts.services.stored_image import stored_image_read
from tests.accounts.builders import AS_OF, AT, NAME, PHONE, card_number_of, customer_make, id_number_of, image_make
from weilidai.lib.audit import Actor

pytestmark = [pytest.mark.django_db, pytest.mark.req("R55")]


def test_every_column_of_ciphertext_is_known() -> None:
    assert {model._meta.label: names for model, names in encryption.encrypted_fields().items()} == {
        "accounts.Customer": ["name", "id_number", "phone"],
        "accounts.BankCard": ["number", "holder", "phone"],
    }


def test_after_rewriting_the_old_key_can_go(
    alice: Customer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encryption, "BATCH_ROWS", 2)
    for name in ("bob", "charlie"):
        customer_make(name)
    image = image_make(alice)
    old = settings.PII_KEYS
    settings.PII_KEYS = ["new", *old]
    out = StringIO()
    call_command("rewrite_personal_data", stdout=out)
    assert sorted(out.getvalue().splitlines()) == [
        "accounts.BankCard: 3",
        "accounts.Customer: 3",
        "accounts.StoredImage: 1",
    ]
    settings.PII_KEYS = ["new"]
    row, card = Customer.objects.get(openid="alice"), BankCard.objects.get(customer=alice)
    assert (row.name, row.id_number, row.phone) == (NAME, id_number_of(1), PHONE)
    assert (card.number, card.holder, card.phone) == (card_number_of(1), NAME, PHONE)
    assert row.id_number_hash == alice.id_number_hash
    assert stored_image_read(StoredImage.objects.get(pk=image.pk)).startswith(b"\xff\xd8")


def test_without_rewriting_it_cannot(alice: Customer, settings: Settings) -> None:
    settings.PII_KEYS = ["new"]
    with pytest.raises(InvalidTag):
        Customer.objects.get(pk=alice.pk)
    with pytest.raises(InvalidTag):
        encryption.personal_data_rewrite()


def test_what_was_erased_stays_erased(alice: Customer) -> None:
    customer_delete(customer=alice, at=AT)
    encryption.personal_data_rewrite()
    assert Customer.objects.get(pk=alice.pk).name == ""


def test_a_person_known_under_the_old_key_is_still_found_under_the_new(
    alice: Customer, newcomer: Customer, settings: Settings
) -> None:
    settings.PII_KEYS = ["new", *settings.PII_KEYS]
    with pytest.raises(IdentityRefused):
        identity_verify(
            customer=newcomer, name=NAME, id_number=id_number_of(1), actor=Actor.of(newcomer), as_of=AS_OF, at=AT
        )
