"""The figures of a version of the collection strategy beside its steps (R60, R54): how long collectors and relief may
take. They stand as whole numbers under `figures` in the definition; a version without them has those that ship.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

OUTCOME_DAYS_MAX = 90
# From and to, both counted in.
BOUNDS: dict[str, tuple[int, int]] = {
    "promise_days": (1, 92),
    "next_action_days": (1, 366),
    "wish_days": (1, 60),
    "no_answer_days": (1, OUTCOME_DAYS_MAX),
    "wrong_number_days": (1, OUTCOME_DAYS_MAX),
    "paid_days": (1, OUTCOME_DAYS_MAX),
    "refused_days": (1, OUTCOME_DAYS_MAX),
    "disputed_days": (1, OUTCOME_DAYS_MAX),
    "relief_periods": (1, 120),
    "relief_grace_months": (1, 36),
    "relief_begin_days": (0, 180),
    "relief_undo_days": (0, 180),
    "approval_days": (1, 60),
    "offer_days": (1, 60),
    "broken_raises": (0, 8),
    "message_late_days": (0, 30),
}


class FigureInvalid(ValueError):
    """A figure that must not come into force; the words say which."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`promise_days`, `next_action_days`: how far ahead a promise or the next action may lie. `wish_days`: how long a
    wish for relief has no further call. `…_days` of an outcome: until the task comes up again. `relief_…`: the most
    periods, months to the first due date, days ahead that a rearrangement begins, days in which it can be undone.
    `approval_days`: how long an act waits for its second person. `offer_days`: how long a customer has to answer an
    offer of a new schedule. `broken_raises`: how much more urgent a task is after
    a promise that was not kept. `message_late_days`: a message is news of its day; one missed by a pause or an outage
    is still sent so many days later, not after.
    """

    promise_days: int
    next_action_days: int
    wish_days: int
    no_answer_days: int
    wrong_number_days: int
    paid_days: int
    refused_days: int
    disputed_days: int
    relief_periods: int
    relief_grace_months: int
    relief_begin_days: int
    relief_undo_days: int
    approval_days: int
    offer_days: int
    broken_raises: int
    message_late_days: int

    def after(self, outcome: str) -> int:
        """Days until the task of a call with that outcome comes up again, where the collector names no day."""
        days: int = getattr(self, f"{outcome}_days")
        return days


def figures_read(content: Any) -> Figures:
    """Raises FigureInvalid where one is missing, unknown or beyond its bounds."""
    names = [field.name for field in fields(Figures)]
    if not isinstance(content, Mapping) or set(content) != set(names):
        raise FigureInvalid(f"figures are {', '.join(names)}")
    for name in names:
        low, high = BOUNDS[name]
        if type(content[name]) is not int or not low <= content[name] <= high:
            raise FigureInvalid(f"{name} is a whole number from {low} to {high}")
    return Figures(**content)
