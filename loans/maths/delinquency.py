"""Days past due, delinquency buckets, the five classes and the NPL ratio (R53, R54).

The bands are data that the caller passes; overdue is a fact of a schedule on a date, not a state.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.maths.dates import days_between
from weilidai.lib.money import ZERO, round_rate


@dataclass(frozen=True, slots=True)
class Band:
    """Days past due from `days_min` to `days_max`, both counted in; None means no upper end."""

    code: str
    days_min: int
    days_max: int | None

    def holds(self, days_past_due: int) -> bool:
        return self.days_min <= days_past_due and (self.days_max is None or days_past_due <= self.days_max)


BUCKETS: tuple[Band, ...] = (
    Band("0", 0, 0),
    Band("1-30", 1, 30),
    Band("31-60", 31, 60),
    Band("61-90", 61, 90),
    Band("91-180", 91, 180),
    Band("181-270", 181, 270),
    Band("271-360", 271, 360),
    Band(">360", 361, None),
)
"""The reporting bands shown as `bucket`; they decide nothing. The five classes come from policy data."""

CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")
NPL_CLASSES = frozenset(CLASSES[2:])
# The first days past due of the classes after the first, where no dated figure of the law tells others:
# 商业银行金融资产风险分类办法 (2023), as R54 has them.
CLASS_DAYS = (1, 91, 271, 361)


def five_classes(first_days: Sequence[int] = CLASS_DAYS) -> tuple[Band, ...]:
    """The classes (R54) from the first days past due of the last four; ValueError unless these rise from 1 on."""
    edges = (0, *first_days)
    if len(edges) != len(CLASSES):
        raise ValueError(f"{len(CLASSES) - 1} first days are needed, not {len(first_days)}")
    ends = [day - 1 for day in first_days]
    bands = tuple(Band(code, low, high) for code, low, high in zip(CLASSES, edges, [*ends, None], strict=True))
    check_bands(bands)
    return bands


@dataclass(frozen=True, slots=True)
class Cut:
    """Days past due that share their bucket and their class."""

    bucket: str
    risk_class: str
    days_min: int


def cuts(classes: Sequence[Band]) -> tuple[Cut, ...]:
    """Where buckets and classes part, rising; each cut reaches to the day before the next."""
    starts = sorted({band.days_min for band in (*BUCKETS, *classes)})
    return tuple(Cut(bucket_of(days), band_of(days, classes), days) for days in starts)


def days_past_due(oldest_unpaid_due_date: date | None, on: date) -> int:
    """Days since the oldest unpaid due date; 0 on the due date itself and when nothing is unpaid."""
    if oldest_unpaid_due_date is None:
        return 0
    return max(0, days_between(oldest_unpaid_due_date, on))


def check_bands(bands: Sequence[Band]) -> None:
    """Raise ValueError unless the bands cover 0 and every day after it exactly once, in order."""
    expected: int | None = 0
    for band in bands:
        if band.days_min != expected or (band.days_max is not None and band.days_max < band.days_min):
            raise ValueError(f"band {band.code} starts at {band.days_min}, expected {expected}")
        expected = None if band.days_max is None else band.days_max + 1
    if expected is not None:
        raise ValueError("the last band must have no upper end")


def band_of(days: int, bands: Iterable[Band]) -> str:
    """Code of the band that holds `days` days past due; ValueError where the bands have a hole."""
    for band in bands:
        if band.holds(days):
            return band.code
    raise ValueError(f"no band holds {days} days past due")


def bucket_of(days: int) -> str:
    """The delinquency bucket of `days` days past due."""
    return band_of(days, BUCKETS)


def npl_ratio(principal_by_class: Iterable[tuple[str, Decimal]], npl_classes: Collection[str]) -> Decimal:
    """Outstanding principal in the non-performing classes over all of it, 6 places; 0 for an empty book."""
    items = tuple(principal_by_class)
    total = sum((principal for _, principal in items), ZERO)
    bad = sum((principal for code, principal in items if code in npl_classes), ZERO)
    return round_rate(bad / total) if total else round_rate(Decimal(0))


def is_past_limit(bad: Decimal, total: Decimal, limit: Decimal) -> bool:
    """Compared as products, so that nothing is rounded: the limit itself is not past the limit."""
    return bad > limit * total
