"""Which rows a pass of the checker looks at, of the checks that compare row by row.

Those that were written since the last pass, by whomever and however: PostgreSQL keeps with each row the number of the
transaction that wrote it, also where every guard slept. Those at fault. And a slice of the others, so that nothing
stays unseen for ever. Elsewhere nobody can tell, and all are looked at.

A row is looked at together with the rows that speak of it: a loan when any of its instalments was written.
"""

import re
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model, Q, QuerySet

from loans.books.checks import BY_ROW
from loans.models import (
    Approval,
    BookFault,
    CreditGift,
    JournalEntry,
    Loan,
    MoneyReceipt,
    Payout,
    RearrangementOffer,
    Refund,
    Repayment,
    UnappliedBalance,
    UnappliedMovement,
)
from risk.models import CreditLine
from weilidai.lib.models import IdempotencyRecord
from weilidai.lib.sql import Piece, sql

TRAIL = ("lib_auditevent", "lib_statechange")


def _trail(label: str) -> tuple[str, ...]:
    """The audit events and changes of state of one kind of row."""
    return tuple(f"subject_id FROM {table} AS row WHERE subject_type = '{label}'" for table in TRAIL)


def _trail_of(label: str, key: str, other: str) -> tuple[str, ...]:
    """Those of another kind: `other` is its table, its alias and the column with its key. The subject of a row of any
    further kind need not be a key.
    """
    subject = f"CASE WHEN row.subject_type = '{label}' THEN row.subject_id::uuid END"
    return tuple(f"{key} FROM {table} AS row JOIN {other} = {subject}" for table in TRAIL)


# What is looked at, and how the rows of each table that speaks of it (called `row`) name it.
SPEAKING: dict[type[Model], tuple[str, ...]] = {
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
        *_trail("loans.loan"),
        *_trail_of("loans.payout", "p.loan_id", "loans_payout p ON p.id"),
    ),
    CreditLine: (
        "id FROM risk_creditline AS row",
        "credit_line_id FROM risk_linechange AS row",
        "credit_line_id FROM loans_loan AS row",
        "l.id FROM risk_creditapplication AS row JOIN risk_creditline l ON l.application_id = row.id",
        *_trail("risk.creditline"),
    ),
    JournalEntry: (
        "id FROM loans_journalentry AS row",
        "entry_id FROM loans_posting AS row",
        "entry_id FROM loans_journalseal AS row",
    ),
    IdempotencyRecord: ("id FROM lib_idempotencyrecord AS row",),
    Refund: (
        "id FROM loans_refund AS row",
        "r.id FROM loans_payout AS row JOIN loans_refund r ON r.payout_id = row.id",
        "r.id FROM accounts_bankcard AS row JOIN loans_refund r ON r.bank_card_id = row.id",
        "split_part(row.reference, ':', 2) FROM loans_journalentry AS row WHERE row.reference LIKE 'refund:%%'",
        "split_part(e.reference, ':', 2) FROM loans_posting AS row JOIN loans_journalentry e ON e.id = row.entry_id"
        " WHERE e.reference LIKE 'refund:%%'",
        *_trail("loans.refund"),
        *_trail_of("loans.payout", "r.id", "loans_refund r ON r.payout_id"),
    ),
    UnappliedBalance: (
        "customer_id FROM loans_unappliedbalance AS row",
        "customer_id FROM loans_unappliedmovement AS row",
        "customer_id FROM loans_moneyreceipt AS row",
        "m.customer_id FROM loans_journalentry AS row JOIN loans_unappliedmovement m ON m.entry_id = row.id",
        "m.customer_id FROM loans_posting AS row JOIN loans_unappliedmovement m ON m.entry_id = row.entry_id",
        "customer_id FROM loans_approval AS row",
        *_trail_of("loans.moneyreceipt", "m.customer_id", "loans_moneyreceipt m ON m.id"),
    ),
    CreditGift: (
        "id FROM loans_creditgift AS row",
        "g.id FROM risk_creditline AS row JOIN loans_creditgift g ON g.credit_line_id = row.id",
        "g.id FROM risk_creditline AS row JOIN loans_creditgift g ON g.recipient_line_id = row.id",
        *_trail("loans.creditgift"),
    ),
    Approval: ("id FROM loans_approval AS row", *_trail("loans.approval")),
    RearrangementOffer: (
        "id FROM loans_rearrangementoffer AS row",
        "o.id FROM loans_approval AS row JOIN loans_rearrangementoffer o ON o.approval_id = row.id",
        "o.id FROM loans_costdisclosure AS row JOIN loans_rearrangementoffer o ON o.disclosure_id = row.id",
        "o.id FROM loans_loan AS row JOIN loans_rearrangementoffer o ON o.loan_id = row.id",
        *_trail("loans.rearrangementoffer"),
    ),
}
TABLE = re.compile(r" FROM (\w+) AS row")
TABLES = sorted({table for statements in SPEAKING.values() for one in statements for table in TABLE.findall(one)})
# Beyond this the numbers of transactions come round again and tell nothing.
AGE_MAX = 2_000_000_000
# Of each kind so many are looked at in turn. Of the rows of a table written since the last pass so many at a time: the
# pass stays short, and the next one goes on after them.
SLICE, WRITTEN_MAX = 1000, 5000
NEWER = """
WITH newer AS MATERIALIZED (SELECT {key} AS key FROM {table} AS row WHERE age(row.xmin) <= age(%(mark)s::xid))
SELECT key::text FROM newer WHERE %(after)s::text IS NULL OR key > %(after)s::{type} ORDER BY key LIMIT %(limit)s
"""
KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Among = dict[type[Model], set[str]]


