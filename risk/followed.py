"""What became of what an alert is about, where an app above this one knows: it registers here with its pages, and the
page of the alert shows it without knowing that app."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import StaffUser
from risk.models import Alert


@dataclass(frozen=True)
class Followed:
    """A page that goes on with it; `state` is ready to show, `word` what somebody said about it."""

    title: str
    url: str
    day: date | None = None
    state: Any = ""
    word: str = ""


Follow = Callable[[Alert, StaffUser], list[Followed]]
_follows: dict[str, Follow] = {}


def register_follow(rule: str, follow: Follow) -> None:
    _follows[rule] = follow


def is_followed(alert: Alert) -> bool:
    """Whether anybody knows where alerts of this rule lead."""
    return alert.rule in _follows


def followed(alert: Alert, user: StaffUser) -> list[Followed]:
    """Only pages this member of staff may open."""
    follow = _follows.get(alert.rule)
    return follow(alert, user) if follow else []
