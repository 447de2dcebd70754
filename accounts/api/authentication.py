"""Who calls: the bearer token names the customer, `X-Device-Id` the device."""

from typing import Any

from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.errors import DeviceIdRequired
from accounts.models import Customer, CustomerToken, Device
from accounts.services.device import device_require_verified, device_touch
from weilidai.lib.net import client_ip

FINGERPRINT_LENGTH_MAX = 200


class CustomerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """Finds the customer and the device. An unsafe call without a device is refused, a safe one leaves no device."""

    def authenticate(self, request: Request) -> tuple[Customer, CustomerToken] | None:
        found: tuple[Customer, CustomerToken] | None = super().authenticate(request)
        if found is not None:
            request._request.device = _device_of(request, found[0])  # type: ignore[attr-defined]
        return found

    def authenticate_credentials(self, token: bytes) -> Any:
        """Tokens are hexadecimal; anything else never reaches the database, which may not even store it."""
        if not token.isalnum():
            raise exceptions.AuthenticationFailed
        return super().authenticate_credentials(token)

    def _cleanup_token(self, auth_token: CustomerToken) -> bool:
        """Whether the token has expired. Knox would read and tidy every token of the customer at every call; here
        the next log-in tidies."""
        return auth_token.expiry is not None and auth_token.expiry <= timezone.now()


def told_fingerprint(request: Request) -> str:
    """The device the request names; empty where it names none or writes nonsense."""
    fingerprint: str = request.headers.get("X-Device-Id", "").strip()
    good = len(fingerprint) <= FINGERPRINT_LENGTH_MAX and fingerprint.isprintable()
    return fingerprint if good else ""


def _device_of(request: Request, customer: Customer) -> Device | None:
    fingerprint = request.headers.get("X-Device-Id", "").strip()
    good = bool(told_fingerprint(request))
    if good:
        return device_touch(
            customer=customer,
            fingerprint=fingerprint,
            user_agent=request.headers.get("User-Agent", ""),
            ip=client_ip(request._request),
            at=timezone.now(),
        )
    if request.method in SAFE_METHODS and not fingerprint:
        return None
    raise DeviceIdRequired


def customer_of(request: Request) -> Customer:
    """The customer of an authenticated request; a log-in of staff is none."""
    if not isinstance(request.user, Customer):
        raise exceptions.NotAuthenticated
    return request.user


def token_of(request: Request) -> CustomerToken:
    """The token this request came with."""
    if not isinstance(request.auth, CustomerToken):
        raise exceptions.NotAuthenticated
    return request.auth


def request_device(request: Request) -> Device | None:
    """The device of an authenticated request; None on a safe request that named none."""
    return getattr(request._request, "device", None)


def require_verified_device(request: Request) -> Device:
    """The verified device of this request; raises DeviceNotVerified."""
    device = request_device(request)
    device_require_verified(device)
    if device is None:
        raise DeviceIdRequired
    return device
