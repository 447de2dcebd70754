"""Which changes need a second person, and how each is made true. Apps above register their own kinds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from weilidai.lib.audit import Actor

if TYPE_CHECKING:
    from accounts.models import ChangeRequest, StaffUser

# Makes an approved request true, inside the transaction of the approval; raises a `DomainError` where it cannot.
Apply = Callable[["ChangeRequest", Actor, date, datetime], None]


@dataclass(frozen=True)
class ChangeKind:
    """`permission` is needed to approve or refuse; `bars` names people who may not approve besides who asked;
    `words` names the values on the page."""

    code: str
    word: Any
    apply: Apply
    permission: str
    bars: Callable[["ChangeRequest", "StaffUser"], bool] = lambda request, user: False
    words: dict[str, Any] = field(default_factory=dict)


_KINDS: dict[str, ChangeKind] = {}


def change_kind_register(kind: ChangeKind) -> None:
    _KINDS[kind.code] = kind


def change_kind(code: str) -> ChangeKind:
    """Raises KeyError for a kind nobody registered: a mistake of ours."""
    return _KINDS[code]


def change_kind_word(code: str) -> str:
    return str(_KINDS[code].word) if code in _KINDS else code


def change_value_word(code: str, name: str) -> str:
    """The name of one of the values a request changes."""
    words = _KINDS[code].words if code in _KINDS else {}
    return str(words.get(name, name))
