"""Machines sign what they send: HMAC-SHA256 over `id.timestamp.body`, five minutes, each id once.

Headers: `X-Key-Id`, `X-Message-Id`, `X-Timestamp` (Unix seconds), `X-Signature` (hex). Keys are
`settings.MACHINE_KEYS`: two ids at once while a key is rotated.
"""

import hashlib
import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from weilidai.lib.errors import DomainError

TOLERANCE_SECONDS = 300
ID_LENGTH_MAX = 100


class SignatureRefused(DomainError):
    code = "signature_invalid"
    title = _("The signature is missing or not valid")
    http_state = 401


@dataclass(frozen=True)
class Machine:
    """A signed caller and the id of its message."""

    key_id: str
    message_id: str
    is_authenticated: bool = True

    @property
    def pk(self) -> str:
        return self.key_id


def sign(secret: str, message_id: str, timestamp: int | str, body: bytes | Iterable[bytes]) -> str:
    """The signature in hex; `body` may come in pieces."""
    mac = hmac.new(secret.encode(), f"{message_id}.{timestamp}.".encode(), hashlib.sha256)
    for piece in [body] if isinstance(body, bytes) else body:
        mac.update(piece)
    return mac.hexdigest()


def signed_headers(
    key_id: str, secret: str, message_id: str, body: bytes, *, now: float | None = None
) -> dict[str, str]:
    """Headers for a request we send."""
    timestamp = int(now if now is not None else time.time())
    return {
        "X-Key-Id": key_id,
        "X-Message-Id": message_id,
        "X-Timestamp": str(timestamp),
        "X-Signature": sign(secret, message_id, timestamp, body),
    }


def claim_check(headers: Any, *, now: float | None = None) -> str:
    """The secret of the key the headers name, if they can be right at all; raises `SignatureRefused` if not.

    Asked before a large body is read, so that nobody unknown fills the disk.
    """
    message_id, timestamp = headers.get("X-Message-Id", ""), headers.get("X-Timestamp", "")
    secret: str | None = settings.MACHINE_KEYS.get(headers.get("X-Key-Id", ""))
    at = now if now is not None else time.time()
    fresh = timestamp.isdecimal() and len(timestamp) <= 12 and abs(at - int(timestamp)) <= TOLERANCE_SECONDS
    if not (secret and fresh and 0 < len(message_id) <= ID_LENGTH_MAX and message_id.isprintable()):
        raise SignatureRefused
    return secret


def verify(headers: Any, body: bytes | Iterable[bytes], *, now: float | None = None) -> Machine:
    """The machine that signed; raises `SignatureRefused` for anything else, without telling which part was wrong."""
    secret = claim_check(headers, now=now)
    machine = Machine(headers["X-Key-Id"], headers["X-Message-Id"])
    signature = sign(secret, machine.message_id, headers["X-Timestamp"], body)
    if not hmac.compare_digest(signature.encode(), headers.get("X-Signature", "").encode()):
        raise SignatureRefused
    return machine


class MachineAuthentication(BaseAuthentication):
    """Small signed bodies. A view that streams verifies by itself with `verify`."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        return verify(request.headers, request._request.body), None

    def authenticate_header(self, request: Request) -> str:
        return "HMAC-SHA256"


class IsMachine(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, Machine)
