"""One way to call an institution: JSON, time-outs, and one error for everything that is not an answer."""

import logging
from typing import Any

import httpx
import structlog
from django.conf import settings

from accounts.errors import ProviderUnavailable

log = structlog.get_logger(__name__)
# At INFO httpx logs every address in full, and WeChat's carries the secret.
logging.getLogger("httpx").setLevel(logging.WARNING)


def call(name: str, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
    """The institution's JSON object; raises ProviderUnavailable for anything else."""
    config = settings.PROVIDERS[name]
    try:
        response = httpx.request(method, config["url"].rstrip("/") + path, timeout=config["timeout_seconds"], **kwargs)
        response.raise_for_status()
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        log.warning("provider_unavailable", provider=name, error=type(error).__name__)
        raise ProviderUnavailable from error
    if not isinstance(answer, dict):
        raise ProviderUnavailable
    return answer


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.PROVIDERS[name]['secret']}"}
