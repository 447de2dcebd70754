"""What the nights and the closings wrote agrees with the loans and the journal it was taken from."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from loans.books.fault import Fault
from loans.books.rows_money import differing
from loans.end_of_day.tape import tape_row
from loans.ledger import CHART
from loans.maths.delinquency import bucket_of
from loans.models import (
    AccountingPeriod,
    DelinquencyFact,
    JournalChain,
    JournalEntry,
    JournalSeal,
    LedgerAccount,
    Loan,
    PeriodBalance,
    Posting,
)
from loans.selectors.earned import in_batches
from loans.selectors.position import loan_position
from loans.selectors.trial_balance import month_end
from risk.models import LoanTape
from weilidai.lib.idempotency import record_digest
from weilidai.lib.models import AuditEvent, BusinessDay, IdempotencyRecord
from weilidai.lib.money import ZERO, round_money

DAY = timedelta(days=1)
TOLD = tuple(
    field.attname for field in LoanTape._meta.concrete_fields if field.attname not in ("id", "loan_id", "valid_to")
)
# Of a loan with a long life only the newest rows of the tape are told anew.
TAPE_ROWS_MAX = 40
NIGHTS = "nights_agree_with_loans"


def nights_agree_with_loans(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """The tape and the overdue facts of a loan are what was known of it at the end of those days."""
    loans = Loan.objects.all() if among is None else among
    closed = set(BusinessDay.objects.filter(state="closed").values_list("date", flat=True))
    for batch in in_batches(loans.filter(start_date__isnull=False)):
        keys = [loan.pk for loan in batch]
        tape, facts = _by_loan(LoanTape, keys), _by_loan(DelinquencyFact, keys)
        for loan in batch:
            try:
                pairs = [*_tape(loan, tape[loan.pk], closed), *_facts(loan, facts[loan.pk])]
            except (ArithmeticError, LookupError, ValueError) as error:
                pairs = [("readable", f"{type(error).__name__}: {error}", "")]
            yield from differing(NIGHTS, loan.pk, pairs)


def _by_loan(model: Any, keys: list[Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in model.objects.filter(loan_id__in=keys).order_by("business_date"):
        found[row.loan_id].append(row)
    return found


def _tape(loan: Any, rows: list[Any], closed: set[Any]) -> Iterator[tuple[str, Any, Any]]:
    entered = sorted({event.business_date for event in loan.events.all()} & closed)
    yield "days of the tape", [row.business_date for row in rows], entered
    ends = [row.business_date - DAY for row in rows[1:]]
    yield "spans of the tape", [row.valid_to for row in rows], [*ends, None] if rows else []
    for row in rows[-TAPE_ROWS_MAX:]:
        told = tape_row(loan, row.business_date)
        for name in TOLD:
            yield f"tape of {row.business_date}, {name}", getattr(row, name), getattr(told, name)


def _facts(loan: Any, rows: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    before = bucket_of(0)
    for row in rows:
        on = row.business_date
        then = loan_position(loan, on, events_until=on)
        told = (row.days_past_due, row.bucket, row.outstanding_principal_amount, row.customer_id)
        yield f"fact of {on}", told, (then.days_past_due, then.bucket, then.outstanding_principal, loan.customer_id)
        eve = max(on - DAY, loan.start_date)
        yield f"bucket before {on}", before, loan_position(loan, eve, events_until=eve).bucket
        before = row.bucket


def periods_agree() -> Iterator[Fault]:
    """A closed month is still what it was when it was closed."""
    for period in AccountingPeriod.objects.order_by("first_day"):
        last = month_end(period.first_day)
        entries = JournalEntry.objects.filter(effective_date__gte=period.first_day, effective_date__lte=last)
        debits = Posting.objects.filter(entry__in=entries, side="debit").aggregate(total=Sum("amount"))["total"]
        told = (period.entries_count, period.turnover_amount)
        pairs: list[tuple[str, Any, Any]] = [("month", told, (entries.count(), round_money(debits or ZERO)))]
        pairs.append(("balances", _closing(period), _standing(last)))
        key = {"subject_type": "loans.accountingperiod", "subject_id": str(period.pk), "action": "period.close"}
        audit = AuditEvent.objects.filter(**key).first()
        if audit is not None:
            by = (str(period.closed_by_id), period.closed_at, period.reason)
            pairs.append(("closed", by, (audit.actor_id, audit.at, audit.reason)))
        yield from differing("periods_agree", period.pk, pairs)


def _closing(period: AccountingPeriod) -> dict[tuple[str, str], Decimal]:
    rows = PeriodBalance.objects.filter(period=period)
    return {(row.product_id or "", row.ledger_account_id): row.closing_amount for row in rows}


def _standing(last: Any) -> dict[tuple[str, str], Decimal]:
    rows = Posting.objects.filter(entry__effective_date__lte=last).order_by()
    sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    columns = ("entry__product_id", "ledger_account_id", "side")
    for product, code, side, total in rows.values_list(*columns).annotate(total=Sum("amount")):
        sums[product or "", code] += round_money(total if side == "debit" else -total)
    return dict(sums)


def chart_as_declared() -> Iterator[Fault]:
    """The accounts are called and counted as the chart has them."""
    chart = {code: rest for code, *rest in CHART}
    for row in LedgerAccount.objects.all():
        pairs = [("account", [row.name_zh, row.name_en, row.kind], chart.get(row.pk))]
        yield from differing("chart_as_declared", row.pk, pairs)


def chain_looks_far_enough() -> Iterator[Fault]:
    """The chain looks for late entries from the newest it sealed."""
    chain = JournalChain.objects.filter(pk=1).first()
    newest = JournalSeal.objects.order_by("-entry_id").values_list("entry_id", flat=True).first()
    if chain is not None:
        yield from differing("chain_looks_far_enough", "chain", [("horizon", chain.horizon, newest)])


def answers_kept(among: QuerySet[IdempotencyRecord] | None = None) -> Iterator[Fault]:
    """I4: what was answered under a key is what is answered under it for ever."""
    records = IdempotencyRecord.objects.all() if among is None else among
    rows = records.exclude(sha256="").order_by("pk")
    for row in rows.iterator(chunk_size=2000):
        yield from differing("answers_kept", row.pk, [("record", record_digest(row), row.sha256)])
