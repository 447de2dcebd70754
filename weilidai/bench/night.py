"""A night over a synthetic book on PostgreSQL, beside plain SQL that reads one sum and writes the same changed rows.

The book stands in one transaction that is rolled back; its references point nowhere, which nobody asks before a
commit. Loans are spread so that on the night measured two or three in a hundred fall due, start a period, become
overdue or are reminded.
"""

from datetime import date, timedelta

from django.db import connection

from loans.end_of_day.run import RangedStep, step_cut, step_finish
from loans.end_of_day.steps import STEPS
from loans.services.journal import ledger_accounts_load
from risk.models import Product
from weilidai.bench.measure import Result, Sizes, peak_memory_mb, rolled_back, timed
from weilidai.lib.partitions import range_transaction_begin

DAY = date(2020, 1, 15)
OPENING = DAY + timedelta(days=1)
PREFERRED: Sizes = (10_000, 100_000, 1_000_000)
# Loans in a hundred whose plan is one instalment behind; a bad book is only measured where it is built quickly.
LATE, LATE_IN_A_BAD_BOOK, BAD_BOOK_MAX = 1, 10, 100_000
BASELINE = "plain SQL that reads the sum and writes the same rows"

# 85 in a hundred are single-payment loans of 365 days, the others six instalments of 30 days, some of them (`late`)
# with one due date missed. All else was paid on its day, and every night before did its work. `g` numbers the loans,
# `age` is days since the payout. Of `each` loans all but one have ended, `gone` days ago in some two years and 100 days
# after their payout; keys are in the order of payouts.
LOANS = """
CREATE TEMPORARY TABLE book ON COMMIT DROP AS
SELECT ('0190' || lpad(to_hex(n), 8, '0') || '70008' || substr(md5(n::text), 1, 15))::uuid AS id,
       gen_random_uuid() AS customer_id, g, single, late, age, gone
FROM (SELECT *, row_number() OVER (ORDER BY coalesce(gone + 100, age) DESC, k) AS n
      FROM (SELECT k, g, g %% 100 < 85 AS single, g %% 100 BETWEEN 86 AND 85 + %(late)s AS late,
                   ((g::bigint * 7919 + g / 100) %% CASE WHEN g %% 100 < 85 THEN 371 ELSE 170 END)::integer AS age,
                   CASE WHEN k %% %(each)s <> 0 THEN k %% 727 END AS gone
            FROM generate_series(1, %(size)s * %(each)s) k
            CROSS JOIN LATERAL (SELECT (k + %(each)s - 1) / %(each)s AS g) numbered) drawn) in_order
ORDER BY n;

INSERT INTO loans_loan (
    id, customer_id, credit_line_id, product_id, terms_id, bank_card_id, disclosure_id, state, purpose, plan,
    principal_amount, daily_rate, days_count, periods_count, fee_rate, fee_base, with_interest, prepaid_fee_discount,
    settlement_fee_rate, penalty_method, penalty_share, cost_cap_rate, early_fees_in_cap, requested_at, requested_date,
    disbursed_at, start_date, due_date, outstanding_principal_amount, segment_start_date, interest_settled_amount,
    interest_paid_amount, fee_charged_amount, fee_paid_amount, settlement_fee_amount, penalty_claimed_amount,
    penalty_charged_amount, penalty_paid_amount, next_due_date, exposure_amount, figures_date, recorded_bucket,
    settled_date, folded_date)
SELECT id, customer_id, gen_random_uuid(), 'bench', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'active',
       'daily', CASE WHEN single THEN 'single' ELSE 'instalments' END, 1200, 0.0004, CASE WHEN single THEN 365 END,
       CASE WHEN single THEN NULL ELSE 6 END, CASE WHEN single THEN 0 ELSE 0.005 END, 'period_principal', single, 0.005,
       0.01, 'principal_share', 0.5, 0.24, false, now(), %(day)s::date - age, now(), %(day)s::date - age,
       %(day)s::date - age + CASE WHEN single THEN 365 ELSE 180 END, 1200 - paid * 200, %(day)s::date - age + paid * 30,
       0, 0, CASE WHEN single THEN 0 ELSE 1 + begun END, paid, 0,
       CASE WHEN overdue > 0 THEN CASE WHEN single THEN 600 ELSE 100 END ELSE 0 END, 0, 0,
       %(day)s::date - age + next_due, paid * 30 * (1300 - 100 * paid),
       CASE WHEN overdue > 0 THEN %(day)s::date - overdue + 1
            WHEN begun > 0 THEN %(day)s::date - age + begun * 30 + 1 ELSE %(day)s::date - age END,
       CASE WHEN overdue > 1 THEN '1-30' ELSE '0' END, NULL::date, NULL::date
FROM (
    SELECT *, CASE WHEN single THEN 365 ELSE (paid + 1) * 30 END AS next_due,
           age - CASE WHEN single THEN 365 ELSE (paid + 1) * 30 END AS overdue
    FROM (SELECT *, CASE WHEN single THEN 0 ELSE greatest(0, age / 30 - late::int) END AS paid,
                 CASE WHEN single THEN 0 ELSE greatest(0, age - 1) / 30 END AS begun
          FROM book WHERE gone IS NULL) paid_up
) b

UNION ALL
SELECT id, customer_id, gen_random_uuid(), 'bench', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'settled',
       'daily', 'single', 1200, 0.0004, 365, NULL, 0, 'period_principal', true, 0.005, 0.01, 'principal_share', 0.5,
       0.24, false, now(), ended - 100, now(), ended - 100, ended + 265, 0, ended, 48, 48, 0, 0, 0, 0, 0, 0, NULL,
       120000, ended, '0', ended, CASE WHEN gone > 0 THEN ended END
FROM book CROSS JOIN LATERAL (SELECT %(day)s::date - gone AS ended) that_day WHERE gone IS NOT NULL
ORDER BY 1;

INSERT INTO loans_foldedearnings (id, product_id, business_date, folded_date, loans_count, interest_amount, fee_amount,
                                  penalty_amount)
SELECT gen_random_uuid(), 'bench', folded_date, folded_date, count(*), sum(interest_settled_amount), 0, 0
FROM loans_loan WHERE folded_date IS NOT NULL GROUP BY folded_date;

INSERT INTO loans_instalment (id, loan_id, number, start_date, due_date, principal_amount, interest_amount, fee_amount,
                              principal_paid_amount, interest_paid_amount, fee_paid_amount, settled_date, customer_id)
SELECT gen_random_uuid(), id, 1, start_date, due_date, 1200, 175.2, 0, 1200, 48, 0, settled_date, customer_id
FROM loans_loan WHERE product_id = 'bench' AND state = 'settled'
UNION ALL
SELECT gen_random_uuid(), l.id, k,
       l.start_date + CASE WHEN k = 1 OR l.periods_count IS NULL THEN 0 ELSE (k - 1) * 30 + 1 END,
       CASE WHEN l.periods_count IS NULL THEN l.due_date ELSE l.start_date + k * 30 END,
       CASE WHEN l.periods_count IS NULL THEN 1200 ELSE 200 END, 0, CASE WHEN l.periods_count IS NULL THEN 0 ELSE 1 END,
       CASE WHEN paid THEN 200 ELSE 0 END, 0, CASE WHEN paid THEN 1 ELSE 0 END,
       CASE WHEN paid THEN l.start_date + k * 30 END, l.customer_id
FROM loans_loan l CROSS JOIN LATERAL generate_series(1, coalesce(l.periods_count, 1)) k
CROSS JOIN LATERAL (SELECT l.periods_count IS NOT NULL AND l.start_date + k * 30 < l.next_due_date AS paid) p
WHERE l.product_id = 'bench' AND state = 'active';

INSERT INTO loans_loanevent (id, loan_id, sequence, kind, effective_date, business_date, funding, posted_at,
                             principal_amount, interest_amount, fee_amount, penalty_amount,
                             outstanding_principal_amount, customer_id)
SELECT gen_random_uuid(), id, 1, 'drawdown', start_date, start_date, 'bank', now(), 1200, 0, 0, 0, 1200, customer_id
FROM loans_loan WHERE product_id = 'bench'
UNION ALL
SELECT gen_random_uuid(), id, 2, 'settlement', settled_date, settled_date, 'bank', now(), 1200, 48, 0, 0, 0, customer_id
FROM loans_loan WHERE product_id = 'bench' AND state = 'settled';
"""

