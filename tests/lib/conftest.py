from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rest_framework.test import APIRequestFactory, force_authenticate

from weilidai.lib.ids import uuid7

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 11, 20, 10, 0, tzinfo=SHANGHAI)


class Person:
    """Somebody signed in, as views below every app see it."""

    is_authenticated = True

    def __init__(self) -> None:
        self.pk = uuid7()


@pytest.fixture
def person() -> Person:
    return Person()


def call(view: Any, method: str = "post", body: Any = None, *, user: Any = None, path: str = "/x", **more: Any) -> Any:
    """The rendered answer of a view that is mounted nowhere."""
    request = getattr(APIRequestFactory(), method)(path, body, **more)
    force_authenticate(request, user=user or Person())
    return view.as_view()(request).render()
