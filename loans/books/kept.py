"""Rows that stand once stand for ever: what is deleted leaves no trace in any row, only in their number.

Keys begin with the time they were made, so a page of keys is the rows of some three days; their number may grow by
what is committed late, and never fall. The checker keeps the greatest number it saw of each page.
"""

from collections.abc import Iterator

from django.db import connection
from django.db.models import Model

from loans.books.fault import Fault
from loans.models import (
    AccountingPeriod,
    Approval,
    CostDisclosure,
    CreditGift,
    DelinquencyFact,
    FoldedEarnings,
    Instalment,
    JournalEntry,
    JournalSeal,
    Loan,
    LoanEvent,
    LoanTally,
    MoneyReceipt,
    Payout,
    PeriodBalance,
    Posting,
    ProductAccrual,
    Rearrangement,
    RearrangementOffer,
    Refund,
    Repayment,
    UnappliedBalance,
    UnappliedMovement,
)
from risk.models import CreditLine, LineChange, LoanTape
from weilidai.lib.models import AuditEvent, IdempotencyRecord, JobRun, StateChange
from weilidai.lib.sql import literal, piece, sql

NAME = "rows_kept"
COUNTS_JOB = "books_rows"
# Hexadecimal digits of a key's time that make a page: 2 ** 28 milliseconds.
DIGITS = 5
# Tables from which nothing is ever deleted, and what makes a page of theirs. Allocations are written anew where a past
# is rewritten (`repayments_add_up` sees a lost one); the tape of a day may be written again, so it is counted by day.
PAGED: tuple[type[Model], ...] = (
    Loan, Instalment, LoanEvent, CostDisclosure, Repayment, JournalEntry, Posting, DelinquencyFact, FoldedEarnings,
    UnappliedMovement, MoneyReceipt, Refund, Payout, CreditGift, Approval, Rearrangement, RearrangementOffer,
    PeriodBalance, ProductAccrual, CreditLine, LineChange, AuditEvent, StateChange, IdempotencyRecord,
)  # fmt: skip
BY_COLUMN: dict[type[Model], str] = {LoanTape: "business_date"}
WHOLE: tuple[type[Model], ...] = (LoanTally, UnappliedBalance, JournalSeal, AccountingPeriod)
# By table and page: rows.
Counts = dict[str, dict[str, int]]


def rows_kept(counts: Counts | None = None) -> Iterator[Fault]:
    """I7: no row that the checker has seen is gone. `counts` are those of now, where they are known already."""
    now = rows_counted() if counts is None else counts
    for table, pages in sorted(counts_known().items()):
        for page, before in sorted(pages.items()):
            left = now.get(table, {}).get(page, 0)
            if left < before:
                yield Fault(NAME, f"{table} {page}".strip(), f"{left} rows, {before} before")


def rows_counted() -> Counts:
    """How many rows of each page stand now."""
    pages = {model: _beginning(model) for model in PAGED} | BY_COLUMN | dict.fromkeys(WHOLE, literal(""))
    counts: Counts = {}
    for model, page in pages.items():
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(sql("SELECT {page} AS page, count(*) FROM {table} GROUP BY 1", page=page, table=table))
            counts[table] = {str(told): int(count) for told, count in cursor}
    return counts


def _beginning(model: type[Model]) -> str:
    """Of the key; SQLite has keys as plain hexadecimal."""
    parts = {"key": str(model._meta.pk.column), "digits": literal(DIGITS)}
    if connection.vendor == "postgresql":
        return piece("left({key}::text, {digits})", **parts)
    return piece("substr({key}, 1, {digits})", **parts)


def counts_known() -> Counts:
    """The greatest numbers seen so far, by the run row that keeps them."""
    last = JobRun.objects.filter(job=COUNTS_JOB).order_by("-business_date").first()
    return last.result if last else {}


def counts_raised(before: Counts, now: Counts) -> Counts:
    """The greater of both, page by page."""
    return {
        table: {page: max(before.get(table, {}).get(page, 0), now.get(table, {}).get(page, 0))
                for page in {*before.get(table, {}), *now.get(table, {})}}
        for table in {*before, *now}
    }  # fmt: skip
