"""A loan's figures written into its columns, so that lists are one index scan. The caller holds the loan's lock."""

from datetime import date

from loans.maths.state import LoanPosition
from loans.maths.tally import Tally
from loans.models import Instalment, Loan, LoanTally
from loans.selectors.position import is_open

PAID_COLUMNS = ("principal_paid_amount", "interest_paid_amount", "fee_paid_amount", "settled_date")
# Events from which on a replay takes longer than reading what they add up to.
TALLY_FROM = 100


def instalments_write(loan: Loan, after: LoanPosition, paid_on: dict[int, date] | None = None) -> None:
    """What each instalment has been paid. One that is newly paid up is settled on the day named in `paid_on`, else on
    the position's date.
    """
    figures = {row.number: row for row in after.instalments}
    for row in Instalment.objects.select_for_update().filter(loan=loan):
        now = figures[row.number]
        row.principal_paid_amount = now.principal_paid
        row.interest_paid_amount = now.interest_paid
        row.fee_paid_amount = now.fee_paid
        if row.settled_date is None and not is_open(loan, now, after):
            row.settled_date = (paid_on or {}).get(row.number, after.on)
        row.save(update_fields=PAID_COLUMNS)


def tally_keep(loan: Loan, tally: Tally, sequence: int) -> None:
    """Keeps what the events add up to after the newest, number `sequence`, where they are many."""
    if sequence >= TALLY_FROM:
        LoanTally.objects.bulk_create(
            [LoanTally(loan=loan, sequence=sequence, content=tally.content())],
            update_conflicts=True,
            unique_fields=["loan"],
            update_fields=["sequence", "content"],
        )


def loan_columns_set(loan: Loan, after: LoanPosition, today: LoanPosition | None = None) -> None:
    """The loan's own columns as of its last event; not saved yet.

    Where that lies in the past, `today` brings what the nights since have carried on: fees and penalty claims.
    """
    carried = today or after
    loan.outstanding_principal_amount = after.outstanding_principal
    loan.segment_start_date, loan.figures_date = after.on, carried.on
    loan.exposure_amount = after.exposure
    loan.interest_settled_amount = after.interest_accrued
    loan.interest_paid_amount = after.interest_accrued - after.interest_unpaid
    loan.fee_charged_amount = carried.fees_charged
    loan.fee_paid_amount = after.fees_charged - after.fees_unpaid
    loan.settlement_fee_amount = after.settlement_fee
    loan.penalty_claimed_amount = carried.penalty_claim
    loan.penalty_charged_amount = after.penalty_charged
    loan.penalty_paid_amount = after.penalty_charged - after.penalty_unpaid
    open_rows = [row.due_date for row in after.instalments if is_open(loan, row, after)]
    loan.next_due_date = min(open_rows, default=None)
