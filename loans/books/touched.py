"""Which loans have a row that was written since the last look, by whomever and however: PostgreSQL keeps with each row
the number of the transaction that wrote it, also where every guard slept. Elsewhere nobody can tell.
"""

from uuid import UUID

from django.db import connection

# A table and how its rows name their loan.
TABLES = (
    "id FROM loans_loan AS row",
    "loan_id FROM loans_instalment AS row",
    "loan_id FROM loans_loanevent AS row",
    "loan_id FROM loans_loantally AS row",
    "loan_id FROM loans_repayment AS row",
    "loan_id FROM loans_payout AS row",
    "loan_id FROM loans_journalentry AS row",
    "loan_id FROM loans_delinquencyfact AS row",
    "loan_id FROM risk_loantape AS row",
    "r.loan_id FROM loans_repaymentallocation AS row JOIN loans_repayment r ON r.id = row.repayment_id",
    "e.loan_id FROM loans_posting AS row JOIN loans_journalentry e ON e.id = row.entry_id",
    "l.id FROM loans_costdisclosure AS row JOIN loans_loan l ON l.disclosure_id = row.id",
    "l.id FROM risk_creditline AS row JOIN loans_loan l ON l.credit_line_id = row.id",
)
TOUCHED = " UNION ".join(f"SELECT {table} WHERE age(row.xmin) <= age(%(mark)s::xid)" for table in TABLES)
# Beyond this the numbers come round again and tell nothing.
AGE_MAX = 2_000_000_000


def mark_now() -> int | None:
    """The oldest transaction still under way: what is written from now on is not older."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_snapshot_xmin(txid_current_snapshot())")
        return int(cursor.fetchone()[0])


def touched_since(mark: int | None) -> set[UUID] | None:
    """The loans with a row written since `mark`; None where all of them have to be looked at."""
    if mark is None or connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_snapshot_xmax(txid_current_snapshot()) - %s", [mark])
        age = int(cursor.fetchone()[0])
        if not 0 <= age < AGE_MAX:
            return None
        cursor.execute(TOUCHED, {"mark": str(mark % 2**32)})
        return {row[0] for row in cursor if row[0] is not None}
