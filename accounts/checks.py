"""Who else is asked before somebody is let in or a device is trusted. Apps above register here when they are ready,
so that this app asks them without knowing them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import Customer, Device
from weilidai.lib.errors import DomainError

LOGIN, DEVICE_VERIFICATION = "login", "device_verification"


@dataclass(frozen=True)
class Act:
    """A login, or a device whose owner has just proved to be the customer."""

    event: str
    customer: Customer
    fingerprint: str
    user_agent: str
    ip: str | None
    as_of: date
    at: datetime
    device: Device | None = None


# Returns the refusal, if any, which the caller raises once everything written is committed.
Check = Callable[[Act], DomainError | None]
_checks: dict[str, Check] = {}


def register_check(name: str, check: Check) -> None:
    _checks[name] = check


def act_check(act: Act) -> DomainError | None:
    """The first refusal; None lets the act pass."""
    for check in _checks.values():
        refusal = check(act)
        if refusal is not None:
            return refusal
    return None
