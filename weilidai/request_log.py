"""The line that each request leaves in the log."""

from typing import Any

import structlog
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django_structlog.middlewares import RequestMiddleware

from weilidai.lib.net import client_ip

API = "/api/"


class RequestLogMiddleware(RequestMiddleware):
    """Names the address that the rest of the platform goes by: a header that nobody vouches for is not believed."""

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Who calls the API is told by the view once it knows; until then there is nobody to look for in a session."""
        user: Any = request.user
        if not (request.path.startswith(API) and type(user) is SimpleLazyObject):
            RequestMiddleware.bind_user_id(request)

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_ip(request) or "")
