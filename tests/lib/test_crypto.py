"""Ciphertext, the rotation of its key, and the hash to search by."""

import base64

import pytest
from cryptography.exceptions import InvalidTag
from django.core.exceptions import FieldError
from pytest_django import Settings

from accounts.models import Customer
from weilidai.lib.crypto import decrypt_text, encrypt_text, keyed_hash, mask

pytestmark = pytest.mark.req("R55")


@pytest.mark.parametrize("plain", ["", "张三", "11010519491231002X", "x" * 10_000, "🙂\u0001"])
def test_what_is_encrypted_is_read_back_and_never_looks_the_same(plain: str) -> None:
    first, second = encrypt_text(plain), encrypt_text(plain)
    assert first != second
    assert decrypt_text(first) == decrypt_text(second) == plain


@pytest.mark.parametrize("position", [0, 1, 12, 13, -1])
def test_one_altered_byte_is_noticed(position: int) -> None:
    raw = bytearray(base64.b64decode(encrypt_text("张三")))
    raw[position] ^= 1
    with pytest.raises(InvalidTag):
        decrypt_text(base64.b64encode(raw).decode())


def test_a_rotated_key_reads_the_old_and_writes_with_the_new(settings: Settings) -> None:
    settings.PII_KEYS = ["old"]
    before = encrypt_text("张三")
    settings.PII_KEYS = ["new", "old"]
    after = encrypt_text("张三")
    assert (decrypt_text(before), decrypt_text(after)) == ("张三", "张三")
    settings.PII_KEYS = ["new"]
    assert decrypt_text(after) == "张三"
    with pytest.raises(InvalidTag):
        decrypt_text(before)


def test_a_hash_stays_while_the_encryption_key_rotates(settings: Settings) -> None:
    settings.PII_KEYS = ["old"]
    before = keyed_hash("138", "phone")
    settings.PII_KEYS = ["new"]
    assert keyed_hash("138", "phone") == before
    settings.PII_HASH_KEY = "another"
    assert keyed_hash("138", "phone") != before


def test_hashes_of_two_purposes_never_meet() -> None:
    assert keyed_hash("138", "phone") != keyed_hash("138", "card")
    assert len(keyed_hash("", "phone")) == 64


@pytest.mark.parametrize("lookup", ["name", "name__exact", "name__icontains", "name__in", "phone__startswith"])
def test_nobody_filters_by_ciphertext(lookup: str) -> None:
    with pytest.raises(FieldError):
        Customer.objects.filter(**{lookup: "张三"})


@pytest.mark.parametrize(
    ("value", "head", "tail", "shown"),
    [
        ("6222021234567890", 0, 4, "************7890"),
        ("13800138000", 3, 4, "138****8000"),
        ("张三", 1, 0, "张*"),
        ("1234", 0, 4, "****"),
        ("1234567", 3, 4, "*******"),
        ("12345678", 3, 4, "123*5678"),
        ("", 0, 4, ""),
    ],
)
def test_a_mask_never_shows_the_whole(value: str, head: int, tail: int, shown: str) -> None:
    assert mask(value, head=head, tail=tail) == shown
