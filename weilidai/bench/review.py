"""The quarterly review of synthetic lines on PostgreSQL, beside plain SQL that writes the same rows.

In a database of its own, where one worker commits range after range. Scores are stored already, as the batch scoring
leaves them; every line has an asset month and a loan on the tape, one in three has been on time for half a year, one
in ten rises to another tier.
"""

from datetime import UTC, date, datetime
from uuid import UUID

from django.db import connection, reset_queries, transaction

from risk.models import LineChange, RateReview, RateReviewPolicy
from risk.selectors.policy import scorecard_current, terms_current
from risk.services.presets import presets_load
from risk.services.rate_review import rate_review_advance, rate_review_begin
from weilidai.bench.measure import Result, Sizes, peak_memory_mb, timed
from weilidai.bench.processor import processor_used
from weilidai.bench.server import scratch_database
from weilidai.lib.garbage import garbage_settle

QUARTER, OPENED = date(2027, 1, 1), date(2026, 3, 1)
AT = datetime(2027, 1, 1, 1, tzinfo=UTC)
PREFERRED: Sizes = (10_000, 100_000)
BASELINE = "plain SQL that writes the same rows"

LINES = """
CREATE TEMPORARY TABLE people ON COMMIT DROP AS
SELECT gen_random_uuid() AS id, gen_random_uuid() AS line_id, g FROM generate_series(1, %(size)s) g;

INSERT INTO accounts_customer (id, openid, name, name_hash, id_number, phone, phone_hash, registered_occupation,
    declared_occupation, declared_student, city, language, identity_reference, payment_password_hash,
    payment_password_failed_count, verification_failed_count, created_at)
SELECT id, 'bench-' || g, '', '', '', '', '', 'salaried', '', false, '', 'zh-hans', '', '', 0, 0, now() FROM people;

INSERT INTO risk_invitationbatch (id, source, reason, file_name, issued_count, created_by, created_at, product_id)
VALUES (%(scorecard)s, 'staff', 'bench', '', %(size)s, 'bench', now(), 'weilidai');

INSERT INTO risk_invitation (id, openid, state, reason, issued_date, expires_date, batch_id, product_id)
SELECT line_id, 'bench-' || g, 'used', 'bench', %(opened)s, %(opened)s, %(scorecard)s, 'weilidai' FROM people;

INSERT INTO risk_creditapplication (id, state, started_date, expires_date, created_at, customer_id, invitation_id,
    product_id, terms_id)
SELECT line_id, 'approved', %(opened)s, %(opened)s, now(), id, line_id, 'weilidai', %(terms)s FROM people;

INSERT INTO risk_creditline (id, customer_id, product_id, application_id, state, tier, limit_amount, used_amount,
    gifted_amount, received_amount, daily_rate, penalty_share, opened_date, frozen_reason)
SELECT line_id, id, 'weilidai', line_id, 'active', CASE WHEN g %% 10 = 0 THEN 'new' ELSE 'quality' END,
       CASE WHEN g %% 10 = 0 THEN 5000 ELSE 9000 END, 1000, 0, 0,
       CASE WHEN g %% 2 = 0 THEN 0.0002 ELSE 0.00034 END, 0.5, %(opened)s, ''
FROM people;

INSERT INTO risk_customerscore (customer_id, scorecard_id, as_of, score)
SELECT id, %(scorecard)s, %(quarter)s::date - 1, 60 + g %% 35 FROM people;

INSERT INTO risk_assetmonth (customer_id, row_id, month, current_fund_mean_amount, wealth_products_amount,
    deposits_amount, ecny_wallet_amount, card_limit_amount, card_debt_amount)
SELECT id, 'bench-' || g, %(quarter)s::date - 31, g %% 20000, 0, 0, 0, 0, 0 FROM people;

INSERT INTO risk_loantape (loan_id, customer_id, credit_line_id, product_id, business_date, state, plan, start_date,
    due_date, principal_amount, outstanding_principal_amount, unpaid_due_date, daily_rate)
SELECT gen_random_uuid(), id, line_id, 'weilidai', %(opened)s, 'active', 'single', %(opened)s, %(quarter)s::date + 60,
       1000, 1000, %(quarter)s::date + (CASE WHEN g %% 3 = 0 THEN 60 ELSE -20 END), 0.0004 FROM people;
"""

