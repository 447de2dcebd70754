"""Loans drawn and repaid over HTTP, 25 clients of which 15 fight over three lines, on the deployed server.

Each client draws and repays in turn, with a key of its own for every call; the three shared lines run out of limit on
the way. Beside it an endpoint of the same server that reads one line under lock and inserts two rows. What was written
is held against what was answered before a figure is given.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from uuid import uuid4

from django.core.management import call_command
from django.db import connection
from django.db.models import F, Q, Sum
from django.utils import timezone

from accounts.models import BankCard, Customer, CustomerToken, Device
from loans.books.checks import CHECKS
from loans.gateway.interface import Paid, PayoutOrder
from loans.models import Loan, LoanState, Payout, Repayment
from loans.selectors.quote import Request
from loans.services.journal import ledger_accounts_load
from loans.services.loan import loan_request
from loans.services.payout import payouts_advance
from risk.models import CreditLine, ProductTerms, Signature
from risk.rules.purposes import LoanPurpose
from risk.selectors.documents import documents_current
from risk.services.presets import presets_load
from weilidai.bench.long_life import PRODUCT, line_create
from weilidai.bench.measure import Result, Sizes
from weilidai.bench.processor import processor_used
from weilidai.bench.server import scratch_database, served
from weilidai.bench.wire import Answer, Call, drive, percentile
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.models import IdempotencyRecord
from weilidai.lib.money import ZERO

ALONE, SHARED, ON_ONE = 10, 3, 5
CLIENTS = ALONE + SHARED * ON_ONE
# Calls of one client; half of them draw.
PREFERRED: Sizes = (40,)
WARMING = 8
DRAWN, REPAID, SEEDED = Decimal("500.00"), Decimal("7.00"), Decimal("500.00")
REPAYMENTS_A_LOAN = 5
# Of the loans asked for on a shared line so many fit, before anything is repaid.
FITTING = Decimal("0.8")
BASELINE = "a bare endpoint: one locked read, two inserts"
SENT_AGAIN = 2
# Of each table, where they are partitioned.
PARTS = 16


@dataclass(frozen=True)
class Borrower:
    token: str
    line: CreditLine
    card: BankCard
    device: Device
    loans: tuple[Loan, ...]


@dataclass(frozen=True)
class Before:
    """What stood in the database before the measured calls."""

    loans: int
    payouts: int
    repayments: int
    records: int


def draw(sizes: Sizes) -> list[Result]:
    """Writes a second and the times of the answers at each number of calls a client."""
    return _draws(sizes, parts=0)


def draw_partitioned(sizes: Sizes) -> list[Result]:
    """The same where the tables of customers are hash partitions by customer."""
    return _draws(sizes, parts=PARTS)


def _draws(sizes: Sizes, *, parts: int) -> list[Result]:
    if connection.vendor != "postgresql":
        return [Result("draw", 0.0, "needs PostgreSQL: set DATABASE_URL", 0.0)]
    return [_draw(size, parts) for size in sizes or PREFERRED]


def _draw(size: int, parts: int) -> Result:
    with scratch_database() as url:
        if parts:
            call_command("partition_tables", partitions=parts, apply=True, stdout=StringIO())
        as_of = current_business_date()
        presets_load(as_of=as_of)
        ledger_accounts_load()
        clients = _clients(WARMING + size, as_of)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        with served(url) as server:
            port = server.port
            bare = [_bare(who, WARMING + size) for who in clients]
            asked = [_asked(who, number, WARMING + size) for number, who in enumerate(clients)]
            drive(port, [calls[:WARMING] for calls in bare])
            drive(port, [calls[:WARMING] for calls in asked])
            with processor_used(server.process) as bare_used:
                plain, plain_seconds = drive(port, [calls[WARMING:] for calls in bare])
            before = _before()
            with processor_used(server.process) as used:
                told, seconds = drive(port, [calls[WARMING:] for calls in asked])
            _book_check(told, asked, before)
            _again_check(port, told, asked)
    cpu = used.figures(CLIENTS * size) | bare_used.figures(CLIENTS * size, "bare ")
    return _result(told, seconds, plain, plain_seconds, size, cpu)


def _result(
    told: list[list[Answer]],
    seconds: float,
    plain: list[list[Answer]],
    plain_seconds: float,
    size: int,
    cpu: dict[str, float],
) -> Result:
    answers, bare = _flat(told), [row.seconds for row in _flat(plain)]
    written = [row for row in answers if row.status < 300]
    times = [row.seconds for row in answers]
    figures = {
        "p50 ms": percentile(times, 0.5), "p95 ms": percentile(times, 0.95), "p99 ms": percentile(times, 0.99),
        "draw p95 ms": percentile([row.seconds for row in answers if row.status == 202], 0.95),
        "repayment p95 ms": percentile([row.seconds for row in answers if row.status == 201], 0.95),
        "refused": len(answers) - len(written),
        "bare p50 ms": percentile(bare, 0.5), "bare p95 ms": percentile(bare, 0.95), **cpu,
    }  # fmt: skip
    return Result("draw", len(written) / seconds, BASELINE, len(bare) / plain_seconds, CLIENTS * size, figures)


# --- Who calls ------------------------------------------------------------------------------------------------------


def _clients(calls: int, as_of: date) -> list[Borrower]:
    """The borrower behind each client; those of a shared line are one person with five telephones in the family."""
    loans = -(-calls // 2 // REPAYMENTS_A_LOAN)
    alone = [_borrower(f"alone-{number}", loans, calls, as_of) for number in range(ALONE)]
    shared = [_borrower(f"shared-{number}", loans * ON_ONE, calls, as_of) for number in range(SHARED)]
    for who in shared:
        room = (calls // 2 * ON_ONE * FITTING * DRAWN).quantize(ZERO)
        CreditLine.objects.filter(pk=who.line.pk).update(limit_amount=F("used_amount") + room)
    _pay_out(as_of)
    return [*alone, *(who for who in shared for _ in range(ON_ONE))]


def _borrower(name: str, loans: int, calls: int, as_of: date) -> Borrower:
    at = timezone.now()
    customer = Customer.objects.create(openid=name, name=name)
    device = Device.objects.create(
        customer=customer, fingerprint=f"{name}-phone", first_seen_at=at, last_seen_at=at, last_ip="127.0.0.1",
        verified_at=at,
    )  # fmt: skip
    card = BankCard.objects.create(
        customer=customer, number="6222020200000000004", number_hash=name, last_four="0004", holder=name,
        phone="13800000000", phone_hash=name, verified_at=at,
    )  # fmt: skip
    offer = ProductTerms.objects.get(product_id=PRODUCT)
    line = line_create(customer, offer, as_of, (loans * SEEDED + calls * DRAWN).quantize(ZERO))
    Signature.objects.bulk_create(
        Signature(
            customer=customer, application=line.application, document=document, language="zh-hans",
            sha256=document.sha256, signed_at=at,
        )
        for document in documents_current(PRODUCT, as_of)
    )  # fmt: skip
    made = tuple(_loan(customer, line, card, device, as_of) for _ in range(loans))
    return Borrower(CustomerToken.objects.create(user=customer)[1], line, card, device, made)


def _loan(customer: Customer, line: CreditLine, card: BankCard, device: Device, as_of: date) -> Loan:
    return loan_request(
        customer=customer, credit_line_id=line.pk, request=Request(SEEDED, "single"), bank_card_id=card.pk,
        purpose=LoanPurpose.DAILY, device=device, as_of=as_of, at=timezone.now(), actor=Actor.of(customer),
    )  # fmt: skip


class PayingBank:
    """Pays whatever it is sent, at once."""

    def send(self, order: PayoutOrder, *, at: datetime) -> Paid:
        return Paid(f"bank:{order.reference}")

    def inquire(self, reference: str, *, at: datetime) -> Paid:
        return Paid(f"bank:{reference}")


def _pay_out(as_of: date) -> None:
    while payouts_advance(at=timezone.now(), as_of=as_of, gateway=PayingBank()):
        pass
    if Loan.objects.exclude(state=LoanState.ACTIVE).exists():
        raise AssertionError("a loan was not paid out")


# --- What they call -------------------------------------------------------------------------------------------------


def _asked(who: Borrower, number: int, calls: int) -> list[Call]:
    """Draws and repayments in turn; the clients of a shared line repay its loans in different order."""
    return [
        _draw_call(who) if turn % 2 == number % 2 else _repay_call(who, who.loans[(turn + number) % len(who.loans)])
        for turn in range(calls)
    ]


def _headers(who: Borrower) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {who.token}", "X-Device-Id": who.device.fingerprint, "User-Agent": "bench",
        "Idempotency-Key": str(uuid4()), "Content-Type": "application/json",
    }  # fmt: skip


def _draw_call(who: Borrower) -> Call:
    body = {
        "credit_line": str(who.line.pk), "amount": str(DRAWN), "plan": "single", "bank_card": str(who.card.pk),
        "purpose": "daily",
    }  # fmt: skip
    return Call("POST", "/api/v1/loans", _headers(who), json.dumps(body).encode())


def _repay_call(who: Borrower, loan: Loan) -> Call:
    return Call("POST", f"/api/v1/loans/{loan.pk}/repayments", _headers(who), f'{{"amount": "{REPAID}"}}'.encode())


def _bare(who: Borrower, calls: int) -> list[Call]:
    return [Call("POST", f"/bare/written/{who.line.pk}/", {"User-Agent": "bench"})] * calls


# --- What was written -----------------------------------------------------------------------------------------------


def _before() -> Before:
    return Before(
        Loan.objects.count(), Payout.objects.count(), Repayment.objects.count(), IdempotencyRecord.objects.count()
    )


def _book_check(told: list[list[Answer]], asked: list[list[Call]], before: Before) -> None:
    """As many rows as answers, no line overdrawn, the books without a fault."""
    answers = _flat(told)
    counted = Counter(row.status for row in answers)
    wrong = [row for row in answers if row.status not in (201, 202) and not _is_limit_refusal(row)]
    if wrong:
        raise AssertionError(f"{len(wrong)} refused: {wrong[0].status} {wrong[0].body.decode()[:500]}")
    after = _before()
    written = Before(
        after.loans - before.loans, after.payouts - before.payouts, after.repayments - before.repayments,
        after.records - before.records,
    )  # fmt: skip
    expected = Before(counted[202], counted[202], counted[201], len(answers))
    if written != expected:
        raise AssertionError(f"answered {expected}, written {written}")
    ids = Counter(json.loads(row.body)["id"] for row in answers if row.status < 300)
    doubled = [key for key, count in ids.items() if count > 1]
    if doubled:
        raise AssertionError(f"{len(doubled)} rows answered twice")
    if IdempotencyRecord.objects.exclude(state=IdempotencyRecord.State.DONE).exists():
        raise AssertionError("a key is left without an answer")
    _lines_check()
    faults = [fault for check in CHECKS for fault in check()]
    if faults:
        raise AssertionError(f"{len(faults)} faults in the books: {faults[0]}")


def _is_limit_refusal(answer: Answer) -> bool:
    return answer.status == 409 and json.loads(answer.body)["code"] == "limit_exceeded"


def _lines_check() -> None:
    for line in CreditLine.objects.all():
        loans = line.loans.order_by().aggregate(
            owed=Sum("outstanding_principal_amount", filter=Q(state=LoanState.ACTIVE)),
            pending=Sum("principal_amount", filter=Q(state=LoanState.DISBURSING)),
        )
        held = (loans["owed"] or ZERO) + (loans["pending"] or ZERO)
        if not ZERO <= line.used_amount == held <= line.limit_amount:
            raise AssertionError(f"line {line.pk}: used {line.used_amount} of {line.limit_amount}, lent {held}")


def _again_check(port: int, told: list[list[Answer]], asked: list[list[Call]]) -> None:
    """The last calls of every client once more, under the keys they had: the same answers and no new row."""
    before = _before()
    again, _ = drive(port, [calls[-SENT_AGAIN:] for calls in asked])
    for first, second in zip(told, again, strict=True):
        for old, new in zip(first[-SENT_AGAIN:], second, strict=True):
            if (old.status, json.loads(old.body)) != (new.status, json.loads(new.body)):
                raise AssertionError(f"a repeated call was answered otherwise: {new.body.decode()[:500]}")
    if _before() != before:
        raise AssertionError("a repeated call had an effect of its own")


def _flat(answers: Sequence[Sequence[Answer]]) -> list[Answer]:
    return [row for own in answers for row in own]
