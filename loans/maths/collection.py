"""What a collection strategy asks for on a day (R60): bucket x segment -> steps, read from policy data.

A definition: `segments` in order, the first that fits holds (`products` and `tiers` empty: all; `amount_min` counted
in, `amount_max` not, both of the outstanding principal in yuan); `strategies`, one per bucket and segment, each with
`steps`: `day` counted from the first day of the bucket, `channel`, and a `template` or a `priority` of the task;
`figures` as in `loans/maths/collection_figures.py`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from loans.maths.collection_figures import FigureInvalid, figures_read
from loans.maths.delinquency import BUCKETS, bucket_of

SMS, NOTICE, CALL = "sms", "notice", "call"
# The texts of each channel stand in accounts/notices.py; a strategy chooses among these.
TEMPLATES: dict[str, tuple[str, ...]] = {
    SMS: ("collection_reminder", "collection_urgent"),
    NOTICE: ("collection_help",),
}
PRIORITY_MAX = 9
OVERDUE_BUCKETS = {band.code: band for band in BUCKETS if band.days_min > 0}


class DefinitionInvalid(ValueError):
    """A definition that must not come into force; the words say where."""


@dataclass(frozen=True, slots=True)
class Step:
    """`day` is in days past due. `template` is empty for a call, `priority` 0 for a message."""

    day: int
    channel: str
    template: str = ""
    priority: int = 0

    @property
    def code(self) -> str:
        """What it is recorded under: taken once per overdue spell, whichever version of the policy asked for it."""
        return f"{self.day}:{self.channel}"


@dataclass(frozen=True, slots=True)
class Segment:
    code: str
    products: frozenset[str]
    tiers: frozenset[str]
    amount_min: Decimal | None
    amount_max: Decimal | None

    def holds(self, product: str, tier: str, amount: Decimal) -> bool:
        if (self.products and product not in self.products) or (self.tiers and tier not in self.tiers):
            return False
        if self.amount_min is not None and amount < self.amount_min:
            return False
        return self.amount_max is None or amount < self.amount_max

    @property
    def is_open(self) -> bool:
        return not self.products and not self.tiers and self.amount_min is None and self.amount_max is None


@dataclass(frozen=True, slots=True)
class Strategies:
    """A definition read: `steps` by (bucket, segment), in the order of their days."""

    segments: tuple[Segment, ...]
    steps: dict[tuple[str, str], tuple[Step, ...]]

    def segment_of(self, product: str, tier: str, amount: Decimal) -> str:
        return next(segment.code for segment in self.segments if segment.holds(product, tier, amount))

    @property
    def first_day(self) -> int | None:
        """Days past due before which nothing is ever asked for; None where there are no steps at all."""
        return min((step.day for steps in self.steps.values() for step in steps), default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about a loan now; `passed` are steps that are no longer worth making up for."""

    message: Step | None = None
    call: Step | None = None
    passed: tuple[Step, ...] = ()

    @property
    def taken(self) -> tuple[Step, ...]:
        return tuple(step for step in (self.message, self.call) if step is not None)


def strategies_read(definition: Any) -> Strategies:
    """The definition as objects; raises DefinitionInvalid where it breaks a rule."""
    if not isinstance(definition, dict) or set(definition) - {"figures"} != {"segments", "strategies"}:
        raise DefinitionInvalid("segments and strategies are needed, figures may be there, and nothing else")
    _figures_check(definition)
    segments = tuple(_segment(row) for row in _rows(definition, "segments"))
    codes = [segment.code for segment in segments]
    if len(set(codes)) != len(codes):
        raise DefinitionInvalid("two segments have the same code")
    if not segments or not segments[-1].is_open:
        raise DefinitionInvalid("the last segment must take everybody")
    steps: dict[tuple[str, str], tuple[Step, ...]] = {}
    for row in _rows(definition, "strategies"):
        key = _key(row, codes)
        if key in steps:
            raise DefinitionInvalid(f"{key[0]} / {key[1]} is there twice")
        steps[key] = _steps(row, key)
    missing = [f"{bucket} / {code}" for bucket in OVERDUE_BUCKETS for code in codes if (bucket, code) not in steps]
    if missing:
        raise DefinitionInvalid(f"no strategy for {', '.join(missing)}")
    return Strategies(segments, steps)


def _figures_check(definition: dict[str, Any]) -> None:
    try:
        if "figures" in definition:
            figures_read(definition["figures"])
    except FigureInvalid as error:
        raise DefinitionInvalid(str(error)) from error


