import pytest
from django.test import RequestFactory
from pytest_django import Settings

from weilidai.lib.net import client_ip


def seen(remote: str, forwarded: str = "") -> str | None:
    return client_ip(RequestFactory().get("/", REMOTE_ADDR=remote, headers={"X-Forwarded-For": forwarded}))


@pytest.mark.parametrize("forwarded", ["", "203.0.113.9", "203.0.113.9, 10.0.0.2"])
def test_without_proxies_of_ours_no_header_is_believed(settings: Settings, forwarded: str) -> None:
    settings.TRUSTED_PROXIES = []
    assert seen("198.51.100.1", forwarded) == "198.51.100.1"


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        # What the caller wrote in front of the first address we did not set is a claim only.
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
        ("10.0.0.1", "nonsense", None),
        ("10.0.0.1", "1.1.1.1, nonsense", None),
        ("11.0.0.1", "203.0.113.9", "11.0.0.1"),
        ("2001:db8::1", "2001:DB8:0::9", "2001:db8::9"),
        ("", "203.0.113.9", None),
        ("unix:", "203.0.113.9", None),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:11.0.0.1", "203.0.113.9", "11.0.0.1"),
        ("10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "203.0.113.9", "fe80::1"),
    ],
)
def test_hops_are_believed_from_right_to_left(
    settings: Settings, remote: str, forwarded: str, address: str | None
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "2001:db8::1"]
    assert seen(remote, forwarded) == address
