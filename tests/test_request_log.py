"""The log names the caller by the address that the rest of the platform goes by."""

import pytest
import structlog
from django.conf import LazySettings
from django.test import RequestFactory

from weilidai.request_log import RequestLogMiddleware


@pytest.mark.parametrize(("trusted", "named"), [([], "192.0.2.7"), (["192.0.2.7"], "203.0.113.9")])
def test_a_header_is_believed_only_from_a_proxy_of_ours(settings: LazySettings, trusted: list[str], named: str) -> None:
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7", headers={"X-Forwarded-For": "203.0.113.9"})
    with structlog.contextvars.bound_contextvars():
        RequestLogMiddleware.bind_ip(request)
        assert structlog.contextvars.get_contextvars()["ip"] == named
    structlog.contextvars.clear_contextvars()
