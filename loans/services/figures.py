"""A loan's figures written into its columns, so that lists are one index scan. The caller holds the loan's lock."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import F

from loans.maths.rearrangement import Brought
from loans.maths.schedule import ScheduleRow
from loans.maths.state import LoanPosition
from loans.maths.tally import Tally
from loans.maths.terms import LoanTerms
from loans.models import Instalment, Loan, LoanTally
from loans.selectors.position import is_open
from weilidai.lib.bulk import row_update
from weilidai.lib.money import ZERO
from weilidai.lib.prepared import prepared

# What a payment changes of a loan.
LOAN_COLUMNS = (
    "outstanding_principal_amount", "segment_start_date", "figures_date", "exposure_amount", "interest_settled_amount",
    "interest_paid_amount", "fee_charged_amount", "fee_paid_amount", "settlement_fee_amount", "penalty_claimed_amount",
    "penalty_charged_amount", "penalty_paid_amount", "penalty_waived_amount", "next_due_date",
)  # fmt: skip
PAID_COLUMNS = ("principal_paid_amount", "interest_paid_amount", "fee_paid_amount", "settled_date")
# Events from which on a replay takes longer than reading what they add up to.
TALLY_FROM = 100


def instalments_lock(loan: Loan) -> list[Instalment]:
    """The loan's instalments under lock."""
    return instalments_locked(loan.pk)


@prepared
def instalments_locked(loan: Any) -> Any:
    return Instalment.objects.select_for_update(no_key=True).filter(loan=loan).order_by("number")


def instalments_write(
    loan: Loan,
    after: LoanPosition,
    paid_on: dict[int, date] | None = None,
    *,
    locked: list[Instalment] | None = None,
) -> None:
    """What each instalment has been paid; rows that stay the same are not touched. One that is newly paid up is settled
    on the day named in `paid_on`, else on the position's date. Rows of a schedule that was undone stay as they are.
    """
    figures = {row.number: row for row in after.instalments}
    for row in instalments_lock(loan) if locked is None else locked:
        if row.number not in figures:
            continue
        now, before = figures[row.number], [getattr(row, name) for name in PAID_COLUMNS]
        row.principal_paid_amount = now.principal_paid
        row.interest_paid_amount = now.interest_paid
        row.fee_paid_amount = now.fee_paid
        if row.settled_date is None and not is_open(now, after):
            paid_up = (paid_on or {}).get(row.number, now.replaced_on or after.on)
            row.settled_date = now.replaced_on if row.moved_amount else paid_up
        if [getattr(row, name) for name in PAID_COLUMNS] != before:
            row_update(row, *PAID_COLUMNS)


def schedules_write(loan: Loan, terms: LoanTerms, on: date) -> None:
    """The due dates of every schedule of a rearranged loan, as this history has them; what is paid is written apart.

    Rows are never taken out: what a reversed repayment once paid stays readable on them. Those of a schedule that was
    undone are closed `on` the day, all their principal moved back.
    """
    if terms.brought is None and loan.rearranged_date is None:
        return
    rows = Instalment.objects.select_for_update(no_key=True).filter(loan=loan)
    stored = {row.number: row for row in rows}
    wanted = [*(_replaced_rows(terms.brought) if terms.brought else ()), *_current_rows(terms)]
    undone = rows.exclude(number__in=[number for number, _values in wanted])
    undone.update(
        moved_amount=F("principal_amount"), settled_date=on, principal_paid_amount=0, interest_paid_amount=0,
        fee_paid_amount=0,
    )  # fmt: skip
    for number, values in wanted:
        if number in stored:
            Instalment.objects.filter(pk=stored[number].pk).update(**values)
    Instalment.objects.bulk_create(
        Instalment(loan=loan, customer_id=loan.customer_id, number=number, **values)
        for number, values in wanted
        if number not in stored
    )
    loan.due_date, loan.rearranged_date = terms.last_due_date, on if terms.brought is None else terms.start


def _replaced_rows(brought: Brought) -> Iterator[tuple[int, dict[str, Any]]]:
    for closed in brought.closed:
        moved = closed.row.principal - closed.principal
        yield closed.row.number, {**_row_values(closed.row, closed.version), "moved_amount": moved}


def _current_rows(terms: LoanTerms) -> Iterator[tuple[int, dict[str, Any]]]:
    claimable = terms.brought.claimable if terms.brought else (None,) * len(terms.schedule)
    for row, most in zip(terms.schedule, claimable, strict=True):
        yield row.number, {**_row_values(row, terms.version), "claimable_amount": most, "moved_amount": ZERO}


def _row_values(row: ScheduleRow, version: int) -> dict[str, Any]:
    return {
        "version": version,
        "start_date": row.start_date,
        "due_date": row.due_date,
        "principal_amount": row.principal,
        "interest_amount": row.interest,
        "fee_amount": row.fee,
    }


def tally_keep(loan: Loan, tally: Tally, sequence: int) -> None:
    """Keeps what the events add up to after the newest, number `sequence`, where they are many.

    Not of a rearranged loan: its terms are a part of its events.
    """
    if sequence < TALLY_FROM or tally.terms.brought is not None:
        return
    content = tally.content()
    # Under the loan's lock; an upsert would name the unique key, which is another one where the table is partitioned.
    if not LoanTally.objects.filter(loan=loan).update(sequence=sequence, content=content):
        LoanTally.objects.create(loan=loan, sequence=sequence, content=content, customer_id=loan.customer_id)


def loan_columns_set(loan: Loan, after: LoanPosition, today: LoanPosition | None = None) -> None:
    """The loan's own columns (`LOAN_COLUMNS`) as of its last event; not saved yet.

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
    loan.penalty_waived_amount = after.waived_amount
    open_rows = [row.due_date for row in after.instalments if is_open(row, after)]
    loan.next_due_date = min(open_rows, default=None)
