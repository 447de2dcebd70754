"""Taking a step of a state machine: on a locked row, with its evidence, or not at all."""

from datetime import date, datetime
from typing import Any

from django_fsm import FSMField, TransitionNotAllowed

from weilidai.lib.audit import Actor, state_change_record
from weilidai.lib.errors import TransitionRefused


class StateField(FSMField):
    """A column of states with declared edges.

    To migrations it is plain text: history has no edges, and each historical copy of an `FSMField` would look at every
    class made after it, which is half of the time an empty database takes to build.
    """

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("protected", None)
        return name, "django.db.models.CharField", args, kwargs


def take_step(
    obj: Any,
    step: str,
    *,
    actor: Actor,
    as_of: date,
    at: datetime | None = None,
    reason: str = "",
    update_fields: tuple[str, ...] = (),
) -> None:
    """Calls transition `step` of `obj` (locked by the caller), saves state and `update_fields`, records the change.

    Raises `TransitionRefused` where the state does not allow it.
    """
    old = obj.state
    try:
        getattr(obj, step)()
    except TransitionNotAllowed as error:
        raise TransitionRefused(state=str(old)) from error
    obj.save(update_fields=["state", *update_fields])
    state_change_record(subject=obj, old=old, new=obj.state, actor=actor, as_of=as_of, at=at, reason=reason)
