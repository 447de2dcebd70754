"""The line that each request leaves in the log."""

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from weilidai.lib.net import client_ip


class RequestLogMiddleware(RequestMiddleware):
    """Names the address that the rest of the platform goes by: a header that nobody vouches for is not believed."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_ip(request) or "")
