"""Single operations: a replay, an entry, a decision."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from django.db import connection
from django.utils import timezone

from loans import ledger
from loans.maths.state import position
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from loans.models import JournalEntry
from loans.services.journal import entry_post, ledger_accounts_load
from risk.models import Decision
from risk.services.assessment import decision_replay
from weilidai.bench.measure import Result, Sizes, rate, rolled_back

START = date(2026, 1, 1)


def replay_of_a_loan(sizes: Sizes) -> list[Result]:
    """A single-payment loan with 12 part payments, replayed, beside one multiplication with rounding."""
    terms = LoanTerms(Plan.SINGLE, Decimal("5000.00"), START, Decimal("0.0004"), days=365)
    events = [LoanEvent(START + timedelta(days=20 * n), EventKind.REPAYMENT, Decimal("100.00")) for n in range(1, 13)]
    on = START + timedelta(days=300)
    plain = rate(lambda: (Decimal("5000.00") * Decimal("0.0004") * 300).quantize(Decimal("0.01")))
    return [Result("replay", rate(lambda: position(terms, events, on)), "one multiplication", plain)]


def journal_entry(sizes: Sizes) -> list[Result]:
    """A balanced entry through the service, beside the same rows by plain SQL."""
    numbers = count()

    def post() -> object:
        return entry_post(
            kind="disbursement",
            reference=f"bench:{next(numbers)}",
            effective_date=START,
            at=timezone.now(),
            lines=ledger.disbursement(Decimal("100.00")),
        )

    with rolled_back():
        ledger_accounts_load()
        return [Result("journal", rate(post), "the same three inserts in SQL", rate(_plain_entry))]


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


def decision(sizes: Sizes) -> list[Result]:
    """A stored decision replayed by the pure rules, beside reading it from the database."""
    stored = Decision.objects.filter(decided_by__isnull=True).first()
    if stored is None:
        return [Result("decision", 0.0, "no decision is stored yet", 0.0)]
    read = rate(lambda: Decision.objects.get(pk=stored.pk))
    return [Result("decision", rate(lambda: decision_replay(stored)), "reading it", read)]
