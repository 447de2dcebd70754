"""How a loan stood evening by evening and at each month's end, as the tape told it then (R53)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from loans.maths.delinquency import band_of, bucket_of
from loans.maths.vintage import History, months_on_book, observed_on, past_due_history, span_days
from loans.selectors.portfolio import class_bands
from loans.selectors.portfolio_tape import ACTIVE, span_of
from risk.models import LoanTape

# A chart of more evenings than this shows only some of them.
EVENINGS_MAX = 370


@dataclass(frozen=True)
class MonthStanding:
    """A loan on the last evening of a month, or on the newest evening. Only an active loan has a bucket and a class."""

    day: date
    state: str
    days: int
    bucket: str
    risk_class: str
    outstanding: Decimal


@dataclass(frozen=True)
class Standings:
    """`stretches` run from one change to the next; `evenings` are days past due, each or at even distances."""

    stretches: list[History]
    months: list[MonthStanding]
    evenings: list[tuple[date, int]]


def loan_standings(loan_id: UUID, until: date) -> Standings:
    """What was known on each evening up to `until`; empty before the first night of the loan."""
    rows = list(LoanTape.objects.filter(loan_id=loan_id, business_date__lte=until).order_by("business_date"))
    if not rows:
        return Standings([], [], [])
    stretches = past_due_history([span_of(row) for row in rows], until)
    first = rows[0].business_date
    ends = observed_on(first.replace(day=1), until, months_on_book(first, until))
    return Standings(stretches, _months(rows, ends), _evenings(rows, first, until))


def _months(rows: list[LoanTape], ends: list[date]) -> list[MonthStanding]:
    return [_standing(row, end) for row, end in _holding(rows, ends)]


def _holding(rows: list[LoanTape], days: list[date]) -> list[tuple[LoanTape, date]]:
    """The row that held on each of the rising days."""
    found, place = [], 0
    for day in days:
        while place + 1 < len(rows) and rows[place + 1].business_date <= day:
            place += 1
        found.append((rows[place], day))
    return found


def _standing(row: LoanTape, day: date) -> MonthStanding:
    days = span_days(span_of(row), day)
    if row.state != ACTIVE:
        return MonthStanding(day, row.state, days, "", "", row.outstanding_principal_amount)
    held = row.class_floor_until_date is not None and row.class_floor_until_date >= day
    risk_class = band_of(max(days, row.class_floor_days if held else 0), class_bands(day))
    return MonthStanding(day, row.state, days, bucket_of(days), risk_class, row.outstanding_principal_amount)


def _evenings(rows: list[LoanTape], first: date, until: date) -> list[tuple[date, int]]:
    """At most so many evenings, the newest among them."""
    count = (until - first).days + 1
    step = -(-count // EVENINGS_MAX)
    days = [until - timedelta(days=back) for back in range(0, count, step)][::-1]
    return [(day, span_days(span_of(row), day)) for row, day in _holding(rows, days)]
