"""Every loan recalculated from its events on every day of its life: the workload that Fineract measures itself by.

10, 50 and 100 loans of 3, 4, 6 and 12 instalments with interest and a payment in each period. The night of this house
does not do that: it asks columns. The baseline is that closed form over the same loans and days.
"""

from datetime import date, timedelta
from decimal import Decimal

from loans.maths.running import Running, earned_on
from loans.maths.state import position
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from weilidai.bench.measure import Result, Sizes, timed
from weilidai.lib.money import ZERO

LOANS: Sizes = (10, 50, 100)
INSTALMENTS = (3, 4, 6, 12)
START = date(2026, 1, 1)
PERIOD_DAYS = 31
PRINCIPAL, PAID, RATE = Decimal("1200.00"), Decimal("100.00"), Decimal("0.0004")


def recalculation(sizes: Sizes) -> list[Result]:
    """Recalculations a second, and the milliseconds a day of all loans takes."""
    return [_recalculated(loans, periods) for loans in sizes or LOANS for periods in INSTALMENTS]


def _recalculated(loans: int, periods: int) -> Result:
    terms = LoanTerms(Plan.INSTALMENTS, PRINCIPAL, START, RATE, periods=periods, with_interest=True)
    events = [
        LoanEvent(START + timedelta(days=PERIOD_DAYS * number), EventKind.REPAYMENT, PAID)
        for number in range(1, periods)
    ]
    days = [START + timedelta(days=number) for number in range(1, PERIOD_DAYS * periods)]
    with timed() as watch:
        for on in days:
            known = [event for event in events if event.effective_date <= on]
            for _ in range(loans):
                position(terms, known, on)
    running = Running(True, PRINCIPAL, RATE, START, ZERO, ZERO, ZERO, ZERO, ZERO, None)
    with timed() as plain:
        for on in days:
            for _ in range(loans):
                earned_on(running, on)
    done = loans * len(days)
    figures = {"instalments": periods, "days": len(days), "ms a day": round(1000 * watch.seconds / len(days), 2)}
    return Result("recalculation", done / watch.seconds, "the closed form", done / plain.seconds, loans, figures)
