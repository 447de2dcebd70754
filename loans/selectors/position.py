"""Where a loan stands on a date: its stored terms and events handed to the pure maths."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Max

from loans.maths import state, terms
from loans.maths.book import Book
from loans.maths.rearrangement import Agreed
from loans.maths.settlement import SettlementQuote
from loans.maths.tally import Tally
from loans.models import Loan, LoanEvent, LoanTally
from weilidai.lib.errors import TryAgain
from weilidai.lib.prepared import prepared

# A stored event that the replay knows.
REPLAYED_EVENTS: dict[str, terms.EventKind] = {
    LoanEvent.Kind.REPAYMENT: terms.EventKind.REPAYMENT,
    LoanEvent.Kind.SETTLEMENT: terms.EventKind.SETTLEMENT,
    LoanEvent.Kind.WRITE_OFF: terms.EventKind.WRITE_OFF,
    LoanEvent.Kind.PAYOUT_RETURN: terms.EventKind.PAYOUT_RETURN,
    LoanEvent.Kind.REARRANGEMENT: terms.EventKind.REARRANGEMENT,
}


class Known(NamedTuple):
    """What the replay takes of a stored event: the columns of the same names."""

    id: UUID
    sequence: int
    kind: str
    effective_date: date
    business_date: date
    funding: str
    reverses_id: UUID | None
    principal_amount: Decimal
    interest_amount: Decimal
    fee_amount: Decimal
    penalty_amount: Decimal
    agreed: dict[str, Any] | None


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


def event_total(event: Known | LoanEvent) -> Decimal:
    """All money an event brought, in yuan."""
    total: Decimal = event.principal_amount + event.interest_amount + event.fee_amount + event.penalty_amount
    return total


def loan_events(
    loan: Loan, until: date | None = None, *, stored: Iterable[Known | LoanEvent] | None = None
) -> list[terms.LoanEvent]:
    """What the replay needs, in order of entry. Uses `stored` or prefetched `events` where there are.

    With `until` only what was entered by the end of that day: late entries and reversals made after it are not
    known yet. What is reversed never was.
    """
    rows = sorted(
        (
            row
            for row in (events_stored(loan) if stored is None else stored)
            if until is None or row.business_date <= until
        ),
        key=lambda row: row.sequence,
    )
    reversed_ids = {row.reverses_id for row in rows if row.kind == LoanEvent.Kind.REVERSAL}
    return [event_of(row) for row in rows if row.kind in REPLAYED_EVENTS and row.id not in reversed_ids]


def events_stored(loan: Loan) -> Iterable[Known | LoanEvent]:
    """The stored events; where they are not at hand only the columns the replay needs, thousands of them in no time."""
    if _has_events_at_hand(loan):
        return loan.events.all()
    return map(Known._make, events_known(loan.pk))


@prepared
def events_known(loan: Any) -> Any:
    return LoanEvent.objects.filter(loan=loan).order_by().values_list(*Known._fields)


def moment_check(stored: Iterable[Known | LoanEvent], as_of: date) -> None:
    """Raises TryAgain for an act begun on a business date that has passed while it waited for the loan: others have
    already written later ones, and it must not be put among them unseen.
    """
    if any(row.business_date > as_of for row in stored):
        raise TryAgain


def _has_events_at_hand(loan: Loan) -> bool:
    return "events" in getattr(loan, "_prefetched_objects_cache", {})


def event_of(row: Known | LoanEvent) -> terms.LoanEvent:
    """A stored event as the maths takes it; its key is the row's id."""
    return terms.LoanEvent(
        row.effective_date,
        REPLAYED_EVENTS[row.kind],
        event_total(row),
        key=str(row.id),
        funding=row.funding,
        may_fall_short=True,
        agreed=Agreed.restored(row.agreed) if row.agreed else None,
    )


def loan_position(loan: Loan, on: date, *, events_until: date | None = None) -> state.LoanPosition:
    """The loan on `on`; with `events_until` as if nothing later than that had happened yet."""
    return state.position_of(loan_book(loan, on, events_until=events_until))


def loan_book(loan: Loan, on: date, *, events_until: date | None = None) -> Book:
    """What `loan_position` is read from: the kept tally where it tells, else a replay."""
    tally = _tally(loan, on) if events_until is None else None
    if tally is not None:
        return Book(tally.terms, tally, on)
    return state.replay(loan_terms(loan), loan_events(loan, events_until), on).book(on)


def _tally(loan: Loan, on: date) -> Tally | None:
    """The kept tally, where there is one of the newest event and that is not after `on`."""
    kept: LoanTally | None = None if _has_events_at_hand(loan) else getattr(loan, "tally", None)
    if kept is None or kept.sequence != loan.events.aggregate(newest=Max("sequence"))["newest"]:
        return None
    tally = Tally.restored(loan_terms(loan), kept.content)
    return tally if tally.last_date <= on else None


def loan_settlement_quote(loan: Loan, on: date) -> SettlementQuote:
    """What closes the loan on `on` (R43)."""
    return loan_book(loan, on).settlement_quote()


def last_event_date(events: list[terms.LoanEvent], start: date) -> date:
    """The day the columns stand for: that of the last event that counts, or of the payout."""
    return max((event.effective_date for event in events), default=start)


def is_written_off(events: list[terms.LoanEvent]) -> bool:
    return any(event.kind == terms.EventKind.WRITE_OFF for event in events)


def is_returned(events: list[terms.LoanEvent]) -> bool:
    return any(event.kind == terms.EventKind.PAYOUT_RETURN for event in events)


def is_open(row: state.InstalmentPosition, after: state.LoanPosition) -> bool:
    """Something is or will be owed on the row: a period paid ahead still bears interest on what later periods owe,
    until the loan is written off.
    """
    if row.outstanding_principal or row.scheduled_unpaid:
        return True
    if not after.bears_by_period or after.written_off_on is not None:
        return False
    return row.replaced_on is None and row.due_date > after.on and bool(after.outstanding_principal)
