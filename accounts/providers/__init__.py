"""Institutions that know people: each behind a small interface, sandbox or HTTP by `settings.PROVIDERS`.

The sandbox modules are imported only where the settings ask for them, so production never loads them.
"""

from functools import lru_cache
from importlib import import_module
from typing import Any

from django.conf import settings


@lru_cache(maxsize=16)
def _provider(name: str, kind: str) -> Any:
    return import_module(f"accounts.providers.{kind}.{name}").Provider()


def provider(name: str) -> Any:
    """The institution `wechat`, `identity`, `bank_card`, `face`, `document`, `sms`, `geo` as configured."""
    return _provider(name, settings.PROVIDERS[name]["kind"])
