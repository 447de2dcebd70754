"""Benchmarks as ratios: each case is timed beside a baseline in the same run, on whatever database is configured.

What writes does so inside a transaction that is rolled back.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from django.db import connection, transaction
from django.utils import timezone

from loans import ledger
from loans.maths.state import position
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from loans.models import JournalEntry
from loans.services.journal import entry_post, ledger_accounts_load
from risk.models import Decision
from risk.services.assessment import decision_replay

START = date(2026, 1, 1)
SECONDS = 1.5


@dataclass(frozen=True)
class Result:
    """Operations a second of the case and of its baseline; `ratio` is case ÷ baseline."""

    name: str
    per_second: float
    baseline: str
    baseline_per_second: float

    @property
    def ratio(self) -> float:
        return self.per_second / self.baseline_per_second if self.baseline_per_second else 0.0


def rate(work: Callable[[], object], seconds: float = SECONDS) -> float:
    """How often `work` runs in a second, measured over about `seconds`."""
    work()
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - started)


def replay_of_a_loan() -> Result:
    """A single-payment loan with 12 part payments, replayed, beside one multiplication with rounding."""
    terms = LoanTerms(Plan.SINGLE, Decimal("5000.00"), START, Decimal("0.0004"), days=365)
    events = [LoanEvent(START + timedelta(days=20 * n), EventKind.REPAYMENT, Decimal("100.00")) for n in range(1, 13)]
    on = START + timedelta(days=300)
    plain = rate(lambda: (Decimal("5000.00") * Decimal("0.0004") * 300).quantize(Decimal("0.01")))
    return Result("replay", rate(lambda: position(terms, events, on)), "one multiplication", plain)


def journal_entry() -> Result:
    """A balanced entry through the service, beside the same rows by plain SQL."""
    ledger_accounts_load()
    numbers = count()

    def post() -> object:
        return entry_post(
            kind="disbursement",
            reference=f"bench:{next(numbers)}",
            effective_date=START,
            at=timezone.now(),
            lines=ledger.disbursement(Decimal("100.00")),
        )

    return _rolled_back("journal", post, "the same three inserts in SQL", _plain_entry)


def _plain_entry() -> None:
    from uuid import uuid4

    entry, now = uuid4(), timezone.now()
    key = entry.hex if connection.vendor == "sqlite" else entry
    columns = "id, kind, reference, effective_date, posted_at"
    with connection.cursor() as cursor:
        table = JournalEntry._meta.db_table
        values = [key, "disbursement", f"plain:{entry}", START, now]
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES (%s, %s, %s, %s, %s)", values)  # noqa: S608
        for code, side in ((ledger.LOANS_RECEIVABLE, "debit"), (ledger.BANK, "credit")):
            row = uuid4()
            cursor.execute(
                "INSERT INTO loans_posting (id, entry_id, ledger_account_id, side, amount) VALUES (%s, %s, %s, %s, %s)",
                [row.hex if connection.vendor == "sqlite" else row, key, code, side, "100.00"],
            )


def _rolled_back(name: str, work: Callable[[], object], baseline: str, plain: Callable[[], object]) -> Result:
    with transaction.atomic():
        result = Result(name, rate(work), baseline, rate(plain))
        transaction.set_rollback(True)
    return result


def decision() -> Result:
    """A stored decision replayed by the pure rules, beside reading it from the database."""
    stored = Decision.objects.filter(decided_by__isnull=True).first()
    if stored is None:
        return Result("decision", 0.0, "no decision is stored yet", 0.0)
    read = rate(lambda: Decision.objects.get(pk=stored.pk))
    return Result("decision", rate(lambda: decision_replay(stored)), "reading it", read)


CASES: dict[str, Callable[[], Result]] = {
    "replay": replay_of_a_loan,
    "journal": journal_entry,
    "decision": decision,
}
