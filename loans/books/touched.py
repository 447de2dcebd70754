"""Which rows a pass of the checker looks at.

Those that were written since the last pass, by whomever and however: PostgreSQL keeps with each row the number of the
transaction that wrote it, also where every guard slept. Those at fault. And a slice of the others, so that nothing
stays unseen for ever. Elsewhere nobody can tell, and all are looked at.

A row is looked at together with the rows that speak of it: a loan when any of its instalments was written.
"""

import re
from collections.abc import Iterable

from django.db import connection
from django.db.models import Model, Q

from loans.books.checks import BY_ROW
from loans.models import BookFault, JournalEntry, Loan
from risk.models import CreditLine
from weilidai.lib.models import IdempotencyRecord

# A table and how its rows name what they speak of; `row` is the table whose rows may have been written.
TABLES: dict[type[Model], tuple[str, ...]] = {
    Loan: (
        "id FROM loans_loan AS row",
        "loan_id FROM loans_instalment AS row",
        "loan_id FROM loans_loanevent AS row",
        "loan_id FROM loans_loantally AS row",
        "loan_id FROM loans_repayment AS row",
        "loan_id FROM loans_payout AS row",
        "loan_id FROM loans_journalentry AS row",
        "loan_id FROM loans_delinquencyfact AS row",
        "loan_id FROM loans_rearrangement AS row",
        "loan_id FROM loans_foldedearnings AS row",
        "loan_id FROM risk_loantape AS row",
        "r.loan_id FROM loans_repaymentallocation AS row JOIN loans_repayment r ON r.id = row.repayment_id",
        "e.loan_id FROM loans_posting AS row JOIN loans_journalentry e ON e.id = row.entry_id",
        "l.id FROM loans_costdisclosure AS row JOIN loans_loan l ON l.disclosure_id = row.id",
        "r.loan_id FROM loans_costdisclosure AS row JOIN loans_rearrangement r ON r.disclosure_id = row.id",
        "l.id FROM risk_creditline AS row JOIN loans_loan l ON l.credit_line_id = row.id",
        "l.id FROM accounts_bankcard AS row JOIN loans_loan l ON l.bank_card_id = row.id",
        "subject_id FROM lib_auditevent AS row WHERE subject_type = 'loans.loan'",
        "subject_id FROM lib_statechange AS row WHERE subject_type = 'loans.loan'",
    ),
    CreditLine: (
        "id FROM risk_creditline AS row",
        "credit_line_id FROM risk_linechange AS row",
        "l.id FROM risk_creditapplication AS row JOIN risk_creditline l ON l.application_id = row.id",
        "subject_id FROM lib_auditevent AS row WHERE subject_type = 'risk.creditline'",
        "subject_id FROM lib_statechange AS row WHERE subject_type = 'risk.creditline'",
    ),
    JournalEntry: (
        "id FROM loans_journalentry AS row",
        "entry_id FROM loans_posting AS row",
        "entry_id FROM loans_journalseal AS row",
    ),
    IdempotencyRecord: ("id FROM lib_idempotencyrecord AS row",),
}
WRITTEN = "SELECT {}::text FROM {} {} age(row.xmin) <= age(%(mark)s::xid)"
# Beyond this the numbers come round again and tell nothing.
AGE_MAX = 2_000_000_000
# Of each kind so many are looked at in turn; of those written so many at most, the rest in turn as well.
SLICE, WRITTEN_MAX = 1000, 50_000
KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Among = dict[type[Model], set[str]]


def mark_now() -> int | None:
    """The oldest transaction still under way: what is written from now on is not older."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_snapshot_xmin(txid_current_snapshot())")
        return int(cursor.fetchone()[0])


def rows_to_look_at(mark: int | None, reached: dict[str, str]) -> tuple[Among | None, dict[str, str]]:
    """The keys of each kind, None for all of them, and the keys up to which the slices have come now.

    `mark` is that of the last pass, None at the first one, which begins with the slices.
    """
    if connection.vendor != "postgresql":
        return None, {}
    found: Among = {}
    until: dict[str, str] = {}
    words = _words_at_fault()
    for model in TABLES:
        name = model._meta.label_lower
        piece = _slice(model, reached.get(name, ""))
        until[name] = piece[-1] if piece and len(piece) == SLICE else ""
        found[model] = {*piece, *_written(model, mark), *_at_fault(model, words)}
    return found, until


def _slice(model: type[Model], reached: str) -> list[str]:
    rows = model._default_manager.order_by("pk").values_list("pk", flat=True)
    return [str(key) for key in (rows.filter(pk__gt=reached) if reached else rows)[:SLICE]]


def _written(model: type[Model], mark: int | None) -> set[str]:
    """The keys of rows written since `mark`; none where the numbers do not tell, or where nearly all were."""
    if mark is None:
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_snapshot_xmax(txid_current_snapshot()) - %s", [mark])
        if not 0 <= int(cursor.fetchone()[0]) < AGE_MAX:
            return set()
        cursor.execute(_statement(model), {"mark": str(mark % 2**32)})
        keys = {row[0] for row in cursor if row[0] is not None and KEY.fullmatch(row[0])}
    return keys if len(keys) <= WRITTEN_MAX else set()


def _statement(model: type[Model]) -> str:
    parts = (table.split(" FROM ", 1) for table in TABLES[model])
    selects = [WRITTEN.format(key, rest, "AND" if " WHERE " in rest else "WHERE") for key, rest in parts]
    return f"{' UNION '.join(selects)} LIMIT {WRITTEN_MAX + 1}"


def _words_at_fault() -> list[str]:
    names = [check.__name__ for check in BY_ROW]
    rows = BookFault.objects.filter(check_name__in=names, resolved_at__isnull=True)
    return list(rows.values_list("subject", flat=True))


def _at_fault(model: type[Model], words: Iterable[str]) -> set[str]:
    """The rows that open faults name, whichever way: their faults are resolved only when they are looked at."""
    keys = {key for word in words for key in KEY.findall(word)}
    named = Q(pk__in=keys)
    if model is Loan:
        named |= Q(payout__pk__in=keys) | Q(payout__reference__in=words)
    if model is JournalEntry:
        named |= Q(reference__in=words)
    return {str(key) for key in model._default_manager.filter(named).values_list("pk", flat=True)} if words else set()
