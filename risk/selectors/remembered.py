"""Policies change a few times a month and are asked at every request, so each process remembers what it read.

What it remembers holds as long as the stamp in the database is the same: every change of a row of policy renews it in
the same transaction, by trigger, so that raw SQL and bulk writes count too. Nothing here ever holds by time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from weilidai.lib.prepared import Written
from weilidai.lib.replica import primary

P = ParamSpec("P")
T = TypeVar("T")

KEPT_MAX = 500
_NOTHING: Any = object()
STAMP = Written("SELECT value FROM risk_policystamp WHERE id = 1")


def remembered(read: Callable[P, T]) -> Callable[P, T]:
    """For readers of policy whose arguments are plain values. The answers are shared: never change them."""
    kept: dict[Any, Any] = {}

    @wraps(read)
    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        found: T
        stamp = policy_stamp()
        if stamp is None:
            return read(*args, **kwargs)
        key = (stamp, args, tuple(kwargs.items()))
        found = kept.get(key, _NOTHING)
        if found is _NOTHING:
            # Read after the stamp: should a change slip in between, it stands under a stamp nobody asks for again.
            with primary():
                found = read(*args, **kwargs)
            if len(kept) >= KEPT_MAX:
                kept.clear()
            kept[key] = found
        return found

    return answer


# The stamp of an act that is under way, in a list so that the act can look again; empty until it is first wanted.
_held: ContextVar[list[str | None] | None] = ContextVar("held", default=None)


@contextmanager
def one_policy() -> Iterator[None]:
    """For one act: the stamp is read once, when first wanted, and a later change of policy holds from the next act."""
    token = _held.set([])
    try:
        yield
    finally:
        _held.reset(token)


def policy_look_again() -> None:
    """For an act that changed a policy itself."""
    held = _held.get()
    if held is not None:
        held[:] = [_stamp_read()]


def policy_stamp() -> str | None:
    """The word of the newest change this transaction can see; None in a database where policy was never written."""
    held = _held.get()
    if held is None:
        return _stamp_read()
    if not held:
        held.append(_stamp_read())
    return held[0]


def _stamp_read() -> str | None:
    rows = STAMP()
    return rows[0][0] if rows else None
