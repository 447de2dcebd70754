"""A quarter's review and a month's raises of many lines by workers that are killed again and again: row by row what one
worker makes of the same lines undisturbed (R27, R28, R56, I5).

Among the lines are frozen and closed ones, students, people with two lines, at the cap of the law, scores to compute.
"""

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from itertools import zip_longest
from typing import Any
from unittest import mock

import psycopg
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from risk.models import LimitRaiseRun, RateReviewRun, RunState
from risk.models.line_run import LineRun
from risk.services.limit_raises import limit_raises_advance, limit_raises_begin
from risk.services.rate_review import rate_review_advance, rate_review_begin
from tests.audit.database import database_leave, database_use
from tests.support import postgres as pg
from weilidai.bench import review

WORKERS = 3
# Mean seconds between two deaths: at first, at least, at most.
PACE, PACE_MIN, PACE_MAX = 0.3, 0.05, 4.0
QUARTER, MONTH = review.QUARTER, date(2027, 2, 1)
VARIETY = """
UPDATE risk_creditline SET state = 'frozen', frozen_reason = 'unusual_place' FROM people
    WHERE line_id = risk_creditline.id AND g %% 37 = 0;
UPDATE risk_creditline SET state = 'closed', used_amount = 0 FROM people
    WHERE line_id = risk_creditline.id AND g %% 41 = 0;
UPDATE accounts_customer SET registered_occupation = 'student' FROM people
    WHERE people.id = accounts_customer.id AND g %% 23 = 0;
UPDATE risk_assetmonth SET deposits_amount = 600000 FROM people WHERE customer_id = people.id AND g %% 29 = 0;
DELETE FROM risk_customerscore USING people WHERE customer_id = people.id AND g %% 997 = 0;
INSERT INTO risk_creditline (id, customer_id, product_id, application_id, state, tier, limit_amount, used_amount,
    gifted_amount, received_amount, daily_rate, penalty_share, opened_date, frozen_reason)
SELECT gen_random_uuid(), id, 'jiebei', gen_random_uuid(), 'active', CASE WHEN g %% 38 = 0 THEN 'vip' ELSE 'new' END,
       CASE WHEN g %% 38 = 0 THEN 195000 ELSE 3000 END, 0, 0, 0, 0.0004, 0.5, %(opened)s, ''
FROM people WHERE g %% 19 = 0;
INSERT INTO risk_assetmonth (customer_id, row_id, month, current_fund_mean_amount, wealth_products_amount,
    deposits_amount, ecny_wallet_amount, card_limit_amount, card_debt_amount)
SELECT id, 'fund-' || g, %(quarter)s, 12000, g %% 3, CASE WHEN g %% 31 = 0 THEN 600000 ELSE 0 END, 0, 0, 0
FROM people WHERE g %% 4 = 0;
INSERT INTO risk_greenact (customer_id, row_id, at, date, act, quantity)
SELECT id, 'act-' || g || '-' || n, %(quarter)s::date - 20, %(quarter)s::date - 20, 'reforestation', 1
FROM people, generate_series(1, 12) n WHERE g %% 9 = 0;
UPDATE risk_loantape SET unpaid_due_date = %(quarter)s::date + 60 FROM people
    WHERE customer_id = people.id AND g %% 6 = 2;
UPDATE risk_creditline SET opened_date = '2026-08-01' FROM people WHERE line_id = risk_creditline.id AND g %% 20 = 0;
"""
# Everything the two jobs write, but for keys and times of the clock.
ROWS = (
    "SELECT id, state, tier, limit_amount, used_amount, daily_rate, penalty_share FROM risk_creditline ORDER BY id",
    "SELECT credit_line_id, quarter, customer_id, business_date, score, months_on_time, old_daily_rate, new_daily_rate,"
    " old_tier, new_tier, old_limit_amount, new_limit_amount, reasons::text FROM risk_ratereview"
    " ORDER BY credit_line_id, quarter",
    "SELECT credit_line_id, month, source, customer_id, business_date, amount, new_limit_amount, evidence::text,"
    " policy_id FROM risk_limitraise ORDER BY credit_line_id, month, source",
    "SELECT credit_line_id, reason, business_date, actor_name, old_limit_amount, new_limit_amount, old_daily_rate,"
    " new_daily_rate, old_tier, new_tier FROM risk_linechange ORDER BY 1, 2, 3, 6",
    "SELECT subject_id, reason, business_date, action, actor_kind, actor_name, customer_id, before::text, after::text"
    " FROM lib_auditevent WHERE action = 'credit_line.change' ORDER BY 1, 2, 3, 9",
    "SELECT dedupe_key, customer_id, kind, params::text, business_date FROM accounts_notification ORDER BY 1",
    "SELECT customer_id, scorecard_id, as_of, score FROM risk_customerscore ORDER BY 1, 2",
    "SELECT quarter, state, summary::text FROM risk_ratereviewrun ORDER BY 1",
    "SELECT month, state, summary::text FROM risk_limitraiserun ORDER BY 1",
)
JOBS: tuple[tuple[type[LineRun], Callable[..., int]], ...] = (
    (RateReviewRun, rate_review_advance),
    (LimitRaiseRun, limit_raises_advance),
)


