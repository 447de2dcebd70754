"""Errors a caller is told about: each names the broken rule and carries its code.

Apps subclass `DomainError` beside the code that raises it. The API turns one into
`application/problem+json`, commands and admin print its text.
"""

from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A rule said no. `code` is for programs, `title` for people, `http_state` for the API.

    `extra` holds further members of the problem document (e.g. `attempts_left`, `retry_at`);
    `field_errors` is a list of `{field, code, detail}`.
    """

    code: ClassVar[str] = "invalid"
    title: ClassVar[str | Promise] = _("The request cannot be carried out")
    http_state: ClassVar[int] = 400
    # Set where the refusal leaves something that must stay, such as a frozen line: its transaction is then committed.
    keeps_work: bool = False

    def __init__(
        self,
        detail: str | Promise | None = None,
        *,
        field_errors: list[dict[str, Any]] | None = None,
        **extra: Any,
    ) -> None:
        self.detail = detail if detail is not None else self.title
        self.field_errors = field_errors or []
        self.extra = extra
        super().__init__(str(self.detail))


class FieldInvalid(DomainError):
    """One or more values of the request are not acceptable; `field_errors` names them."""

    code = "invalid"
    title = _("Some values are not valid")
    http_state = 400


class ObjectNotFound(DomainError):
    """No such object, or not the caller's: the two are told alike."""

    code = "not_found"
    title = _("Not found")
    http_state = 404


class TransitionRefused(DomainError):
    """The object's state does not allow this step."""

    code = "transition_not_allowed"
    title = _("This step is not possible in the current state")
    http_state = 409


class FourEyesRequired(DomainError):
    code = "four_eyes_required"
    title = _("Another person must do this")
    http_state = 403


class ReasonRequired(DomainError):
    code = "reason_required"
    title = _("A reason is needed")
    http_state = 400


class TryAgain(DomainError):
    """Somebody else was there first and nothing happened: the same request may be sent again."""

    code = "try_again"
    title = _("Please send this once more")
    http_state = 503
