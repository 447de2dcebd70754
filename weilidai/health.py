"""Is this process alive, may it be sent work, and what does it measure."""

import hmac
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django_prometheus.exports import ExportToDjangoView
from redis.exceptions import RedisError

from weilidai.tasks import HEARTBEAT_KEY

LOOPBACK = ("127.0.0.1", "::1")


@require_GET
@never_cache
def live(_request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing, so a database outage never makes anyone kill healthy processes."""
    return JsonResponse({"status": "ok"})


@require_GET
@never_cache
def ready(_request: HttpRequest) -> HttpResponse:
    """503 while the database or the cache does not answer. Workers are reported but do not stop the web side."""
    checks = {"database": _database_answers(), "cache": _cache_answers()}
    silent = worker_silent_seconds() if checks["cache"] else None
    workers = silent is not None and silent <= settings.WORKER_SILENT_SECONDS
    body: dict[str, object] = {"status": "ok" if all(checks.values()) else "unavailable", **checks}
    body |= {"workers": workers, "worker_silent_seconds": silent}
    return JsonResponse(body, status=200 if all(checks.values()) else 503)


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus figures, for the holder of the scraper's token (or the demo's own machine) only."""
    if not _may_scrape(request):
        return HttpResponse(status=404)
    answer: HttpResponse = ExportToDjangoView(request)
    return answer


def worker_silent_seconds() -> int | None:
    """Seconds since a worker last did a job; None if none ever did."""
    beaten_at: int | None = cache.get(HEARTBEAT_KEY)
    return None if beaten_at is None else max(0, int(timezone.now().timestamp()) - beaten_at)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            row: tuple[Any, ...] | None = cursor.fetchone()
    except DatabaseError:
        return False
    return row == (1,)


def _cache_answers() -> bool:
    try:
        cache.set("health-probe", 1, timeout=5)
        return bool(cache.get("health-probe") == 1)
    except (RedisError, OSError):
        return False


def _may_scrape(request: HttpRequest) -> bool:
    """Without a configured token only a direct call from the machine itself counts, and never in production."""
    if settings.METRICS_TOKEN:
        expected = f"Bearer {settings.METRICS_TOKEN}"
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode())
    forwarded = "X-Forwarded-For" in request.headers
    return bool(settings.DEBUG) and not forwarded and request.META.get("REMOTE_ADDR") in LOOPBACK
