"""Payouts and nights under hundreds of kills: processes die by SIGKILL at any statement, the database crashes and
recovers. In the end the books are those of a life in which nobody died.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from unittest import mock

import psycopg
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection

from loans.end_of_day.run import DayAhead, StepBusy, days_close
from loans.end_of_day.steps import STEPS
from loans.models import UNDECIDED, Payout, SandboxPayment
from loans.services.payout import payouts_advance
from loans.services.sandbox_bank import sandbox_callbacks_deliver
from tests.audit.database import database_leave, database_use
from tests.loans.builders import NOW, TODAY, borrower, day_set, policy
from tests.loans.life import day, faults
from tests.support import postgres as pg

ENDINGS = ("00", "41", "42", "43", "44", "45")
SAFE = {"synchronous_commit": "on", "fsync": "off"}
FIGURES = (
    "SELECT product_id, kind, business_date, cumulative_amount, amount FROM loans_productaccrual ORDER BY 1, 2, 3",
    "SELECT loan_id, business_date, days_past_due, bucket, outstanding_principal_amount"
    " FROM loans_delinquencyfact ORDER BY 1, 2",
    "SELECT e.effective_date, e.kind, e.loan_id, p.ledger_account_id, p.side, sum(p.amount), count(*)"
    " FROM loans_posting p JOIN loans_journalentry e ON e.id = p.entry_id GROUP BY 1, 2, 3, 4, 5"
    " ORDER BY 1, 2, 3, 4, 5",
    "SELECT customer_id, kind, business_date, count(*) FROM accounts_notification GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    "SELECT date, state FROM lib_businessday ORDER BY 1",
    "SELECT loan_id, business_date, valid_to, state, outstanding_principal_amount FROM risk_loantape ORDER BY 1, 2",
    "SELECT id, state, outstanding_principal_amount, penalty_claimed_amount, fee_charged_amount, figures_date,"
    " next_due_date, recorded_bucket FROM loans_loan ORDER BY 1",
    "SELECT customer_id, rule, business_date, state, count(*) FROM risk_alert GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    # What a night itself begins has a key of its own each time.
    "SELECT subject_type, CASE WHEN subject_type ~ 'run$|^risk.alert$' THEN '' ELSE subject_id END, old, new, count(*)"
    " FROM lib_statechange WHERE new NOT IN ('sending', 'unknown', 'accepted', 'pending') AND old <> 'sending'"
    " AND subject_type <> 'loans.payout' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
)


def kills(count: int, seed: int) -> str:
    """`count` deaths; raises where anything differs in the end."""
    last = day(max(DAYS_LEAST, count))
    with mock.patch.dict(pg.FAST_AND_UNSAFE, SAFE), pg.throwaway_postgres() as server:
        database_use(server.database_create("calm"))
        call_command("migrate", verbosity=0)
        _people(max(12, count // 2))
        database_leave()
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE killed TEMPLATE calm")
        _payouts_finish(0)
        days_close(through=last, steps=STEPS)
        calm = _figures()
        database_use(server.url("killed"))
        deaths = _payouts_under_fire(count // 2, random.Random(seed), server)
        deaths += _nights_under_fire(last, count - count // 2, random.Random(seed + 1), server)
        troubled = _figures()
        for query, one, other in zip(FIGURES, calm, troubled, strict=True):
            if one != other:
                raise AssertionError(f"{query}: {set(one) ^ set(other)}")
        if found := faults():
            raise AssertionError(f"faults: {found}")
        if set(SandboxPayment.objects.values_list("times_seen", flat=True)) != {1}:
            raise AssertionError("the bank saw an order twice")
        told = ", ".join(f"{number} {name}" for name, number in sorted(deaths.items()))
        database_leave()
        return f"{sum(deaths.values())} deaths ({told}), the books as without them"


# Every loan has fallen due by then; more deaths need more nights to die in.
DAYS_LEAST = 45


def _people(count: int) -> None:
    day_set()
    policy()
    for number in range(count):
        who = borrower(f"b{number}", number=f"62220202{number:08}{ENDINGS[number % len(ENDINGS)]}")
        who.draw("1000.00", days=3 + number % 40)
        who.draw("1200.00", plan="instalments", periods=3)


def _payouts_finish(first: int) -> None:
    for number in range(first, first + 400):
        _round(number)
        if not Payout.objects.filter(state__in=UNDECIDED).exists():
            return
    raise AssertionError("payouts are still undecided")


def _round(number: int) -> None:
    """A minute later each time: leases of the dead have run out."""
    at = NOW + timedelta(seconds=61 * number)
    payouts_advance(at=at, as_of=TODAY, limit=20)
    sandbox_callbacks_deliver(at=at, as_of=TODAY, limit=20)


def _child(work: Callable[[], Any]) -> int:
    """A process of its own that does the work."""
    database_leave()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except (DatabaseError, InterfaceError, DayAhead, StepBusy, ExceptionGroup):
        code = 3
    finally:
        os._exit(code)


def _shot(pid: int, after: float, server: pg.Postgres, *, database: bool) -> str:
    """What died; empty where the work was over before."""
    time.sleep(after)
    if database:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = 'killed' LIMIT 1"
            victim = admin.execute(query).fetchone()
        if victim:
            os.kill(victim[0], signal.SIGKILL)
    else:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _wait_for(server)
    if database:
        return "database" if victim else ""
    return "process" if code == -signal.SIGKILL else ""


def _wait_for(server: pg.Postgres) -> None:
    """Until the database has recovered."""
    for _ in range(600):
        try:
            psycopg.connect(server.url("killed"), connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the database did not come back")


def _payouts_under_fire(count: int, dice: random.Random, server: pg.Postgres) -> Counter[str]:
    deaths: Counter[str] = Counter()
    number = 0
    while deaths.total() < count and number < count * 3:
        number += 1
        pid = _child(lambda number=number: [_round(number + step / 100) for step in range(30)])
        name = _shot(pid, dice.uniform(0.02, 0.3), server, database=number % 4 == 0)
        if name:
            deaths[f"{name} in payouts"] += 1
        database_leave()
    _payouts_finish(number + 2)
    return deaths


def _nights_under_fire(last: date, count: int, dice: random.Random, server: pg.Postgres) -> Counter[str]:
    deaths: Counter[str] = Counter()
    for number in range(count * 2):
        if deaths.total() >= count:
            break
        pid = _child(lambda: days_close(through=last, steps=STEPS))
        name = _shot(pid, dice.uniform(0.02, 0.4), server, database=number % 4 == 0)
        if name:
            deaths[f"{name} in nights"] += 1
    database_leave()
    with suppress(DayAhead):
        days_close(through=last, steps=STEPS)
    return deaths


def _figures() -> list[Any]:
    with connection.cursor() as cursor:
        found = []
        for query in FIGURES:
            cursor.execute(query)
            found.append(cursor.fetchall())
        return found
