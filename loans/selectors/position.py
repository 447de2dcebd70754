"""Where a loan stands on a date: its stored terms and events handed to the pure maths."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from loans.maths import state, terms
from loans.maths.settlement import SettlementQuote
from loans.models import Loan, LoanEvent

# A stored event that moves money in, as the maths knows it.
PAYING_EVENTS = {
    LoanEvent.Kind.REPAYMENT: terms.EventKind.REPAYMENT,
    LoanEvent.Kind.SETTLEMENT: terms.EventKind.SETTLEMENT,
}


def loan_terms(loan: Loan) -> terms.LoanTerms:
    """What was agreed. Only a loan that was paid out has a start and so terms; else `ValueError`."""
    if loan.start_date is None:
        raise ValueError(f"loan {loan.pk} was not paid out")
    return terms.LoanTerms(
        plan=terms.Plan(loan.plan),
        principal=loan.principal_amount,
        start=loan.start_date,
        daily_rate=loan.daily_rate,
        days=loan.days_count or 0,
        periods=loan.periods_count or 0,
        fee_rate=loan.fee_rate,
        fee_base=loan.fee_base,
        with_interest=loan.with_interest,
        prepaid_fee_reduction=loan.prepaid_fee_discount,
        settlement_fee_rate=loan.settlement_fee_rate,
        penalty_method=loan.penalty_method,
        penalty_share=loan.penalty_share,
        cost_cap_rate=loan.cost_cap_rate,
        early_fees_in_cap=loan.early_fees_in_cap,
    )


def event_total(event: LoanEvent) -> Decimal:
    """All money an event brought, in yuan."""
    total: Decimal = event.principal_amount + event.interest_amount + event.fee_amount + event.penalty_amount
    return total


def loan_events(loan: Loan, until: date | None = None) -> list[terms.LoanEvent]:
    """The paying events in order; those after `until` are left out. Uses prefetched `events` where there are."""
    rows: Iterable[LoanEvent] = sorted(loan.events.all(), key=lambda row: row.sequence)
    return [
        terms.LoanEvent(row.effective_date, PAYING_EVENTS[LoanEvent.Kind(row.kind)], event_total(row))
        for row in rows
        if row.kind in PAYING_EVENTS and (until is None or row.effective_date <= until)
    ]


def loan_position(loan: Loan, on: date, *, events_until: date | None = None) -> state.LoanPosition:
    """The loan on `on`; with `events_until` as if nothing later than that had happened yet."""
    return state.position(loan_terms(loan), loan_events(loan, events_until), on)


def loan_settlement_quote(loan: Loan, on: date) -> SettlementQuote:
    """What closes the loan on `on` (R43)."""
    return state.settlement_quote(loan_terms(loan), loan_events(loan), on)
