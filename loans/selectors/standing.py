"""What a loan's history means for the ledger: one sum per account. The entry of an event is the difference it makes."""

from collections import defaultdict
from decimal import Decimal

from loans import ledger
from loans.maths.allocation import Component
from loans.maths.history import LoanHistory
from loans.maths.state import position_of
from loans.maths.terms import AppliedEvent, EventKind, Funding, LoanEvent, LoanTerms
from weilidai.lib.money import ZERO

RECEIVABLES = {
    Component.PENALTY: ledger.PENALTY_RECEIVABLE,
    Component.FEE: ledger.FEES_RECEIVABLE,
    Component.INTEREST: ledger.INTEREST_RECEIVABLE,
    Component.PRINCIPAL: ledger.LOANS_RECEIVABLE,
}
SOURCES = {Funding.BANK: ledger.BANK, Funding.UNAPPLIED: ledger.UNAPPLIED_MONEY}
Standing = dict[str, Decimal]


def standing(history: LoanHistory) -> Standing:
    """Debits less credits per account that the payments and the write-off of a loan have made, in yuan."""
    sums: Standing = defaultdict(lambda: ZERO)
    off_book = False
    for number, item in enumerate(history.applied):
        if item.event.kind == EventKind.WRITE_OFF and not off_book:
            _add_loss(sums, history.drawn, history.applied[:number], item.event)
            off_book = True
        elif item.event.kind != EventKind.WRITE_OFF:
            _add(sums, item, off_book)
    return dict(sums)


def _add(sums: Standing, item: AppliedEvent, off_book: bool) -> None:
    if item.event.kind == EventKind.REARRANGEMENT:
        _add_waived(sums, item, off_book)
        return
    sums[SOURCES[Funding(item.event.funding)]] += item.event.amount
    for line in item.allocations:
        account = ledger.RECOVERY_INCOME if off_book else RECEIVABLES[line.component]
        sums[account] -= line.amount
    sums[ledger.FEE_INCOME] -= item.settlement_fee
    sums[ledger.UNAPPLIED_MONEY] -= item.remainder


def _add_waived(sums: Standing, item: AppliedEvent, off_book: bool) -> None:
    """What a rearrangement gives up; what was written off before is in no receivable any more."""
    for line in item.allocations:
        if not off_book:
            sums[RECEIVABLES[line.component]] -= line.amount
            sums[ledger.RELIEF] += line.amount


def _add_loss(sums: Standing, drawn: LoanTerms, before: list[AppliedEvent], event: LoanEvent) -> None:
    """All that is owed on the day leaves the book as a loss; the claim itself stays."""
    history = LoanHistory(drawn)
    for item in before:
        history.apply(item.event)
    now = position_of(history.book(event.effective_date))
    sums[ledger.PENALTY_RECEIVABLE] -= now.penalty_unpaid
    sums[ledger.FEES_RECEIVABLE] -= now.fees_unpaid
    sums[ledger.INTEREST_RECEIVABLE] -= now.interest_unpaid
    sums[ledger.LOANS_RECEIVABLE] -= now.outstanding_principal
    sums[ledger.LOAN_LOSSES] += now.debt_amount
