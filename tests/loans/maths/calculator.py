"""A second calculator, written from the specification's "Arithmetic" alone: whole fen and exact fractions, day by day.

It shares nothing with `loans/maths`; amounts are integers in fen, rates are fractions.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
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
    early_in_cap: bool = False


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


def worth(terms: Terms, rows: list[Row], rate: Decimal) -> Decimal:
    """What the payments of the normal schedule are worth at a yearly rate, less what was paid out, in fen."""
    interest = disclosed_interest(terms, rows)
    costs = [row.full_fee + amount for row, amount in zip(rows, interest, strict=True)]
    with localcontext() as context:
        context.prec = 50
        return sum(
            (row.principal + cost) / (1 + rate) ** (Decimal((row.due - terms.start).days) / 365)
            for row, cost in zip(rows, costs, strict=True)
        ) - Decimal(terms.principal)


class Life:
    """A loan and its payments in order of date."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.rows, self.cuts = terms, schedule(terms), [terms.start]
        self.settled: date | None = None
        self.written_off: date | None = None
        self.early_fee = self.unapplied = 0

    def _until(self, on: date) -> date:
        """A loan written off bears nothing more."""
        return min(on, self.written_off) if self.written_off else on

    def _stretches(self, first: date, last: date) -> list[tuple[date, date]]:
        """[first, last) cut on every day on which money came: the formula starts again there."""
        marks = sorted({first, last, *(day for day in self.cuts if first < day < last)})
        return list(pairwise(marks)) if last > first else []

    def interest(self, row: Row, on: date) -> int:
        terms, on = self.terms, self._until(on)
        if terms.periods and not terms.with_interest:
            return 0
        stops = bool(terms.periods) or terms.uplift
        last = min(on, row.due) if stops else on
        rows = self.rows[self.rows.index(row) :] if terms.uplift else self.rows
        return sum(
            half_up(sum(one.left(begin) for one in rows) * terms.rate * (end - begin).days)
            for begin, end in self._stretches(row.since, last)
        )

    def begun(self, row: Row, on: date) -> bool:
        """A period after the settlement or the write-off never begins."""
        return row.starts <= min(self._until(on), self.settled or on)

    def fee(self, row: Row, on: date) -> int:
        if not self.begun(row, on):
            return row.paid["fee"]
        if row.left(row.starts - DAY):
            return row.full_fee
        return row.paid["fee"] if self.early_counts() else row.less_fee

    def early_counts(self) -> bool:
        return self.terms.early_in_cap and self.terms.cap is not None

    def claim(self, row: Row, on: date) -> int:
        terms, on = self.terms, self._until(on)
        if on <= row.due:
            return 0
        if not terms.uplift:
            return half_up(terms.share * row.left(row.due))
        return sum(
            half_up(row.left(begin) * terms.rate * (1 + terms.share) * (end - begin).days)
            for begin, end in self._stretches(row.due, on)
        )

    def exposure(self, on: date) -> int:
        """Fen times days: every part of the principal for the days until it came back."""
        on = self._until(on)
        return sum(
            row.principal * (on - self.terms.start).days
            - sum(amount * max(0, (on - day).days) for day, amount in row.repaid)
            for row in self.rows
        )

    def room(self, on: date) -> int:
        """What the cap leaves after interest and fees; asked only where there is a cap."""
        charged = sum(self.interest(row, on) + self.fee(row, on) for row in self.rows)
        return max(0, floor((self.terms.cap or 0) * self.exposure(on) / 365 - charged))

    def penalties(self, on: date) -> list[int]:
        claims = [self.claim(row, on) for row in self.rows]
        paid = [row.paid["penalty"] for row in self.rows]
        total = sum(claims)
        if self.terms.cap is not None and total:
            total = max(sum(paid), min(total, self.room(on)))
        rest, result = total - sum(paid), []
        for claim, already in zip(claims, paid, strict=True):
            more = min(rest, max(0, claim - already))
            result.append(already + more)
            rest -= more
        return result

    def owed(self, on: date, *, ahead: bool) -> list[dict[str, int]]:
        """Unpaid per row and part; with `ahead` periods not begun at their reduced fee, else without their fee."""
        result, ahead = [], ahead and not (self.settled or self.written_off)
        left = max(0, self.room(on) - sum(self.penalties(on))) if ahead and self.early_counts() else None
        for row, penalty in zip(self.rows, self.penalties(on), strict=True):
            early = ahead and not self.begun(row, on)
            fee = row.less_fee if early else self.fee(row, on)
            if early and left is not None:
                more = max(0, min(fee - row.paid["fee"], left)) if row.left(on) else 0
                fee, left = row.paid["fee"] + more, left - more
            charged = {"penalty": penalty, "fee": fee, "interest": self.interest(row, on), "principal": row.principal}
            result.append({part: charged[part] - row.paid[part] for part in PARTS})
        return result

    def fee_of_settling(self, on: date) -> int:
        """Nothing from the last due date on; inside the cap where the product says so."""
        if on >= self.rows[-1].due:
            return 0
        early = half_up(self.terms.settlement * sum(row.left(on) for row in self.rows))
        if self.early_counts():
            early = min(early, max(0, self.room(on) - sum(self.penalties(on))))
        return early

    def settlement(self, on: date) -> int:
        """What closes the loan."""
        return sum(sum(parts.values()) for parts in self.owed(on, ahead=False)) + self.fee_of_settling(on)

    def debt(self, on: date) -> int:
        """The most a repayment can bring."""
        return sum(sum(parts.values()) for parts in self.owed(on, ahead=True))

    def ahead(self, on: date, periods: int) -> int | None:
        """All that fell due and so many periods more that still owe principal; None where there are fewer."""
        owed = self.owed(on, ahead=True)
        later = [n for n, row in enumerate(self.rows) if row.due > on and owed[n]["principal"]]
        if len(later) < periods:
            return None
        return sum(sum(parts.values()) for parts in owed[: later[periods - 1] + 1])

    def late_since(self, on: date) -> date | None:
        """The oldest due date by which something other than a penalty is unpaid."""
        for row, parts in zip(self.rows, self.owed(on, ahead=False), strict=True):
            if row.due <= on and parts["fee"] + parts["interest"] + parts["principal"]:
                return row.due
        return None

    def pay(self, on: date, amount: int) -> list[tuple[int, str, int]]:
        """What the money went to: number of the row, part, fen. What finds no debt stays unapplied."""
        owed, paid_on = self.owed(on, ahead=True), []
        fallen = [number for number, row in enumerate(self.rows) if row.due <= on]
        groups = [fallen, *([number] for number, row in enumerate(self.rows) if row.due > on)]
        for group in groups:
            for part in PARTS:
                for number in group:
                    paid = min(amount, owed[number][part])
                    amount -= paid
                    if paid:
                        self.rows[number].paid[part] += paid
                        paid_on.append((number + 1, part, paid))
                        if part == "principal":
                            self.rows[number].repaid.append((on, paid))
        if paid_on:
            self.cuts.append(on)
        self.unapplied += amount
        return paid_on

    def settle(self, on: date, amount: int) -> list[tuple[int, str, int]]:
        """Money that closed the loan; where the past was rewritten and it is not enough any more, a payment."""
        if amount < self.settlement(on):
            return self.pay(on, amount)
        fee = self.fee_of_settling(on)
        self.settled, self.early_fee = on, self.early_fee + fee
        return self.pay(on, amount - fee)

    def write_off(self, on: date) -> None:
        self.written_off = self.written_off or on
