"""A second calculator, written from the specification's "Arithmetic" alone: whole fen and exact fractions, day by day.

It shares nothing with `loans/maths`; amounts are integers in fen, rates are fractions.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor

PARTS = ("penalty", "fee", "interest", "principal")
DAY = timedelta(days=1)


def half_up(fen: Fraction) -> int:
    return floor(fen + Fraction(1, 2))


def month_later(start: date, months: int) -> date:
    year, month = start.year + (start.month - 1 + months) // 12, (start.month - 1 + months) % 12 + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


@dataclass
class Terms:
    """What was agreed. `periods` 0 is a single payment after `days`; `cap` None is the cap switched off."""

    principal: int
    start: date
    rate: Fraction
    days: int = 0
    periods: int = 0
    fee: Fraction = Fraction(0)
    reduction: Fraction = Fraction(0)
    on_loan: bool = False
    with_interest: bool = False
    settlement: Fraction = Fraction(0)
    uplift: bool = False
    share: Fraction = Fraction(0)
    cap: Fraction | None = None


@dataclass
class Row:
    starts: date
    since: date
    due: date
    principal: int
    full_fee: int
    less_fee: int
    paid: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    repaid: list[tuple[date, int]] = field(default_factory=list)

    def left(self, on: date) -> int:
        """Principal not repaid at the end of a day."""
        return self.principal - sum(amount for day, amount in self.repaid if day <= on)


def schedule(terms: Terms) -> list[Row]:
    if not terms.periods:
        return [Row(terms.start, terms.start, terms.start + DAY * terms.days, terms.principal, 0, 0)]
    rows, since = [], terms.start
    for number in range(1, terms.periods + 1):
        part = terms.principal // terms.periods
        if number == terms.periods:
            part = terms.principal - part * (terms.periods - 1)
        due = month_later(terms.start, number)
        base = terms.principal if terms.on_loan else part
        starts = terms.start if number == 1 else since + DAY
        less = max(Fraction(0), terms.fee - terms.reduction)
        rows.append(Row(starts, since, due, part, half_up(terms.fee * base), half_up(less * base)))
        since = due
    return rows


def disclosed_interest(terms: Terms, rows: list[Row]) -> list[int]:
    """Interest of each period if everything is paid on its day."""
    if not terms.periods:
        return [half_up(terms.principal * terms.rate * terms.days)]
    if not terms.with_interest:
        return [0] * len(rows)
    return [
        half_up(sum(later.principal for later in rows[number:]) * terms.rate * (row.due - row.since).days)
        for number, row in enumerate(rows)
    ]


def apr(terms: Terms, rows: list[Row]) -> Fraction:
    cost = sum(disclosed_interest(terms, rows)) + sum(row.full_fee for row in rows)
    exposure = sum(row.principal * (row.due - terms.start).days for row in rows)
    return Fraction(half_up(Fraction(cost * 365, exposure) * 1_000_000), 1_000_000)


class Life:
    """A loan and its payments in order of date."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.rows, self.cuts = terms, schedule(terms), [terms.start]

    def _stretches(self, first: date, last: date) -> list[tuple[date, date]]:
        """[first, last) cut on every day on which money came: the formula starts again there."""
        marks = sorted({first, last, *(day for day in self.cuts if first < day < last)})
        return list(pairwise(marks)) if last > first else []

    def interest(self, row: Row, on: date) -> int:
        terms = self.terms
        if terms.periods and not terms.with_interest:
            return 0
        stops = bool(terms.periods) or terms.uplift
        last = min(on, row.due) if stops else on
        rows = self.rows[self.rows.index(row) :] if terms.uplift else self.rows
        return sum(
            half_up(sum(one.left(begin) for one in rows) * terms.rate * (end - begin).days)
            for begin, end in self._stretches(row.since, last)
        )

    def fee(self, row: Row, on: date) -> int:
        if on < row.starts:
            return row.paid["fee"]
        return row.less_fee if row.left(row.starts - DAY) == 0 else row.full_fee

    def claim(self, row: Row, on: date) -> int:
        terms = self.terms
        if on <= row.due:
            return 0
        if not terms.uplift:
            return half_up(terms.share * row.left(row.due))
        return sum(
            half_up(row.left(begin) * terms.rate * (1 + terms.share) * (end - begin).days)
            for begin, end in self._stretches(row.due, on)
        )

    def exposure(self, on: date) -> int:
        """Day after day, what was out at its end."""
        total, day = 0, self.terms.start
        while day < on:
            total += sum(row.left(day) for row in self.rows)
            day += DAY
        return total

    def penalties(self, on: date) -> list[int]:
        claims = [self.claim(row, on) for row in self.rows]
        paid = [row.paid["penalty"] for row in self.rows]
        total = sum(claims)
        if self.terms.cap is not None and total:
            charged = sum(self.interest(row, on) + self.fee(row, on) for row in self.rows)
            room = max(0, floor(self.terms.cap * self.exposure(on) / 365 - charged))
            total = max(sum(paid), min(total, room))
        rest, result = total - sum(paid), []
        for claim, already in zip(claims, paid, strict=True):
            more = min(rest, max(0, claim - already))
            result.append(already + more)
            rest -= more
        return result

    def owed(self, on: date, *, ahead: bool) -> list[dict[str, int]]:
        """Unpaid per row and part; with `ahead` periods not begun at their reduced fee, else without their fee."""
        result = []
        for row, penalty in zip(self.rows, self.penalties(on), strict=True):
            fee = row.less_fee if ahead and on < row.starts else self.fee(row, on)
            charged = {"penalty": penalty, "fee": fee, "interest": self.interest(row, on), "principal": row.principal}
            result.append({part: charged[part] - row.paid[part] for part in PARTS})
        return result

    def settlement(self, on: date) -> int:
        """What closes the loan."""
        owed = self.owed(on, ahead=False)
        principal = sum(parts["principal"] for parts in owed)
        early = half_up(self.terms.settlement * principal) if on < self.rows[-1].due else 0
        return sum(sum(parts.values()) for parts in owed) + early

    def debt(self, on: date) -> int:
        """The most a repayment can bring."""
        return sum(sum(parts.values()) for parts in self.owed(on, ahead=True))

    def pay(self, on: date, amount: int) -> None:
        owed = self.owed(on, ahead=True)
        fallen = [number for number, row in enumerate(self.rows) if row.due <= on]
        groups = [fallen, *([number] for number, row in enumerate(self.rows) if row.due > on)]
        for group in groups:
            for part in PARTS:
                for number in group:
                    paid = min(amount, owed[number][part])
                    self.rows[number].paid[part] += paid
                    amount -= paid
                    if part == "principal" and paid:
                        self.rows[number].repaid.append((on, paid))
        self.cuts.append(on)
