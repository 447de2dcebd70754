"""The one job of the roof: proof that workers do work, not merely that their processes exist."""

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

HEARTBEAT_KEY = "worker-heartbeat"


@shared_task
def heartbeat() -> None:
    """Leave the time at which a worker last did something (Unix seconds)."""
    cache.set(HEARTBEAT_KEY, int(timezone.now().timestamp()), timeout=None)