def line_runs(count: int, seed: int) -> str:
    """`count` people; raises where anything differs in the end."""
    # A machine that stands still for minutes is not what is proved here.
    with mock.patch("weilidai.lib.partitions.SILENCE", "0"), pg.throwaway_postgres() as server:
        database_use(server.database_create("calm"))
        call_command("migrate", verbosity=0)
        lines = _lines_create(count)
        database_leave()
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE killed TEMPLATE calm")
        told = [f"{lines} open lines"]
        for model, advance in JOBS:
            seconds = _calm(server.url("calm"), model, advance)
            told.append(f"{model.NAME}: {seconds:.0f} s undisturbed")
            told.append(_under_fire(server.url("killed"), model, advance, random.Random(f"{seed}-{model.NAME}")))
            told.append(f"{_compared(server.url('calm'), server.url('killed'))} rows equal")
            sys.stderr.write(", ".join(told) + "\n")
        return ", ".join(told)


def _lines_create(count: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        # The lines of the benchmark have no applications behind them.
        cursor.execute("SET LOCAL session_replication_role = replica")
        review._lines_create(count)
        cursor.execute(VARIETY, {"quarter": QUARTER, "opened": review.OPENED})
        cursor.execute("ANALYZE risk_creditline")
        cursor.execute("SELECT count(*) FROM risk_creditline WHERE state <> 'closed'")
        return int(cursor.fetchone()[0])


def _begin(model: type[LineRun]) -> None:
    if model is RateReviewRun:
        rate_review_begin(quarter=QUARTER, as_of=QUARTER, at=review.AT)
    else:
        limit_raises_begin(month=MONTH, as_of=MONTH, at=review.AT)


def _calm(url: str, model: type[LineRun], advance: Callable[..., int]) -> float:
    database_use(url)
    _begin(model)
    started = time.monotonic()
    while advance(at=timezone.now()):
        pass
    database_leave()
    return time.monotonic() - started


# --- Under fire --------------------------------------------------------------------------------------------------


def _worker(model: type[LineRun], advance: Callable[..., int]) -> int:
    """A process of its own that works until the run is done; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        connection.settings_dict["OPTIONS"] = {
            **connection.settings_dict.get("OPTIONS", {}), "application_name": f"worker {os.getpid()}",
        }  # fmt: skip
        while model._default_manager.filter(state=RunState.RUNNING).exists():
            if not advance(at=timezone.now()):
                time.sleep(0.05)
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
    finally:
        os._exit(code)


def _under_fire(url: str, model: type[LineRun], advance: Callable[..., int], dice: random.Random) -> str:
    database_use(url)
    _begin(model)
    database_leave()
    deaths = amid = done = 0
    pace, started = PACE, time.monotonic()
    with psycopg.connect(url, autocommit=True) as watch:
        workers = [_worker(model, advance) for _ in range(WORKERS)]
        try:
            while _is_running(watch, model):
                time.sleep(dice.uniform(0, 2 * pace))
                victim = workers.pop(dice.randrange(WORKERS))
                is_amid = _has_begun(watch, victim)
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                code = os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])
                if code == 1:
                    raise AssertionError("a worker broke off by itself")
                deaths += code == -signal.SIGKILL
                amid += is_amid and code == -signal.SIGKILL
                workers.append(_worker(model, advance))
                before, done = done, _ranges_done(watch, model)
                # About a death for every range that is finished, however busy the machine is.
                pace = min(pace * 1.3, PACE_MAX) if done == before else max(pace / 1.3, PACE_MIN)
                if deaths % 50 == 0:
                    sys.stderr.write(f"{model.NAME}: {done} ranges done, {deaths} deaths, {amid} amid a range\n")
        finally:
            for pid in workers:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    return f"{time.monotonic() - started:.0f} s with {deaths} deaths, {amid} amid a range"


def _is_running(watch: "psycopg.Connection[Any]", model: type[LineRun]) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE state = 'running'").format(sql.Identifier(model._meta.db_table))
    return watch.execute(query).fetchone() is not None


def _ranges_done(watch: "psycopg.Connection[Any]", model: type[LineRun]) -> int:
    query = "SELECT count(*) FROM lib_jobrun WHERE job LIKE %s AND last_key IS NOT NULL AND state = 'done'"
    row = watch.execute(query, [f"risk.{model.NAME}:%"]).fetchone()
    return int(row[0]) if row else 0


def _has_begun(watch: "psycopg.Connection[Any]", pid: int) -> bool:
    """Whether the worker has written in a transaction that is still open."""
    query = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND backend_xid IS NOT NULL"
    return watch.execute(query, [f"worker {pid}"]).fetchone() is not None


# --- Comparing ---------------------------------------------------------------------------------------------------


def _compared(calm: str, killed: str) -> int:
    """How many rows there are; raises at the first that differs."""
    number = 0
    for query in ROWS:
        for one, other in zip_longest(_rows(calm, query), _rows(killed, query)):
            if one != other:
                raise AssertionError(f"undisturbed {one}, under fire {other}")
            number += 1
    return number


def _rows(url: str, query: str) -> Iterator[tuple[Any, ...]]:
    with psycopg.connect(url) as link, link.cursor("rows") as cursor:
        cursor.itersize = 5000
        yield from cursor.execute(query)
