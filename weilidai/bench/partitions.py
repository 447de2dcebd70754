"""Payment events of many customers in one table beside the same rows in hash partitions by customer, on PostgreSQL.

Both tables have the columns and indexes of the real one; in the partitioned one every unique key begins with the
customer. Rows arrive in page after page, customers in no order; then single customers' last year is read.
"""

import time
from datetime import date

from django.db import connection

from weilidai.bench.measure import Result, Sizes, timed
from weilidai.bench.server import scratch_database
from weilidai.lib.chance import seeded
from weilidai.lib.sql import Piece, literal, sql

PREFERRED: Sizes = (2_000_000,)
PARTS, PAGE, READS = 32, 50_000, 300
EVENTS_A_CUSTOMER = 500
LAST = date(2026, 11, 20)
BASELINE = "the same rows in one table"

TABLES = f"""
CREATE TABLE bench_whole (LIKE risk_paymentevent INCLUDING DEFAULTS, PRIMARY KEY (id), UNIQUE (row_id));
CREATE INDEX ON bench_whole (customer_id, date);
CREATE TABLE bench_parts (LIKE risk_paymentevent INCLUDING DEFAULTS, PRIMARY KEY (customer_id, id),
    UNIQUE (customer_id, row_id)) PARTITION BY HASH (customer_id);
CREATE INDEX ON bench_parts (customer_id, date);
DO $$ BEGIN FOR n IN 0..{PARTS - 1} LOOP
    EXECUTE format('CREATE TABLE bench_parts_%s PARTITION OF bench_parts'
        ' FOR VALUES WITH (MODULUS {PARTS}, REMAINDER %s)', n, n);
END LOOP; END $$;
"""


def partitions(sizes: Sizes) -> list[Result]:
    """Rows inserted a second into the partitions, milliseconds of a customer's year, at each number of rows."""
    if connection.vendor != "postgresql":
        return [Result("partitions", 0.0, "needs PostgreSQL: set DATABASE_URL", 0.0)]
    return [_partitions(size) for size in sizes or PREFERRED]


def _partitions(size: int) -> Result:
    with scratch_database(), connection.cursor() as cursor:
        cursor.execute(TABLES)
        columns = _columns()
        seconds = dict.fromkeys(("bench_whole", "bench_parts"), 0.0)
        for first in range(0, size, PAGE):
            # One page into each in turn, so that both meet the same disk.
            for table in seconds:
                with timed() as watch:
                    cursor.execute(_page(table, columns), {"first": first, "customers": size // EVENTS_A_CUSTOMER})
                seconds[table] += watch.seconds
        cursor.execute("ANALYZE bench_whole; ANALYZE bench_parts")
        reads = {table: _read_milliseconds(table, size // EVENTS_A_CUSTOMER) for table in seconds}
        figures = {f"{table} p50 ms": round(value, 2) for table, value in reads.items()}
    return Result(
        "partitions", size / seconds["bench_parts"], BASELINE, size / seconds["bench_whole"], size, figures
    )  # fmt: skip


def _columns() -> dict[str, str]:
    """What each column of the real table gets: the same value for everything that is neither key nor date."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'risk_paymentevent'"
            " ORDER BY ordinal_position"
        )
        types = dict(cursor.fetchall())
    plain = {
        "character varying": "'x'", "text": "'x'", "numeric": "12.50", "boolean": "false", "jsonb": "'{}'",
        "timestamp with time zone": "now()", "integer": "0", "smallint": "0", "bigint": "0",
    }  # fmt: skip
    own = {
        "id": "g", "row_id": "'row-' || g", "date": f"date '{LAST}' - (g % 730)",
        "customer_id": "md5('c' || (g::bigint * 7919) % %(customers)s)::uuid",
    }  # fmt: skip
    return {name: own.get(name) or plain.get(kind, "NULL") for name, kind in types.items()}


def _page(table: str, columns: dict[str, str]) -> str:
    return sql(
        "INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(%(first)s + 1, %(first)s + {page}) g",
        table=table,
        names=list(columns),
        # The per cent sign of the values stands for the remainder, except before a name of a parameter.
        values=[Piece(value.replace(" % ", " %% ")) for value in columns.values()],
        page=literal(PAGE),
    )


def _read_milliseconds(table: str, customers: int) -> float:
    """The median of reading one customer's year."""
    random, times = seeded(7), []
    statement = sql(
        "SELECT count(*), sum(amount) FROM {table} WHERE customer_id = md5('c' || %s)::uuid AND date > %s::date - 365",
        table=table,
    )
    with connection.cursor() as cursor:
        for _ in range(READS):
            started = time.perf_counter()
            cursor.execute(statement, [random.randrange(customers), LAST])
            cursor.fetchone()
            times.append(time.perf_counter() - started)
    return 1000 * sorted(times)[len(times) // 2]
