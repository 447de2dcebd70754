"""Where a request comes from."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """The address proper: a socket that listens on `::` shows IPv4 callers as `::ffff:a.b.c.d`, link-local ones with
    their interface, which no column of addresses holds."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _is_trusted(address: str) -> bool:
    parsed = _parsed(address)
    if parsed is None:
        return False
    return any(parsed in ip_network(network, strict=False) for network in settings.TRUSTED_PROXIES)


def client_ip(request: HttpRequest) -> str | None:
    """The caller's address. `X-Forwarded-For` is believed from right to left, as far as the proxies are ours."""
    address = request.META.get("REMOTE_ADDR") or ""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while hops and _is_trusted(address):
        address = hops.pop()
    parsed = _parsed(address)
    return None if parsed is None else str(parsed)
