"""What is right and wrong with an appeal's pictures, and when nobody but a person may answer (R39). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from weilidai.lib.calendar import add_working_days, is_working_day

# Pixels of the shorter and the longer side below which an identity number cannot be read.
SHORT_SIDE_MIN, LONG_SIDE_MIN = 300, 480
# Variance of the Laplacian of a picture brought to 800 pixels: a page out of focus stays below.
SHARPNESS_MIN = 20
# Mean grey of 0–255.
BRIGHTNESS_MIN, BRIGHTNESS_MAX = 15, 250
# Bits of 64 in which two takes of one picture differ at most.
LOOK_DISTANCE_MAX = 3

FAULTS: dict[str, Any] = {
    "too_small": _("The picture is too small to be read"),
    "blurred": _("The picture is blurred"),
    "too_dark": _("The picture is too dark"),
    "too_bright": _("The picture is too bright"),
    "same_picture": _("The same picture was sent twice"),
    "seen_elsewhere": _("Another customer sent this very picture"),
    "unreadable": _("The document cannot be read"),
    "other_person": _("The document or the face is another person's"),
    "expired": _("The document has expired"),
}
# Not told to the customer: it would teach how to get round the check.
INTERNAL_FAULTS = frozenset({"seen_elsewhere", "other_person"})


@dataclass(frozen=True)
class Picture:
    """What was measured when it came in; `seen_elsewhere` when another customer sent the same."""

    kind: str
    width: int
    height: int
    sharpness: int
    brightness: int
    look: str
    seen_elsewhere: bool


def picture_faults(picture: Picture, others: Sequence[Picture]) -> list[str]:
    """Codes of `FAULTS`, in their order; nothing for a good picture."""
    short, long = sorted((picture.width, picture.height))
    found = {
        "too_small": short < SHORT_SIDE_MIN or long < LONG_SIDE_MIN,
        "blurred": picture.sharpness < SHARPNESS_MIN,
        "too_dark": picture.brightness < BRIGHTNESS_MIN,
        "too_bright": picture.brightness > BRIGHTNESS_MAX,
        "same_picture": any(_distance(picture.look, other.look) <= LOOK_DISTANCE_MAX for other in others),
        "seen_elsewhere": picture.seen_elsewhere,
    }
    return [code for code, is_so in found.items() if is_so]


def _distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def may_grant_alone(*, documents_passed: bool, frozen_reason: str, is_denied: bool) -> bool:
    """Whether the last working day's end grants by itself.

    Papers prove who somebody is. They answer doubts about identity, place or behaviour; a debt that is overdue or a
    name on the deny list they do not answer, so those go to a supervisor.
    """
    return documents_passed and not is_denied and frozen_reason != "overdue"


def appeal_dates(received: date, *, reminder_days: int, answer_days: int) -> tuple[date, date]:
    """Day of the reminder and last day of the answer, in working days after the day it came in."""
    return add_working_days(received, reminder_days), add_working_days(received, answer_days)


def working_days_left(today: date, due: date) -> int:
    """Working days after `today` up to and with `due`: 0 on the last day, less than 0 after it."""
    if today > due:
        return -1
    return sum(is_working_day(date.fromordinal(day)) for day in range(today.toordinal() + 1, due.toordinal() + 1))