# The same rows written with nothing to decide.
PLAIN = """
SELECT product_id, sum(outstanding_principal_amount) FROM loans_loan GROUP BY product_id;
UPDATE loans_loan SET fee_charged_amount = fee_charged_amount, penalty_claimed_amount = penalty_claimed_amount,
    figures_date = figures_date WHERE product_id = 'bench' AND figures_date = %(opening)s;
INSERT INTO accounts_notification (id, customer_id, kind, params, dedupe_key, business_date, created_at, sms_due_at)
    SELECT gen_random_uuid(), customer_id, kind, params, 'plain:' || dedupe_key, business_date, created_at, sms_due_at
    FROM accounts_notification WHERE business_date = %(opening)s;
INSERT INTO loans_delinquencyfact (id, loan_id, customer_id, business_date, days_past_due, bucket,
                                   outstanding_principal_amount)
    SELECT gen_random_uuid(), loan_id, customer_id, business_date - 36500, days_past_due, bucket,
           outstanding_principal_amount
    FROM loans_delinquencyfact WHERE business_date = %(day)s;
UPDATE loans_loan SET recorded_bucket = fact.bucket FROM loans_delinquencyfact fact
    WHERE loans_loan.id = fact.loan_id AND fact.business_date = %(day)s;
INSERT INTO risk_loantape (loan_id, customer_id, credit_line_id, product_id, business_date, valid_to, state, plan,
                           start_date, due_date, principal_amount, outstanding_principal_amount, unpaid_due_date,
                           daily_rate)
    SELECT loan_id, customer_id, credit_line_id, product_id, business_date - 36500, valid_to, state, plan, start_date,
           due_date, principal_amount, outstanding_principal_amount, unpaid_due_date, daily_rate
    FROM risk_loantape WHERE business_date = %(day)s AND product_id = 'bench';
"""
WRITTEN = (
    "loans_loan", "loans_instalment", "loans_loanevent", "loans_delinquencyfact", "accounts_notification",
    "loans_foldedearnings", "risk_loantape", "lib_jobrun",
)  # fmt: skip
WARM = "SELECT sum(outstanding_principal_amount + interest_settled_amount) FROM loans_loan"


