"""A loan with 2 400 events on PostgreSQL: read and repaid over HTTP, and replayed for a payment entered late.

Each plan's loan is made by `long_life`. Beside it plain SQL reads the same rows, and rewrites the rows the replay
changed; the late payment lies in the loan's second month, so that every later event pays anew.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from accounts.models import CustomerToken
from loans.models import Loan, LoanEvent, Repayment
from loans.services.correction import repayment_enter_late
from loans.services.history import Act
from risk.services.presets import presets_load
from weilidai.bench.long_life import PLANS, long_loan_create
from weilidai.bench.measure import Result, Sizes, rolled_back, timed
from weilidai.bench.server import scratch_database, served
from weilidai.bench.wire import Call, Client, percentile
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date

PREFERRED: Sizes = (2400,)
READS, WRITES = 40, 5
BASELINE = "plain SQL that reads and rewrites the same rows"
PAID = Decimal("3.00")
HEADERS = {"User-Agent": "bench", "Content-Type": "application/json", "X-Device-Id": "long-phone"}

READ = (
    "SELECT * FROM loans_loan WHERE id = %(loan)s",
    "SELECT * FROM loans_loanevent WHERE loan_id = %(loan)s ORDER BY sequence",
)
# Every repayment after the late one with its allocations, once more from itself.
REWRITE = (
    *READ,
    "UPDATE loans_repayment SET penalty_amount = penalty_amount, principal_amount = principal_amount,"
    " fee_amount = fee_amount, interest_amount = interest_amount, unapplied_amount = unapplied_amount"
    " WHERE loan_id = %(loan)s AND effective_date >= %(day)s",
    "CREATE TEMPORARY TABLE held ON COMMIT DROP AS SELECT a.* FROM loans_repaymentallocation a"
    " JOIN loans_repayment r ON r.id = a.repayment_id WHERE r.loan_id = %(loan)s AND r.effective_date >= %(day)s",
    "DELETE FROM loans_repaymentallocation WHERE id IN (SELECT id FROM held)",
    "INSERT INTO loans_repaymentallocation SELECT * FROM held",
)


def long_loan(sizes: Sizes) -> list[Result]:
    """Late payments a second (one full replay each) for a loan of each plan and size; milliseconds of the rest."""
    if connection.vendor != "postgresql":
        return [Result("long_loan", 0.0, "needs PostgreSQL: set DATABASE_URL", 0.0)]
    with scratch_database() as url:
        presets_load(as_of=current_business_date())
        return [_long_loan(url, plan, size) for size in sizes or PREFERRED for plan in PLANS]


def _long_loan(url: str, plan: str, size: int) -> Result:
    as_of = current_business_date()
    with timed() as making:
        loan = long_loan_create(plan, size, as_of)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    day = loan.requested_date + timedelta(days=45)
    late = _late(loan, day, as_of)
    figures = {f"{name} ms": value for name, value in _over_http(url, loan).items()}
    read = _milliseconds(lambda: _sql(READ, loan.pk, day), READS)
    with rolled_back():
        rewriting = _milliseconds(lambda: _sql(REWRITE, loan.pk, day), 1)
    events = LoanEvent.objects.filter(loan=loan).count()
    figures |= {"late payment ms": late, "plain read ms": read, "plain rewriting ms": rewriting}
    figures["making s"] = making.seconds
    rounded = {name: round(value, 1) for name, value in figures.items()}
    return Result(f"long_loan {plan}", 1000 / late, BASELINE, 1000 / rewriting, events, rounded)


def _late(loan: Loan, day: date, as_of: date) -> float:
    """Milliseconds of a payment entered late, the best of three; constraints checked, nothing of it stays."""
    act = Act(Actor.system("bench"), as_of, timezone.now(), "bench")

    def enter() -> None:
        with rolled_back():
            repayment_enter_late(loan_id=loan.pk, amount=PAID, effective_date=day, act=act)
            connection.check_constraints()

    return _milliseconds(enter, 3)


def _over_http(url: str, loan: Loan) -> dict[str, float]:
    """Medians over the deployed server, one client."""
    token, path = CustomerToken.objects.create(user=loan.customer)[1], f"/api/v1/loans/{loan.pk}"
    headers = {"Authorization": f"Bearer {token}", **HEADERS}

    def pay() -> Call:
        own = {**headers, "Idempotency-Key": str(uuid4())}
        return Call("POST", f"{path}/repayments", own, f'{{"amount": "{PAID}"}}'.encode())

    before = Repayment.objects.filter(loan=loan).count()
    with served(url) as server:
        client = Client(server.port)
        times = {
            "read": _median(client, lambda: Call("GET", path, headers), READS),
            "list": _median(client, lambda: Call("GET", "/api/v1/loans", headers), READS),
            "schedule": _median(client, lambda: Call("GET", f"{path}/schedule", headers), READS),
            "repayments": _median(client, lambda: Call("GET", f"{path}/repayments", headers), READS),
            "settlement quote": _median(client, lambda: Call("GET", f"{path}/settlement", headers), READS),
            "one more repayment": _median(client, pay, WRITES),
        }
    written = Repayment.objects.filter(loan=loan).count() - before
    if written != WRITES + 1:
        raise AssertionError(f"{WRITES + 1} repayments sent, {written} written")
    return times


def _median(client: Client, call: Callable[[], Call], count: int) -> float:
    """Of `count` answers after a first one that warms the server."""
    answers = [client.send(call()) for _ in range(count + 1)]
    wrong = [row for row in answers if row.status >= 300]
    if wrong:
        raise AssertionError(f"refused: {wrong[0].status} {wrong[0].body.decode()[:500]}")
    return percentile([row.seconds for row in answers[1:]], 0.5)


def _sql(statements: tuple[str, ...], loan: UUID, day: date) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, {"loan": loan, "day": day})
            if cursor.description:
                cursor.fetchall()


def _milliseconds(work: Callable[[], None], count: int) -> float:
    best = float("inf")
    for _ in range(count):
        started = time.perf_counter()
        work()
        best = min(best, 1000 * (time.perf_counter() - started))
    return best
