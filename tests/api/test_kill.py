"""Payouts and the end of the day under kill -9: whatever dies at whatever statement, the books come out the same."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from loans import ledger
from loans.models import UNDECIDED, JournalEntry, Loan, LoanState, Payout, SandboxPayment
from loans.tasks import payouts_ring
from tests.loans.builders import TODAY, Borrower, borrower, day_set, policy, turns
from tests.loans.life import day, faults
from tests.loans.life import ledger as ledger_sum
from tests.support.stack import ROOT, Broker, Workers, process_environment, wait_until
from weilidai.lib.sql import Piece, sql

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ENDINGS = ("00", "42", "43", "44", "45", "07")
LIVES = 4


def people(life: int) -> list[Borrower]:
    """One borrower for each ending of the sandbox."""
    return [borrower(f"p{life}-{ending}", number=f"62220202{life:09d}{ending}") for ending in ENDINGS]


def ring_until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Ring like beat, every few moments, whether there is a broker or not."""

    def rung() -> object:
        payouts_ring()
        return condition()

    wait_until(rung, seconds=seconds, what=what)


def life(number: int, workers: Workers) -> list[Borrower]:
    """New loans, a worker that takes them up, and its death in the middle."""
    worker = workers.start()
    known, now = SandboxPayment.objects.count(), timezone.now()
    born = people(number)
    for who in born:
        who.draw("1000.00", at=now)
    ring_until(lambda: SandboxPayment.objects.count() > known, seconds=60, what="an order at the bank")
    time.sleep(random.uniform(0, 0.1))
    workers.kill(worker)
    return born


def leases_run_out() -> None:
    """What a minute of waiting does: the claims of the dead become free."""
    Payout.objects.filter(claimed_until__isnull=False).update(claimed_until=timezone.now())


@pytest.mark.worker
@pytest.mark.req("R14")
def test_payouts_survive_killed_workers_and_a_killed_broker(live_workers: Workers, broker: Broker) -> None:
    day_set()
    policy()
    born = [who for number in range(LIVES - 1) for who in life(number, live_workers)]
    left = Payout.objects.filter(state__in=UNDECIDED).count()
    assert left > 0, "nothing was under way when the workers died: the test proves nothing"
    leases_run_out()
    live_workers.start()
    broker.kill()
    born += people(LIVES)
    for who in born[-len(ENDINGS) :]:
        who.draw("1000.00", at=timezone.now())
    payouts_ring()
    broker.start()
    # As the process manager does: a worker that loses its broker at a bad moment dies of it, or lives on and is deaf.
    live_workers.start()
    ring_until(
        lambda: not Payout.objects.filter(state__in=UNDECIDED).exists(), seconds=120, what="every payout to be decided"
    )
    each_is_decided_once(born)


def each_is_decided_once(born: list[Borrower]) -> None:
    states = {who.card.number: Loan.objects.get(customer=who.customer).state for who in born}
    expected = {
        who.card.number: LoanState.FAILED if who.card.number.endswith("43") else LoanState.ACTIVE for who in born
    }
    assert states == expected
    assert [who.used for who in born] == [
        Decimal(1000 * (expected[who.card.number] == LoanState.ACTIVE)) for who in born
    ]
    # The bank saw each order once, and the books hold one drawdown for each it paid.
    assert set(SandboxPayment.objects.values_list("times_seen", flat=True)) == {1}
    paid = Counter(expected.values())[LoanState.ACTIVE]
    assert JournalEntry.objects.count() == paid
    assert ledger_sum(ledger.BANK) == Decimal(-1000 * paid)
    assert faults() == []


# --- The end of the day -----------------------------------------------------------------------------------------

LAST = day(28)
KILLS = 5
FIGURES = (
    "SELECT product_id, kind, business_date, cumulative_amount, amount FROM loans_productaccrual ORDER BY 1, 2, 3",
    "SELECT loan_id, business_date, days_past_due, bucket, outstanding_principal_amount"
    " FROM loans_delinquencyfact ORDER BY 1, 2",
    "SELECT e.effective_date, p.ledger_account_id, p.side, sum(p.amount), count(*)"
    " FROM loans_posting p JOIN loans_journalentry e ON e.id = p.entry_id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    "SELECT customer_id, kind, count(*) FROM accounts_notification GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT date, state FROM lib_businessday ORDER BY 1",
    "SELECT id, state, outstanding_principal_amount, penalty_charged_amount FROM loans_loan ORDER BY 1",
)


def own_address() -> str:
    """Of the test's own database."""
    params: dict[str, Any] = connection.get_connection_params()
    return "postgres://{user}:{password}@{host}:{port}/{dbname}".format(**params)


@pytest.fixture
def copies() -> Iterator[Callable[[str], str]]:
    """Makes another database with the rows of the test's own and returns its address; gone at the end."""
    server, source = own_address().rsplit("/", 1)
    made: list[str] = []

    def copy(name: str) -> str:
        # A template must have no connection, pooled ones included.
        connections.close_all()
        connection.close_pool()
        made.append(f"{source}_{name}")
        admin.execute(f'CREATE DATABASE "{made[-1]}" TEMPLATE "{source}"')
        return f"{server}/{made[-1]}"

    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        yield copy
        for name in made:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def manage(url: str, *words: str, **values: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "manage.py", *words]
    environment = process_environment(DATABASE_URL=url, **values)
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished(process: "subprocess.Popen[bytes]") -> None:
    _, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors.decode()