def plan(strategies: Strategies, *, days: int, segment: str, taken: Collection[str], late_days: int) -> Plan:
    """The steps of the present bucket that have come by `days` past due and were not taken.

    Of the messages only the newest is sent, and only up to `late_days` late: what lies before it is passed over. A
    call is work and never too late while the debt stands in the bucket; of several the most urgent is one task.
    """
    if days < 1:
        return Plan()
    steps = strategies.steps[(bucket_of(days), segment)]
    come = [step for step in steps if step.day <= days]
    told = max((step.day for step in come if step.channel != CALL and step.code in taken), default=0)
    open_ones = [step for step in come if step.code not in taken]
    fresh = [s for s in open_ones if s.channel != CALL and s.day >= max(told, days - late_days)]
    message = max(fresh, key=lambda step: step.day, default=None)
    call = max((s for s in open_ones if s.channel == CALL), key=lambda step: (step.priority, step.day), default=None)
    return Plan(message, call, tuple(step for step in open_ones if step not in (message, call)))


def _rows(definition: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = definition[name]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DefinitionInvalid(f"{name} is a list of objects")
    return rows


def _only(row: dict[str, Any], allowed: Iterable[str]) -> None:
    strange = sorted(set(row) - set(allowed))
    if strange:
        raise DefinitionInvalid(f"unknown: {', '.join(strange)}")


def _segment(row: dict[str, Any]) -> Segment:
    _only(row, ("code", "products", "tiers", "amount_min", "amount_max"))
    code = row.get("code")
    if not isinstance(code, str) or not code or len(code) > 40:
        raise DefinitionInvalid("a segment needs a code of at most 40 characters")
    low, high = _amount(row.get("amount_min"), code), _amount(row.get("amount_max"), code)
    if low is not None and high is not None and high <= low:
        raise DefinitionInvalid(f"{code}: the amounts end before they begin")
    return Segment(code, _names(row.get("products", []), code), _names(row.get("tiers", []), code), low, high)


def _names(value: Any, code: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise DefinitionInvalid(f"{code}: products and tiers are lists of codes")
    return frozenset(value)


def _amount(value: Any, code: str) -> Decimal | None:
    """Amounts are texts, so that no binary number comes near them."""
    if value is None:
        return None
    try:
        amount = Decimal(value) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise DefinitionInvalid(f'{code}: an amount is a text such as "1000.00"')
    return amount


def _key(row: dict[str, Any], codes: Sequence[str]) -> tuple[str, str]:
    _only(row, ("bucket", "segment", "steps"))
    bucket, segment = row.get("bucket"), row.get("segment")
    if not isinstance(bucket, str) or bucket not in OVERDUE_BUCKETS:
        raise DefinitionInvalid(f"there is no bucket {bucket}")
    if not isinstance(segment, str) or segment not in codes:
        raise DefinitionInvalid(f"there is no segment {segment}")
    return bucket, segment


def _steps(row: dict[str, Any], key: tuple[str, str]) -> tuple[Step, ...]:
    place, band = f"{key[0]} / {key[1]}", OVERDUE_BUCKETS[key[0]]
    steps = sorted((_step(item, place, band.days_min) for item in _rows(row, "steps")), key=lambda step: step.day)
    if any(not band.holds(step.day) for step in steps):
        raise DefinitionInvalid(f"{place}: a step lies outside its bucket")
    if len({(step.day, step.channel == CALL) for step in steps}) != len(steps):
        raise DefinitionInvalid(f"{place}: two messages or two calls on one day")
    return tuple(steps)


def _step(row: dict[str, Any], place: str, first: int) -> Step:
    _only(row, ("day", "channel", "template", "priority"))
    day, channel = row.get("day"), row.get("channel")
    if type(day) is not int or day < 0:
        raise DefinitionInvalid(f"{place}: day is a whole number from 0 on")
    if channel == CALL:
        priority = row.get("priority")
        if type(priority) is not int or not 1 <= priority <= PRIORITY_MAX or "template" in row:
            raise DefinitionInvalid(f"{place}: a call has a priority from 1 to {PRIORITY_MAX} and no template")
        return Step(first + day, CALL, priority=priority)
    if not isinstance(channel, str) or row.get("template") not in TEMPLATES.get(channel, ()) or "priority" in row:
        raise DefinitionInvalid(f"{place}: a message has a known channel, a template of it and no priority")
    return Step(first + day, channel, template=row["template"])
