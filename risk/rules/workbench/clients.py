"""Card clients of a labelled file: reading a row, and the variables made of status, bill, paid and limit. Pure.

Sex, age and marriage never enter a variable; neither does education, which says who somebody is, not how they pay,
and stands in for income, age and origin. Every variable is an exact Decimal or None (nothing known).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from django.utils.translation import gettext_noop

MONTHS = ("09", "08", "07", "06", "05", "04")  # of 2005, latest first
STATUS = tuple(f"status_{month}" for month in MONTHS)
BILLS = tuple(f"bill_{month}" for month in MONTHS)
PAID = tuple(f"paid_{month}" for month in MONTHS)
COLUMNS = ("client_id", "limit", *STATUS, *BILLS, *PAID)
LABEL = "default_next_month"
FORBIDDEN = ("sex", "age", "marriage", "education")
STATUS_CODES = range(-2, 9)
AMOUNT_MAX, AMOUNT_MIN = Decimal("1e12"), Decimal("1e-12")
STEP = Decimal("0.0001")
RATIO_MAX = Decimal(100)
EMPTY = ("", "na", "n/a", "nan", "null", "none", "-")
Value = Decimal | None
Values = dict[str, Value]


# Why a row is left out. English in files and on the command line; a page shows them in the reader's language.
EMPTY_CELL, NO_NUMBER, OUT_OF_RANGE, NEGATIVE_PAID, NO_LABEL, CELLS, REPEATED, BROKEN = ROW_WORDS = (
    gettext_noop("is empty"),
    gettext_noop("{value} is not a number"),
    gettext_noop("{value} is out of range"),
    gettext_noop("an amount paid cannot be negative"),
    gettext_noop("must be 0 or 1"),
    gettext_noop("cells here and in the header: {value}"),
    gettext_noop("{value} is in the file already"),
    gettext_noop("no row of a table: {value}"),
)


class RowInvalid(ValueError):
    """A row that cannot be read: the field, why (one of `ROW_WORDS`) and what stood there."""

    def __init__(self, field: str, word: str, value: str = "") -> None:
        super().__init__(f"{field}: {word.format(value=value)}")
        self.field, self.word, self.value = field, word, value


@dataclass(frozen=True)
class Client:
    """What one row says, latest month first; None where the cell is empty or the code is unknown."""

    client_id: str
    limit: Value
    status: tuple[Value, ...]
    bills: tuple[Value, ...]
    paid: tuple[Value, ...]
    bad: int | None


def number(field: str, text: str | None) -> Value:
    """The exact number of a cell, None when it is empty. Raises `RowInvalid` on anything that is no number."""
    cell = (text or "").strip()
    if cell.lower() in EMPTY:
        return None
    try:
        value = Decimal(cell)
    except InvalidOperation:
        raise RowInvalid(field, NO_NUMBER, repr(cell[:40])) from None
    # What is next to nothing would overflow whatever is divided by it.
    if not value.is_finite() or abs(value) > AMOUNT_MAX or 0 < abs(value) < AMOUNT_MIN:
        raise RowInvalid(field, OUT_OF_RANGE, repr(cell[:40]))
    return value


def client_read(row: Mapping[str, str | None]) -> Client:
    """One client from the cells of a row. Raises `RowInvalid` naming the first field at fault."""
    client_id = (row.get("client_id") or "").strip()
    if not client_id:
        raise RowInvalid("client_id", EMPTY_CELL)
    limit = number("limit", row.get("limit"))
    return Client(
        client_id=client_id,
        # A limit of nothing or less tells nothing.
        limit=limit if limit is not None and limit > 0 else None,
        status=tuple(_status(name, row.get(name)) for name in STATUS),
        bills=tuple(number(name, row.get(name)) for name in BILLS),
        paid=tuple(_paid(name, row.get(name)) for name in PAID),
        bad=_label(row.get(LABEL)),
    )


def _status(field: str, text: str | None) -> Value:
    value = number(field, text)
    return value if value is not None and value in STATUS_CODES else None


def _paid(field: str, text: str | None) -> Value:
    value = number(field, text)
    if value is not None and value < 0:
        raise RowInvalid(field, NEGATIVE_PAID)
    return value


def _label(text: str | None) -> int | None:
    value = number(LABEL, text)
    if value is not None and value not in (0, 1):
        raise RowInvalid(LABEL, NO_LABEL)
    return None if value is None else int(value)


def _known(values: tuple[Value, ...]) -> list[Decimal]:
    return [value for value in values if value is not None]


def _of(values: tuple[Value, ...], make: Callable[[list[Decimal]], Decimal | int]) -> Value:
    known = _known(values)
    return Decimal(make(known)) if known else None


def _ratio(above: Value, below: Value) -> Value:
    """`above / below` to four places inside ±100; None when either is unknown or nothing is below."""
    if above is None or below is None or below <= 0:
        return None
    return min(max((above / below), -RATIO_MAX), RATIO_MAX).quantize(STEP, ROUND_HALF_EVEN)


def _mean(values: tuple[Value, ...]) -> Value:
    mean = _of(values, lambda known: sum(known, Decimal(0)) / len(known))
    return None if mean is None else mean.quantize(STEP, ROUND_HALF_EVEN)


def _less(one: Value, other: Value) -> Value:
    return None if one is None or other is None else one - other


def variables(client: Client) -> Values:
    """Every variable a scorecard for card clients may use, by name."""
    return {
        "limit": client.limit,
        **dict(zip(STATUS, client.status, strict=True)),
        **_lateness(client.status),
        **_use(client),
        **_payment(client),
    }


def _lateness(status: tuple[Value, ...]) -> Values:
    known = _known(status)
    since = next((months for months, value in enumerate(status) if value is not None and value > 0), len(status))
    weighted = sum((max(v, Decimal(0)) * (6 - i) for i, v in enumerate(status) if v is not None), Decimal(0))
    return {
        "worst_status": _of(status, max),
        "worst_status_3m": _of(status[:3], max),
        "best_status": _of(status, min),
        "mean_status": _mean(status),
        "months_late": _of(status, lambda all_: sum(v > 0 for v in all_)),
        "months_two_late": _of(status, lambda all_: sum(v > 1 for v in all_)),
        "months_since_late": Decimal(since) if known else None,
        "lateness_weighted": weighted if known else None,
        "months_paid_in_full": _of(status, lambda all_: sum(v == -1 for v in all_)),
        "months_unused": _of(status, lambda all_: sum(v == -2 for v in all_)),
        "status_change": _less(status[0], status[1]),
        "status_change_before": _less(status[1], status[2]),
    }


def _use(client: Client) -> Values:
    bills, limit = client.bills, client.limit
    return {
        **{f"utilisation_{m}": _ratio(bill, limit) for m, bill in zip(MONTHS, bills, strict=True)},
        **{f"bill_{m}": bill for m, bill in zip(MONTHS, bills, strict=True)},
        "utilisation_mean": _ratio(_mean(bills), limit),
        "utilisation_max": _ratio(_of(bills, max), limit),
        "bill_trend": _ratio(_less(bills[0], bills[5]), limit),
        "bill_trend_1m": _ratio(_less(bills[0], bills[1]), limit),
        "remaining_limit": _less(limit, bills[0]),
    }


def _payment(client: Client) -> Values:
    paid, bills, limit = client.paid, client.bills, client.limit
    billed = [bill for bill in bills[1:] if bill is not None]
    return {
        **{f"paid_{m}": value for m, value in zip(MONTHS, paid, strict=True)},
        **{f"paid_of_limit_{m}": _ratio(value, limit) for m, value in zip(MONTHS, paid, strict=True)},
        # A bill is paid in the month after it was made out.
        **{f"paid_of_bill_{MONTHS[i]}": _ratio(paid[i], bills[i + 1]) for i in range(5)},
        "paid_mean": _mean(paid),
        "paid_min": _of(paid, min),
        "paid_min_2m": _of(paid[:2], min),
        "paid_max": _of(paid, max),
        "paid_3m": _of(paid[:3], lambda all_: sum(all_, Decimal(0))),
        "months_nothing_paid": _of(paid, lambda all_: sum(v == 0 for v in all_)),
        "paid_of_billed": _ratio(_of(paid, lambda all_: sum(all_, Decimal(0))), sum(billed, Decimal(0))),
    }
