"""A night over the book of the benchmark `night`, compared with the same night of one process that nobody disturbed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# What a night leaves behind, without keys drawn at random and moments of the clock.
LEFT_BEHIND = {
    "loans": """SELECT id, fee_charged_amount, penalty_claimed_amount, penalty_charged_amount, interest_paid_amount,
        outstanding_principal_amount, next_due_date, figures_date, recorded_bucket FROM loans_loan""",
    "overdue facts": """SELECT loan_id, business_date, days_past_due, bucket, outstanding_principal_amount
        FROM loans_delinquencyfact""",
    "tape": """SELECT loan_id, business_date, valid_to, state, outstanding_principal_amount, unpaid_due_date
        FROM risk_loantape""",
    "notices": "SELECT customer_id, kind, dedupe_key, params, business_date FROM accounts_notification",
    "postings": """SELECT ledger_account_id, side, amount, entry.effective_date, entry.reference
        FROM loans_posting posting JOIN loans_journalentry entry ON entry.id = posting.entry_id""",
}


# Whom the night's rows refer to; the benchmark, which commits nothing, does without.
PEOPLE = """
INSERT INTO accounts_customer (id, openid, name, name_hash, id_number, phone, phone_hash, registered_occupation,
    declared_occupation, declared_student, city, language, identity_reference, payment_password_hash,
    payment_password_failed_count, verification_failed_count, created_at)
SELECT customer_id, 'bench-' || id, '', '', '', '', '', 'salaried', '', false, '', 'zh-hans', '', '', 0, 0, now()
FROM loans_loan;

INSERT INTO risk_creditline (id, customer_id, product_id, application_id, state, tier, limit_amount, used_amount,
    gifted_amount, received_amount, daily_rate, penalty_share, opened_date, frozen_reason)
SELECT credit_line_id, customer_id, 'bench', gen_random_uuid(), 'active', 'new', 5000, 1200, 0, 0, 0.0004, 0.5,
       start_date, ''
FROM loans_loan;
"""


@dataclass
class Night:
    size: int
    cut_at: float = 0.3
    control: str = field(default="", init=False)

    def begin(self) -> None:
        """The book, committed; a copy of the whole database; the day closing."""
        from django.db import connection, transaction
        from django.utils import timezone

        from weilidai.bench import night
        from weilidai.lib.business_date import business_date_set, business_day_close_begin

        with transaction.atomic():
            with connection.cursor() as cursor:
                # The loans of the benchmark have no terms and cards behind them.
                cursor.execute("SET LOCAL session_replication_role = replica")
            night._book_create(self.size)
            with connection.cursor() as cursor:
                cursor.execute(PEOPLE)
        business_date_set(night.DAY, at=timezone.now())
        business_day_close_begin(night.DAY, at=timezone.now())
        self.control = f"{connection.settings_dict['NAME']}_control"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE accounts_customer, loans_loan, loans_instalment, loans_loanevent")
        _copy(connection.settings_dict["NAME"], self.control)

    def ring(self) -> None:
        from loans.tasks import end_of_day_task

        end_of_day_task.apply_async(expires=30)

    def done(self) -> float:
        """By the steps that go by ranges."""
        from django.db.models import Sum

        from loans.end_of_day.run import RangedStep
        from loans.end_of_day.steps import STEPS
        from weilidai.bench.night import DAY
        from weilidai.lib.models import JobRun

        ranged = [f"end_of_day.{step.name}" for step in STEPS if isinstance(step, RangedStep)]
        rows = JobRun.objects.filter(business_date=DAY, partition="", job__in=ranged)
        sums = rows.aggregate(done=Sum("progress_done", default=0), total=Sum("progress_total", default=0))
        known = rows.count() / len(ranged)
        return known * float(sums["done"]) / sums["total"] if sums["total"] else 0.0

    def finished(self) -> bool:
        from weilidai.bench.night import DAY
        from weilidai.lib.models import BusinessDay

        return BusinessDay.objects.get(date=DAY).state == BusinessDay.State.CLOSED

    def check(self) -> dict[str, int]:
        from loans.end_of_day.run import days_close
        from loans.end_of_day.steps import STEPS
        from weilidai.bench.night import DAY

        here = _left_behind()
        with _in_database(self.control):
            days_close(through=DAY, steps=STEPS)
            alone = _left_behind()
        differing = [what for what, rows in here.items() if rows != alone[what]]
        if differing:
            raise SystemExit(f"another night than that of one process: {differing} {here} {alone}")
        return {what: count for what, (count, _digest) in here.items()}


@contextmanager
def _in_database(name: str) -> Iterator[None]:
    """The default connection leads to another database of the same server."""
    from django.db import connection

    before = connection.settings_dict["NAME"]
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()
        connection.settings_dict["NAME"] = before


def _copy(name: str, copy: str) -> None:
    """One database is another's template while nobody is in it."""
    from django.db import connection

    with _in_database("postgres"), connection.cursor() as cursor:
        # Such as autovacuum.
        cursor.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name])
        cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')


def _left_behind() -> dict[str, tuple[int, str]]:
    """Rows and a digest of them all, whatever their order."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for what, rows in LEFT_BEHIND.items():
            cursor.execute(f"CREATE TEMPORARY VIEW kept AS {rows}")
            cursor.execute(
                "SELECT count(*), coalesce(sum(hashtextextended(kept::text, 0)::numeric), 0)::text FROM kept"
            )
            found[what] = cursor.fetchone()
            cursor.execute("DROP VIEW kept")
    return found
