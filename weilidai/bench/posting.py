"""Journal entries through the service on PostgreSQL, each with its own commit, beside django-hordak posting the same
lines in the same database, and beside plain SQL inserting the same rows.
"""

import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from loans import ledger
from loans.models import JournalEntry, Posting
from loans.services.journal import entry_post, ledger_accounts_load
from weilidai.bench import measure
from weilidai.bench.measure import Result, Sizes, rate
from weilidai.bench.server import scratch_database

DAY = date(2026, 1, 1)
NOTHING = Decimal(0)
# A repayment: money in against a fee, interest and principal.
LINES = ledger.repayment(
    penalty=NOTHING, fee=Decimal("3.00"), interest=Decimal("12.34"), principal=Decimal("84.66"), settlement_fee=NOTHING
)
PLAIN, HORDAK = "the same rows by plain SQL", "django-hordak, the same lines, legs saved one by one"
MISSING = "django-hordak cannot be imported here: nothing to compare with"


def journal(sizes: Sizes) -> list[Result]:
    """Entries of four postings a second."""
    if connection.vendor != "postgresql":
        return [Result("journal", 0.0, "needs PostgreSQL: set DATABASE_URL", 0.0)]
    with scratch_database() as url:
        ledger_accounts_load()
        own, plain = rate(post), rate(post_plainly)
        entries_check()
        results = [Result("journal", own, PLAIN, plain)]
        if find_spec("hordak") is None:
            return [*results, Result("journal", own, MISSING, 0.0)]
        theirs = hordak_rates(url)
    figures = {"hordak with all legs in one statement, a second": theirs["bulk"], "ratio": own / theirs["bulk"]}
    return [*results, Result("journal", own, HORDAK, theirs["documented"], figures=figures)]


def post() -> None:
    """One entry as the services post it, to the commit."""
    entry_post(
        kind="repayment", reference=f"bench:{uuid4()}", effective_date=DAY, at=timezone.now(), lines=LINES
    )  # fmt: skip


@transaction.atomic
def post_plainly() -> None:
    """The rows of one entry, nothing looked at."""
    entry, now = uuid4(), timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO loans_journalentry (id, kind, reference, effective_date, posted_at)"
            " VALUES (%s, 'repayment', %s, %s, %s)",
            [_key(entry), f"plain:{entry}", DAY, now],
        )
        cursor.executemany(
            "INSERT INTO loans_posting (id, entry_id, ledger_account_id, side, amount) VALUES (%s, %s, %s, %s, %s)",
            [[_key(uuid4()), _key(entry), code, str(side), str(amount)] for code, side, amount in LINES],
        )


def _key(key: UUID) -> UUID | str:
    return key.hex if connection.vendor == "sqlite" else key


def entries_check() -> None:
    """Every entry has all its postings."""
    entries, written = JournalEntry.objects.count(), Posting.objects.count()
    if not entries or written != entries * len(LINES):
        raise AssertionError(f"{entries} entries of {len(LINES)} postings, {written} postings")


def hordak_rates(url: str) -> dict[str, float]:
    """Transactions a second in the database at `url`, `documented` and in `bulk`."""
    told = {
        "accounts": {code: kind for code, _, _, kind in ledger.CHART},
        "lines": [[code, str(side), str(amount)] for code, side, amount in LINES],
        "date": DAY.isoformat(),
        "seconds": measure.SECONDS,
    }
    done = subprocess.run(
        [sys.executable, "-m", "weilidai.bench.hordak_ledger"],
        input=json.dumps(told), env={**os.environ, "DATABASE_URL": url}, cwd=settings.BASE_DIR, text=True,
        check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    rates: dict[str, float] = json.loads(done.stdout)
    return rates