def night(sizes: Sizes, settled: int = 0) -> list[Result]:
    """All steps of one night at each size; throughput in open loans a second. Beside each open loan stand `settled`
    that ended in the two years before, at an even pace to the day itself.
    """
    if connection.vendor != "postgresql":
        return [Result("night", 0.0, "needs PostgreSQL: set DATABASE_URL", 0.0)]
    books = [
        (size, late)
        for size in sizes or PREFERRED
        for late in (LATE, LATE_IN_A_BAD_BOOK)
        if late == LATE or size <= BAD_BOOK_MAX
    ]
    return [_night(size, late, settled) for size, late in books]


def _night(size: int, late: int, settled: int) -> Result:
    with connection.cursor() as cursor:
        # What the book before left behind is cleared away, also out of the indexes.
        cursor.execute(f"VACUUM {', '.join(WRITTEN)}")
    with rolled_back():
        _book_create(size, late, settled)
        range_transaction_begin()
        figures: dict[str, float] = {}
        for step in STEPS:
            with timed() as watch:
                step_finish(step, DAY)
            figures[f"{step.name} s"] = round(watch.seconds, 3)
        seconds = sum(figures.values())
        figures |= {"late %": late, "settled": settled * size, "changed %": round(100 * _changed() / size, 2)}
        with timed() as plain, connection.cursor() as cursor:
            cursor.execute(PLAIN, {"day": DAY, "opening": OPENING})
        figures |= {
            "night s": round(seconds, 2),
            "plain s": round(plain.seconds, 2),
            "µs a loan": round(1_000_000 * seconds / size, 2),
            "times the plain": round(seconds / plain.seconds, 2),
            "peak MB": round(peak_memory_mb()),
        }
        return Result("night", size / seconds, BASELINE, size / plain.seconds, size, figures)


def _book_create(size: int, late: int = LATE, settled: int = 0) -> None:
    ledger_accounts_load()
    Product.objects.create(code="bench", name_zh="bench", name_en="bench", is_open=False)
    with connection.cursor() as cursor:
        cursor.execute(LOANS, {"size": size, "day": DAY, "late": late, "each": settled + 1})
        for table in ("loans_loan", "loans_instalment", "loans_loanevent"):
            cursor.execute(f"ANALYZE {table}")
        # Both sides find the table read once.
        cursor.execute(WARM)
    # An ordinary night knows the ranges of the one before.
    for step in STEPS:
        if isinstance(step, RangedStep):
            step_cut(step, DAY - timedelta(days=1))


CHANGED = """
SELECT count(*) FROM (
    SELECT customer_id FROM accounts_notification WHERE business_date = %(opening)s
    UNION SELECT customer_id FROM loans_loan WHERE product_id = 'bench' AND figures_date = %(opening)s
    UNION SELECT customer_id FROM loans_delinquencyfact WHERE business_date = %(day)s
    UNION SELECT customer_id FROM risk_loantape WHERE business_date = %(day)s AND product_id = 'bench'
) changed
"""


def _changed() -> int:
    """Loans the night wrote to, told somebody of or told the tape of; each is of another customer."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, {"day": DAY, "opening": OPENING})
        count: int = cursor.fetchone()[0]
    return count
