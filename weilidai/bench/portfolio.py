"""The portfolio's page beside adding the tape up anew for it, on PostgreSQL.

A tape of `size` loans paid out over two years, four in a hundred of them overdue; the night's figures of two evenings
made from it, those of the year before copied from them. Then every view as the page reads it, with its charts. All
stands in one transaction that is rolled back.
"""

from datetime import date, timedelta

from django.db import connection

from loans.admin.portfolio_charts import CHARTS
from loans.selectors.loan_history import loan_standings
from loans.selectors.portfolio import class_bands
from loans.selectors.portfolio_tables import REPORTS, VIEWS, Asked
from loans.selectors.portfolio_tape import figures_of
from loans.services.portfolio import portfolio_write
from risk.models import LoanTape, Product
from weilidai.bench.measure import Result, Sizes, peak_memory_mb, rolled_back, timed

PREFERRED: Sizes = (100_000, 1_000_000)
BASELINE = "adding the tape up for one evening"
EVE, DAY = date(2020, 1, 30), date(2020, 1, 31)
PRODUCTS = ("bench1", "bench2", "bench3")

# A row from the payout on, and from the thirtieth day on another: paid down, settled or overdue. `g` numbers the loans,
# `age` is days since the payout, `late` days past due.
TAPE = """
CREATE TEMPORARY TABLE book ON COMMIT DROP AS
SELECT gen_random_uuid() AS id, 'bench' || 1 + g %% 3 AS product, (g::bigint * 7919 %% 730)::integer AS age,
       CASE WHEN g %% 25 = 7 THEN (g::bigint * 104729 %% 420)::integer END AS late, g %% 10 < 4 AS settled
FROM generate_series(1, %(size)s) g;

INSERT INTO risk_loantape (loan_id, customer_id, credit_line_id, product_id, business_date, valid_to, state, plan,
                           start_date, due_date, principal_amount, outstanding_principal_amount, unpaid_due_date,
                           daily_rate)
SELECT id, id, id, product, %(day)s::date - age, CASE WHEN age >= 30 THEN %(day)s::date - age + 29 END, 'active',
       'single', %(day)s::date - age, %(day)s::date - age + 365, 1200, 1200, %(day)s::date - age + 365, 0.0004
FROM book
UNION ALL
SELECT id, id, id, product, %(day)s::date - age + 30, NULL,
       CASE WHEN settled AND late IS NULL THEN 'settled' ELSE 'active' END, 'single', %(day)s::date - age,
       %(day)s::date - age + 365, 1200, CASE WHEN settled AND late IS NULL THEN 0 ELSE 1000 END,
       CASE WHEN late IS NOT NULL THEN %(day)s::date - late WHEN NOT settled THEN %(day)s::date - age + 365 END, 0.0004
FROM book WHERE age >= 30;
"""
# The year before, as dense as the evenings measured.
FORMER = """
INSERT INTO loans_portfoliofigure (business_date, product_id, vintage_month, bucket, risk_class, loans_count,
                                   outstanding_principal_amount)
    SELECT %(eve)s::date - n, product_id, vintage_month, bucket, risk_class, loans_count, outstanding_principal_amount
    FROM loans_portfoliofigure CROSS JOIN generate_series(1, 364) n WHERE business_date = %(eve)s;
INSERT INTO loans_vintageflow (business_date, product_id, vintage_month, kind, loans_count, amount)
    SELECT %(eve)s::date - n, f.product_id, f.vintage_month, kind, 40, 40000
    FROM (SELECT DISTINCT product_id, vintage_month FROM loans_portfoliofigure WHERE business_date = %(eve)s) f
    CROSS JOIN unnest(ARRAY['paid_out', 'past_30', 'past_60', 'past_90']) kind CROSS JOIN generate_series(1, 729) n
    WHERE %(eve)s::date - n >= f.vintage_month;
INSERT INTO loans_rollfigure (business_date, product_id, source_bucket, target_bucket, loans_count, amount)
    SELECT (date_trunc('month', %(day)s::date - make_interval(months => n)) - interval '1 day')::date, product_id,
           source_bucket, target_bucket, loans_count, amount
    FROM loans_rollfigure CROSS JOIN generate_series(0, 22) n WHERE business_date = %(day)s;
INSERT INTO loans_segmentfigure (business_date, product_id, occupation, tier, decided_count, approved_count,
                                 limit_amount, rate_sum, loans_count, principal_amount, priced_amount)
    SELECT %(eve)s::date - n, product, 'job' || job, tier, 40, 20, 100000, 0.008, 30, 30000, 12
    FROM unnest(%(products)s::text[]) product CROSS JOIN generate_series(1, 10) job
    CROSS JOIN unnest(ARRAY['new', 'good', 'best']) tier CROSS JOIN generate_series(1, 729) n;
"""
WRITTEN = ("loans_portfoliofigure", "loans_vintageflow", "loans_rollfigure", "loans_segmentfigure")


def portfolio(sizes: Sizes) -> list[Result]:
    """Views a second; milliseconds of each, and seconds the night takes for the figures of an evening."""
    if connection.vendor != "postgresql":
        return [Result("portfolio", 0.0, "needs PostgreSQL: set DATABASE_URL", 0.0)]
    return [_portfolio(size) for size in sizes or PREFERRED]


def _portfolio(size: int) -> Result:
    with rolled_back():
        _tape_create(size)
        figures: dict[str, float] = {}
        for name, day in (("an evening", EVE), ("a month's end", DAY)):
            with timed() as watch:
                portfolio_write(day)
            figures[f"night, {name} s"] = round(watch.seconds, 2)
        _former_create()
        with timed() as scan:
            figures_of(DAY, class_bands(DAY))
        seconds = 0.0
        for view in VIEWS:
            with timed() as watch:
                _view(view)
            seconds += watch.seconds
            figures[f"{view} ms"] = round(1000 * watch.seconds)
        loan = LoanTape.objects.filter(business_date=DAY - timedelta(days=400)).values_list("loan_id", flat=True)[0]
        with timed() as watch:
            loan_standings(loan, DAY)
        figures |= {"a loan's past ms": round(1000 * watch.seconds), "peak MB": round(peak_memory_mb())}
        return Result("portfolio", len(VIEWS) / seconds, BASELINE, 1 / scan.seconds, size, figures)


def _view(view: str) -> None:
    asked = Asked(day=DAY, days=365, months=24)
    report = REPORTS[view](asked)
    if not report.table.shown or not CHARTS[view](asked, report):
        raise AssertionError(f"{view} has nothing to show")


def _tape_create(size: int) -> None:
    for code in PRODUCTS:
        Product.objects.create(code=code, name_zh=code, name_en=code, is_open=False)
    with connection.cursor() as cursor:
        cursor.execute(TAPE, {"size": size, "day": DAY})
        cursor.execute("ANALYZE risk_loantape")


def _former_create() -> None:
    with connection.cursor() as cursor:
        cursor.execute(FORMER, {"eve": EVE, "day": DAY, "products": list(PRODUCTS)})
        for table in WRITTEN:
            cursor.execute(f"ANALYZE {table}")
