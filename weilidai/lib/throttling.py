"""Throttling by atomic counters in the cache: parallel requests cannot slip through between read and write."""

import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from weilidai.lib.net import client_ip

log = structlog.get_logger(__name__)


def count_hit(scope: str, key: str, *, now: float | None = None) -> tuple[bool, int]:
    """Counts one call in the current window: (allowed, seconds until the window ends).

    When the cache cannot be reached calls are let through: a broken counter must not close the bank.
    """
    limit, window = settings.THROTTLE_RATES[scope]
    at = now if now is not None else time.time()
    slot = int(at // window)
    name = f"throttle:{scope}:{key}:{slot}"
    try:
        hits = _counted(name, window * 2)
    except (RedisError, OSError, ValueError) as error:
        log.warning("throttle_unavailable", scope=scope, error=str(error))
        return True, 0
    return hits <= limit, int((slot + 1) * window - at) + 1


def _counted(name: str, kept_seconds: int) -> int:
    """One more of a counter that is made by its first caller."""
    try:
        return int(cache.incr(name))
    except ValueError:
        cache.add(name, 0, timeout=kept_seconds)
        return int(cache.incr(name))


class ScopeThrottle(BaseThrottle):
    """Per customer where signed in, else per address. Views name their `throttle_scope`."""

    def __init__(self) -> None:
        self._wait = 0

    def allow_request(self, request: Request, view: Any) -> bool:
        signed_in = bool(request.user and request.user.is_authenticated)
        scope = getattr(view, "throttle_scope", None) or ("customer" if signed_in else "anonymous")
        key = str(request.user.pk) if signed_in else str(client_ip(request))
        allowed, self._wait = count_hit(scope, key)
        return allowed

    def wait(self) -> float:
        return self._wait


def throttle_or_raise(scope: str, key: str) -> None:
    """For code outside views; raises `Throttled`."""
    allowed, wait = count_hit(scope, key)
    if not allowed:
        raise Throttled(wait=wait)
