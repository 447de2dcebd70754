"""Who calls: the bearer token names the customer, `X-Device-Id` the device."""

from hmac import compare_digest
from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.errors import DeviceIdRequired
from accounts.models import Customer, CustomerToken, Device
from accounts.services.device import device_require_verified, device_touch
from weilidai.lib.net import client_ip
from weilidai.lib.prepared import ask, prepared

FINGERPRINT_LENGTH_MAX = 200


class _DeviceRequest(HttpRequest):
    """The request once its device is known: the view reads it there."""

    device: Device | None


class CustomerAuthentication(TokenAuthentication):
    """Finds the customer and the device. An unsafe call without a device is refused, a safe one leaves no device."""

    def authenticate(self, request: Request) -> tuple[Customer, CustomerToken] | None:
        self._fingerprint, self._seen = told_fingerprint(request), list[Device]()
        found: tuple[Customer, CustomerToken] | None = super().authenticate(request)
        if found is not None:
            cast(_DeviceRequest, request._request).device = _device_of(request, found[0], self._seen)
        return found

    def authenticate_credentials(self, token: bytes) -> Any:
        """Tokens are hexadecimal; anything else never reaches the database, which may not even store it.

        Knox would read and tidy every token of the customer at every call; here the next log-in tidies.
        """
        if not token.isalnum():
            raise exceptions.AuthenticationFailed
        row, self._seen = _caller(token.decode(), self._fingerprint)
        return self.validate_user(row)


def _caller(token: str, fingerprint: str) -> tuple[CustomerToken, list[Device]]:
    """The stored token with its customer, and their device of that fingerprint if it was seen before, in one trip."""
    key, now = token[: CONSTANTS.TOKEN_KEY_LENGTH], timezone.now()
    tokens, customers, devices = ask(_tokens.of(key), _customers.of(key), _devices.of(key, fingerprint))
    try:
        digest = hash_token(token)
    except (TypeError, ValueError) as error:
        raise exceptions.AuthenticationFailed(_("Invalid token.")) from error
    for row in tokens:
        if compare_digest(digest, row.digest) and (row.expiry is None or row.expiry > now):
            row.user = next(customer for customer in customers if customer.pk == row.user_id)
            return row, [device for device in devices if device.customer_id == row.user_id]
    raise exceptions.AuthenticationFailed(_("Invalid token."))


@prepared
def _tokens(key: Any) -> Any:
    return CustomerToken.objects.filter(token_key=key).order_by()


@prepared
def _customers(key: Any) -> Any:
    return Customer.objects.filter(auth_token_set__token_key=key).order_by()


@prepared
def _devices(key: Any, fingerprint: Any) -> Any:
    return Device.objects.filter(customer__auth_token_set__token_key=key, fingerprint=fingerprint).order_by()


def told_fingerprint(request: Request) -> str:
    """The device the request names; empty where it names none or writes nonsense."""
    fingerprint: str = request.headers.get("X-Device-Id", "").strip()
    good = len(fingerprint) <= FINGERPRINT_LENGTH_MAX and fingerprint.isprintable()
    return fingerprint if good else ""


def _device_of(request: Request, customer: Customer, seen: list[Device]) -> Device | None:
    fingerprint = request.headers.get("X-Device-Id", "").strip()
    good = bool(told_fingerprint(request))
    if good:
        return device_touch(
            customer=customer,
            fingerprint=fingerprint,
            user_agent=request.headers.get("User-Agent", ""),
            ip=client_ip(request._request),
            at=timezone.now(),
            seen=seen,
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
