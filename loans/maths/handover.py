"""From one schedule of a loan to the next: what the old one hands on on the day of a rearrangement."""

from dataclasses import replace
from decimal import Decimal

from loans.maths.allocation import Component, Due
from loans.maths.book import Book
from loans.maths.penalty import PenaltyMethod
from loans.maths.rearrangement import Agreed, Brought, ClosedRow, Rest, new_schedule, spread_claimable
from loans.maths.schedule import ScheduleRow
from loans.maths.terms import LoanTerms, Plan
from weilidai.lib.money import ZERO


def rearranged_terms(book: Book, agreed: Agreed) -> LoanTerms:
    """The terms from the day of `book` on. Where nothing is claimed any more the overdue principal bears plain
    interest, like the rest. Settling costs nothing.
    """
    dues = [book.due(row) for row in book.terms.schedule]
    schedule = new_schedule(agreed, _rest(book, dues))
    fresh = sum((min(due.principal, book.claimable(row)) for row, due in _not_overdue(book, dues)), ZERO)
    brought = Brought(
        version=book.terms.version + 1,
        schedule=schedule,
        closed=_closed(book),
        exposure=book.exposure,
        interest=sum((due.interest for due in dues), ZERO),
        claim=ZERO if agreed.waives_penalty else _unpaid_claim(book),
        claimable=spread_claimable(ZERO if agreed.stops_penalty else fresh, schedule),
    )
    return replace(
        book.terms,
        plan=Plan.INSTALMENTS,
        start=book.on,
        daily_rate=agreed.daily_rate,
        days=0,
        periods=agreed.periods,
        with_interest=True,
        settlement_fee_rate=ZERO,
        penalty_method=PenaltyMethod.PRINCIPAL_SHARE if agreed.stops_penalty else book.terms.penalty_method,
        penalty_share=ZERO if agreed.stops_penalty else book.terms.penalty_share,
        brought=brought,
    )


def _unpaid_claim(book: Book) -> Decimal:
    return sum(book.claims, ZERO) - sum(book.tally.paid[Component.PENALTY], ZERO)


def _not_overdue(book: Book, dues: list[Due]) -> list[tuple[ScheduleRow, Due]]:
    return [(row, due) for row, due in zip(book.terms.schedule, dues, strict=True) if row.due_date >= book.on]


def _rest(book: Book, dues: list[Due]) -> Rest:
    rows = tuple(zip(book.terms.schedule, dues, strict=True))
    later = [(row, due) for row, due in rows if not book.has_started(row) and due.principal]
    return Rest(
        on=book.on,
        number=book.terms.schedule[-1].number + 1,
        principal=sum((due.principal for due in dues), ZERO),
        interest=sum((due.interest for due in dues), ZERO),
        fee=sum((due.fee for row, due in rows if book.has_started(row)), ZERO),
        later_fees=tuple(row.fee - book.paid(row, Component.FEE) for row, _ in later),
    )


def _closed(book: Book) -> tuple[ClosedRow, ...]:
    before = () if book.brought is None else book.brought.closed
    amounts = {component: book.tally.paid[component] for component in Component}
    rows = (
        ClosedRow(
            row,
            book.terms.version,
            book.on,
            **{component.value: amounts[component][place] for component in Component},
        )
        for place, row in enumerate(book.terms.schedule)
    )
    return (*before, *rows)
