"""Personal data at rest is ciphertext: what lies in the tables is read here past every model."""

import pytest
from django.db import connection

from accounts.models import BankCard, Customer
from tests.accounts.builders import NAME, PHONE, card_number_of, id_number_of
from weilidai.lib.crypto import keyed_hash
from weilidai.lib.sql import sql

pytestmark = pytest.mark.django_db


def everything_stored() -> str:
    """Every value of every table of people and of the audit trail, as text."""
    names = [name for name in connection.introspection.table_names() if name.startswith(("accounts_", "lib_"))]
    text = []
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(sql("SELECT * FROM {table}", table=name))
            text += [str(value) for row in cursor.fetchall() for value in row]
    return "\n".join(text)


@pytest.mark.req("R55")
def test_no_table_holds_a_name_or_number_in_plain(alice: Customer) -> None:
    stored = everything_stored()
    assert "alice" in stored
    plain = {NAME, PHONE, id_number_of(1), card_number_of(1)}
    assert [value for value in plain if value in stored] == []


def test_the_models_read_it_back(alice: Customer) -> None:
    card = BankCard.objects.get(customer=alice)
    assert (alice.name, alice.id_number, alice.phone) == (NAME, id_number_of(1), PHONE)
    assert (card.number, card.holder, card.phone) == (card_number_of(1), NAME, PHONE)


def test_the_same_plain_text_is_never_the_same_ciphertext(alice: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM accounts_customer UNION ALL SELECT holder FROM accounts_bankcard")
        stored = [row[0] for row in cursor.fetchall()]
    assert len(stored) == len(set(stored)) == 2


def test_it_is_found_by_its_keyed_hash_only(alice: Customer) -> None:
    assert Customer.objects.get(id_number_hash=keyed_hash(id_number_of(1), "id_number")) == alice
    assert keyed_hash(PHONE, "phone") != keyed_hash(PHONE, "card")


def test_the_payment_password_is_nowhere(alice: Customer) -> None:
    assert "135790" not in everything_stored()