def rows(url: str, query: str) -> list[Any]:
    with psycopg.connect(url) as database:
        return database.execute(query).fetchall()


def attempts(url: str) -> int:
    return int(rows(url, "SELECT coalesce(sum(attempts), 0) FROM lib_jobrun")[0][0])


def killed_at_work(url: str) -> None:
    """A close that took up at least one step and dies within the next moments."""
    before = attempts(url)
    process = manage(url, "end_of_day", "--through", str(LAST))
    wait_until(lambda: attempts(url) > before or process.poll() is not None, seconds=120, what="a step to begin")
    time.sleep(random.uniform(0, 0.25))
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the close was over before the kill: more days are needed"


def test_a_close_killed_again_and_again_leaves_what_an_undisturbed_one_leaves(copies: Callable[[str], str]) -> None:
    day_set()
    policy()
    for number in range(8):
        who = borrower(f"b{number}", number=f"622202020000000{number}00")
        who.draw("1000.00", days=5 + number)
        who.draw("1200.00", plan="instalments", periods=3)
    turns(3)
    disturbed, undisturbed = copies("killed"), own_address()

    call_command("end_of_day", through=LAST, stdout=StringIO())
    for _ in range(KILLS):
        killed_at_work(disturbed)
    finished(manage(disturbed, "end_of_day", "--through", str(LAST)))

    for query in FIGURES:
        assert rows(disturbed, query) == rows(undisturbed, query)
    counted = "SELECT count(DISTINCT business_date) FROM loans_productaccrual WHERE kind = 'interest'"
    assert rows(disturbed, counted) == [((LAST - TODAY).days + 1,)]
    assert rows(disturbed, "SELECT count(*) FROM loans_delinquencyfact") > [(0,)]
    finished(manage(disturbed, "verify_books"))


# --- Many workers at one night ----------------------------------------------------------------------------------

SHARED_UNTIL = day(11)
WORKERS, ROUNDS, SMALL_RANGES = 3, 2, {"NIGHT_RANGE_ROWS": "3"}
# Everything but the keys and the clock times of what was written.
BOOKS = {
    "accounts_notification": "customer_id, kind, params, dedupe_key, business_date",
    "loans_collectionstep": "loan_id, customer_id, spell_date, code, bucket, segment, template, result, business_date",
    "loans_delinquencyfact": "loan_id, business_date, days_past_due, bucket, outstanding_principal_amount",
    "loans_journalentry": "kind, reference, effective_date, product_id",
    "loans_loan": "loans_loan",
    "loans_posting p JOIN loans_journalentry e ON e.id = p.entry_id": "reference, ledger_account_id, side, p.amount",
    "loans_productaccrual": "product_id, kind, business_date, cumulative_amount, amount",
    "lib_businessday": "date, state",
    "risk_loantape": "loan_id, business_date, valid_to, state, outstanding_principal_amount, unpaid_due_date",
}


def books(url: str) -> dict[str, list[Any]]:
    return {
        table: sorted(
            rows(url, sql("SELECT ({columns})::text FROM {table}", columns=Piece(columns), table=Piece(table)))
        )
        for table, columns in BOOKS.items()
    }


def ranges_done(url: str) -> int:
    return int(rows(url, "SELECT count(*) FROM lib_jobrun WHERE last_key IS NOT NULL AND state = 'done'")[0][0])


def close_with_deaths(url: str) -> int:
    """Some workers close the days together and die at any statement; returns how many were killed at work."""
    killed, before = 0, ranges_done(url)
    workers = [manage(url, "end_of_day", "--through", str(SHARED_UNTIL), **SMALL_RANGES) for _ in range(WORKERS)]
    wait_until(
        lambda: ranges_done(url) > before or all(worker.poll() is not None for worker in workers),
        seconds=180, what="a range to be done",
    )  # fmt: skip
    for worker in workers:
        time.sleep(random.uniform(0, 0.5))
        worker.kill()
        worker.communicate()
        killed += worker.returncode == -signal.SIGKILL
    return killed


@pytest.mark.req("R14")
def test_many_workers_killed_at_random_leave_what_one_leaves(copies: Callable[[str], str]) -> None:
    day_set()
    policy()
    for number in range(6):
        who = borrower(f"b{number}", number=f"622202020000000{number}00")
        who.draw("1000.00", days=5 + number)
        who.draw("1200.00", plan="instalments", periods=3)
    turns(3)
    many, one = copies("many"), own_address()
    call_command("end_of_day", through=SHARED_UNTIL, stdout=StringIO())
    killed = sum(close_with_deaths(many) for _ in range(ROUNDS))
    assert killed >= ROUNDS, "the nights were over before the kills: more days are needed"
    left = [manage(many, "end_of_day", "--through", str(SHARED_UNTIL), **SMALL_RANGES) for _ in range(2)]
    codes = [worker.wait(timeout=400) for worker in left]
    # The one that found nothing left to close says so.
    assert 0 in codes
    # Both shared the work: some ranges of the same step have been done by different processes.
    shared = (
        "SELECT count(*) FROM (SELECT job, business_date FROM lib_jobrun WHERE last_key IS NOT NULL"
        " GROUP BY 1, 2 HAVING count(DISTINCT claimed_by) > 1) s"
    )
    assert rows(many, shared) > [(0,)]
    assert books(many) == books(one)
    finished(manage(many, "verify_books"))
