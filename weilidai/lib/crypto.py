"""Personal data at rest: AES-256-GCM fields and keyed hashes to search by.

The key is `settings.PII_KEYS`, newest first: the first encrypts, any decrypts, so a key can
be rotated by rewriting rows. Hashes use a key derived from `settings.PII_HASH_KEY`.
"""

import base64
import hashlib
import hmac
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

_VERSION = b"\x01"
_NONCE_BYTES = 12


@lru_cache(maxsize=8)
def _derived(secret: str, purpose: str) -> bytes:
    return hashlib.blake2b(secret.encode(), key=purpose.encode(), digest_size=32).digest()


def encrypt_bytes(plain: bytes, *, bound_to: bytes = b"") -> bytes:
    """Version, nonce and ciphertext; it opens only with the same `bound_to` again."""
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(_derived(settings.PII_KEYS[0], "weilidai.encrypt"))
    return _VERSION + nonce + cipher.encrypt(nonce, plain, _VERSION + bound_to)


def decrypt_bytes(raw: bytes, *, bound_to: bytes = b"") -> bytes:
    """Reverses `encrypt_bytes` under any current key; raises `InvalidTag` on a foreign or altered value."""
    nonce, body = raw[1 : 1 + _NONCE_BYTES], raw[1 + _NONCE_BYTES :]
    error: InvalidTag | None = None
    for secret in settings.PII_KEYS:
        try:
            return AESGCM(_derived(secret, "weilidai.encrypt")).decrypt(nonce, body, raw[:1] + bound_to)
        except InvalidTag as caught:
            error = caught
    raise error or ValueError("no key is configured")


def encrypt_text(plain: str) -> str:
    """Base64 of version, nonce and ciphertext."""
    return base64.b64encode(encrypt_bytes(plain.encode())).decode()


def decrypt_text(stored: str) -> str:
    """Reverses `encrypt_text` under any current key; raises `InvalidTag` on a foreign or altered value."""
    return decrypt_bytes(base64.b64decode(stored)).decode()


def keyed_hash(value: str, purpose: str) -> str:
    """HMAC-SHA256 in hex: equal values of one purpose have equal hashes, nothing else leaks."""
    return hmac.new(_derived(settings.PII_HASH_KEY, purpose), value.encode(), hashlib.sha256).hexdigest()


class EncryptedTextField(models.TextField[str, str]):
    """Text kept as ciphertext. It cannot be filtered by: store a `keyed_hash` beside it for that."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else ("" if value == "" else encrypt_text(str(value)))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return value if not value else decrypt_text(value)

    def get_lookup(self, lookup: str) -> Any:
        return super().get_lookup(lookup) if lookup in {"isnull"} else None


def mask(value: str, *, head: int = 0, tail: int = 4) -> str:
    """Keeps `head` first and `tail` last characters, the rest becomes `*`."""
    if len(value) <= head + tail:
        return "*" * len(value)
    return value[:head] + "*" * (len(value) - head - tail) + value[len(value) - tail :]
