"""Interest as a formula over stretches of unchanged principal.

Amounts are yuan, exposure is yuan-days, rates fractions a day, days are actual days (the first counts, the last does
not).
"""

from datetime import date
from decimal import Decimal

from weilidai.lib.money import ZERO, round_money


class Stretch:
    """Principal at work over [start, stop), cut on every date of a payment: half-up(principal x daily rate x days) for
    each part.

    Each part is rounded on its own: interest so far is kept to the fen and the formula starts again on the remaining
    principal, also where a payment covered interest only and left the principal as it was. `first` and `last` number
    the rows whose principal it is.
    """

    __slots__ = ("begun", "brought", "exposure", "first", "last", "principal", "rate", "stop")

    def __init__(
        self, principal: Decimal, rate: Decimal, start: date, stop: date = date.max, *, first: int = 1, last: int = 1
    ) -> None:
        self.principal, self.rate = principal, rate
        self.begun, self.stop = start, stop
        self.first, self.last = first, last
        # Interest and principal x days of the parts before `begun`.
        self.brought = self.exposure = ZERO

    def cut(self, on: date) -> None:
        """A payment on this date, which must not lie before the one of the last cut."""
        end = min(on, self.stop)
        if end > self.begun:
            days = (end - self.begun).days
            self.brought += round_money(self.principal * self.rate * days)
            self.exposure += self.principal * days
            self.begun = end

    def repay(self, amount: Decimal) -> None:
        """Principal paid on the date of the last cut; that day already carries the smaller principal."""
        self.principal -= amount

    def brought_by(self, on: date) -> Decimal:
        """Interest accrued up to, not including, `on`."""
        days = (min(on, self.stop) - self.begun).days
        return self.brought + round_money(self.principal * self.rate * days) if days > 0 else self.brought

    def exposure_by(self, on: date) -> Decimal:
        """Sum of principal x days up to, not including, `on`: the base of `apr` and of the cost cap."""
        days = (min(on, self.stop) - self.begun).days
        return self.exposure + self.principal * days if days > 0 else self.exposure

    def content(self) -> list[str]:
        """What `restore` takes; the rest follows from the terms."""
        dates = (self.begun.isoformat(), self.stop.isoformat())
        return [*dates, str(self.principal), str(self.brought), str(self.exposure)]

    def restore(self, content: list[str]) -> None:
        begun, stop, *amounts = content
        self.begun, self.stop = date.fromisoformat(begun), date.fromisoformat(stop)
        self.principal, self.brought, self.exposure = map(Decimal, amounts)