def rows_to_look_at(before: dict[str, Any]) -> tuple[Among | None, dict[str, Any]]:
    """The keys of each kind, None for all of them, and what the next pass has to know, which is `before` then.

    `since` is, for each table, the mark from which on rows are new and how far they were looked at; `reached` are the
    keys up to which the slices have come. The first pass knows neither and begins with the slices.
    """
    if connection.vendor != "postgresql":
        return None, {}
    now = mark_now()
    written: dict[str, list[str]] = {}
    since: dict[str, Any] = {}
    for table in TABLES:
        written[table], since[table] = _written(table, before.get("since", {}).get(table, {}), now)
    found: Among = {}
    reached: dict[str, str] = {}
    words = _words_at_fault()
    for model in SPEAKING:
        name = model._meta.label_lower
        piece = _slice(model, before.get("reached", {}).get(name, ""))
        reached[name] = piece[-1] if piece and len(piece) == SLICE else ""
        found[model] = {*piece, *_spoken_of(model, written), *_at_fault(model, words)}
    return found, {"since": since, "reached": reached}


def mark_now() -> int:
    """The oldest transaction still under way: what is written from now on is not older."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_snapshot_xmin(txid_current_snapshot())")
        return int(cursor.fetchone()[0])


def _slice(model: type[Model], reached: str) -> list[str]:
    rows = model._default_manager.order_by("pk").values_list("pk", flat=True)
    return [str(key) for key in (rows.filter(pk__gt=reached) if reached else rows)[:SLICE]]


def _written(table: str, last: dict[str, Any], now: int) -> tuple[list[str], dict[str, Any]]:
    """The keys of rows of a table written since its mark, and its mark for the next pass.

    Where there are too many the first are taken; the mark stays, the next pass goes on after them, and what was written
    since it `begun` is looked at when the last of them was.
    """
    if not last or not 0 <= now - last["mark"] < AGE_MAX:
        return [], {"mark": now}
    key, kind = _key_of(table)
    statement = NEWER.format(key=key, table=table, type=kind)
    values = {"mark": str(last["mark"] % 2**32), "after": last.get("after"), "limit": WRITTEN_MAX + 1}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        keys = [row[0] for row in cursor]
    begun = last.get("begun", now)
    if len(keys) <= WRITTEN_MAX:
        return keys, {"mark": begun}
    return keys[:-1], {"mark": last["mark"], "begun": begun, "after": keys[-2]}


def _key_of(table: str) -> tuple[str, str]:
    """The column that is the key of a table, and its type."""
    model = next(model for model in apps.get_models() if model._meta.db_table == table)
    key: Any = model._meta.pk
    return str(key.column), str(key.cast_db_type(connection))


def _spoken_of(model: type[Model], written: dict[str, list[str]]) -> set[str]:
    """The keys of the rows of a kind that written rows speak of."""
    found: set[str] = set()
    for words in SPEAKING[model]:
        table = TABLE.findall(words)[0]
        if not written[table]:
            continue
        key, kind = _key_of(table)
        told, rest = map(Piece, words.split(" FROM ", 1))
        where = Piece("AND" if " WHERE " in rest else "WHERE")
        text = "SELECT {told}::text FROM {rest} {where} row.{key} = ANY(%(keys)s::{kind}[])"
        statement = sql(text, told=told, rest=rest, where=where, key=key, kind=Piece(kind))
        with connection.cursor() as cursor:
            cursor.execute(statement, {"keys": written[table]})
            found |= {row[0] for row in cursor if row[0] is not None and KEY.fullmatch(row[0])}
    return found


def _words_at_fault() -> list[str]:
    names = [check.__name__ for check in BY_ROW]
    rows = BookFault.objects.filter(check_name__in=names, resolved_at__isnull=True)
    return list(rows.values_list("subject", flat=True))


def _at_fault(model: type[Model], words: list[str]) -> set[str]:
    """The rows that open faults name, whichever way: their faults are resolved only when they are looked at."""
    if not words:
        return set()
    keys = {key for word in words for key in KEY.findall(word)}
    orders = Payout.objects.filter(Q(pk__in=keys) | Q(reference__in=words))
    named: dict[type[Model], list[QuerySet[Any]]] = {
        Loan: [orders.values_list("loan"), Repayment.objects.filter(pk__in=keys).values_list("loan")],
        Refund: [orders.values_list("refund")],
        JournalEntry: [JournalEntry.objects.filter(reference__in=words).values_list("pk")],
        UnappliedBalance: [
            UnappliedMovement.objects.filter(pk__in=keys).values_list("customer"),
            MoneyReceipt.objects.filter(pk__in=keys).values_list("customer"),
        ],
    }
    own = model._default_manager.filter(pk__in=keys).values_list("pk")
    return {str(key) for rows in (own, *named.get(model, [])) for (key,) in rows if key is not None}