# The rows of the review once more, from themselves.
PLAIN = """
UPDATE risk_creditline l SET tier = c.new_tier, limit_amount = c.new_limit_amount, daily_rate = c.new_daily_rate,
    penalty_share = penalty_share FROM risk_linechange c WHERE c.credit_line_id = l.id;
INSERT INTO risk_ratereview (id, quarter, run_id, credit_line_id, customer_id, business_date, score, months_on_time,
    old_daily_rate, new_daily_rate, old_tier, new_tier, old_limit_amount, new_limit_amount, reasons)
SELECT gen_random_uuid(), quarter - 3650, run_id, credit_line_id, customer_id, business_date, score, months_on_time,
    old_daily_rate, new_daily_rate, old_tier, new_tier, old_limit_amount, new_limit_amount, reasons
FROM risk_ratereview;
INSERT INTO risk_linechange (id, credit_line_id, customer_id, business_date, at, reason, actor_name, old_limit_amount,
    new_limit_amount, old_daily_rate, new_daily_rate, old_tier, new_tier)
SELECT gen_random_uuid(), credit_line_id, customer_id, business_date, at, reason, actor_name, old_limit_amount,
    new_limit_amount, old_daily_rate, new_daily_rate, old_tier, new_tier FROM risk_linechange;
INSERT INTO lib_auditevent (id, at, business_date, action, actor_kind, actor_id, actor_name, subject_type, subject_id,
    customer_id, before, after, reason)
SELECT gen_random_uuid(), at, business_date, action, actor_kind, actor_id, actor_name, subject_type, subject_id,
    customer_id, before, after, reason FROM lib_auditevent WHERE action = 'credit_line.change';
INSERT INTO accounts_notification (id, customer_id, kind, params, dedupe_key, business_date, created_at)
SELECT gen_random_uuid(), customer_id, kind, params, 'plain:' || dedupe_key, business_date, created_at
FROM accounts_notification;
"""


def review(sizes: Sizes) -> list[Result]:
    """Lines a second at each size."""
    if connection.vendor != "postgresql":
        return [Result("review", 0.0, "needs PostgreSQL: set DATABASE_URL", 0.0)]
    results = []
    for size in sizes or PREFERRED:
        with scratch_database():
            results.append(_review(size))
    return results


def _review(size: int) -> Result:
    _lines_create(size)
    rate_review_begin(quarter=QUARTER, as_of=QUARTER, at=AT)
    garbage_settle()
    before = peak_memory_mb()
    with timed() as watch, processor_used() as used:
        while rate_review_advance(at=AT):
            reset_queries()
    reviewed, changed = RateReview.objects.count(), LineChange.objects.count()
    if reviewed != size:
        raise AssertionError(f"{size} lines, {reviewed} reviews")
    with timed() as plain, processor_used() as plain_used, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PLAIN)
    figures = {
        "changed %": round(100 * changed / size, 1),
        "review s": round(watch.seconds, 2),
        "plain s": round(plain.seconds, 2),
        "microseconds a line": round(1e6 * watch.seconds / size),
        "cpu microseconds a line": round(1e6 * (used.client + used.database) / size),
        "of which database": round(1e6 * used.database / size),
        "plain cpu microseconds a line": round(1e6 * (plain_used.client + plain_used.database) / size),
        "peak MB": round(peak_memory_mb()),
        "of which reviewing added": round(peak_memory_mb() - before),
    }
    return Result("review", size / watch.seconds, BASELINE, size / plain.seconds, size, figures)


@transaction.atomic
def _lines_create(size: int) -> None:
    presets_load(as_of=OPENED)
    RateReviewPolicy.objects.filter(state="active").update(needs_release=False)
    values: dict[str, int | date | UUID] = {
        "size": size, "opened": OPENED, "quarter": QUARTER, "scorecard": scorecard_current(QUARTER).pk,
        "terms": terms_current("weilidai", QUARTER).pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(LINES, values)
        for table in ("accounts_customer", "risk_creditline", "risk_customerscore", "risk_assetmonth", "risk_loantape"):
            cursor.execute(f"ANALYZE {table}")
