"""R14, R54, I2, I4, I8 under parallel requests: real connections, real commits."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from rest_framework.test import APIClient

from loans.books.checks import CHECKS
from loans.models import JournalEntry, Loan, LoanEvent, Payout, PayoutCallback, SandboxPayment
from loans.services.payout import payouts_advance
from loans.services.payout_callback import payout_callback_receive
from loans.services.sandbox_bank import sandbox_callbacks_deliver
from risk.models import CreditLine, RegulationParameter
from tests.loans.builders import NOW, SECOND, TODAY, Borrower, borrower, line_for, payout_of, policy
from weilidai.lib.audit import Actor

# Below the size of the connection pool, so that threads wait for the row and not for a connection.
THREADS = 16

pytestmark = pytest.mark.django_db(transaction=True)


def together(act: Callable[[int], Any], count: int) -> list[Any]:
    """`act(0) … act(count - 1)` on parallel threads, each with its own connection."""

    def run(number: int) -> Any:
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(count)))


def body(who: Borrower, line: CreditLine | None = None) -> dict[str, str]:
    return {
        "credit_line": str((line or who.line).pk),
        "amount": "1000.00",
        "plan": "single",
        "bank_card": str(who.card.pk),
        "purpose": "daily",
    }


def faults() -> list[Any]:
    return [fault for check in CHECKS for fault in check()]


@pytest.mark.req("R14")
def test_sixty_four_draws_never_use_more_than_the_line(alice: Borrower, clients: Callable[[], APIClient]) -> None:
    def draw(number: int) -> tuple[int, str]:
        answer = clients().post("/api/v1/loans", body(alice), HTTP_IDEMPOTENCY_KEY=f"k{number}")
        return answer.status_code, answer.json().get("code", "")

    assert Counter(together(draw, 64)) == {(202, ""): 8, (409, "limit_exceeded"): 56}
    assert alice.used == Decimal("8000.00")
    assert Loan.objects.count() == Payout.objects.count() == 8
    assert faults() == []


@pytest.mark.req("R14")
def test_twenty_requests_with_one_key_are_one_loan(alice: Borrower, clients: Callable[[], APIClient]) -> None:
    def draw(_number: int) -> tuple[int, str]:
        answer = clients().post("/api/v1/loans", body(alice), HTTP_IDEMPOTENCY_KEY="one")
        return answer.status_code, answer.json().get("id", "")

    answers = together(draw, 20)
    assert {http_code for http_code, _ in answers} <= {202, 409}
    assert {found for http_code, found in answers if http_code == 202} == {str(Loan.objects.get().pk)}
    assert alice.used == Decimal("1000.00")


@pytest.mark.req("R54")
def test_two_lines_of_one_person_never_pass_the_household_cap(
    alice: Borrower, clients: Callable[[], APIClient]
) -> None:
    policy("jiebei")
    lines = [alice.line, line_for(alice.customer, "jiebei")]
    RegulationParameter.objects.filter(name="household_credit_amount").update(value=Decimal(5000))

    def draw(number: int) -> int:
        key = f"k{number}"
        return clients().post("/api/v1/loans", body(alice, lines[number % 2]), HTTP_IDEMPOTENCY_KEY=key).status_code

    assert Counter(together(draw, 24)) == {202: 5, 409: 19}
    assert sum(CreditLine.objects.values_list("used_amount", flat=True)) == Decimal("5000.00")


@pytest.mark.req("R14")
def test_many_pollers_send_each_order_once(alice: Borrower) -> None:
    whos = [borrower(f"customer{number}") for number in range(10)]
    for who in whos:
        who.draw()
    together(lambda _: payouts_advance(at=NOW, as_of=TODAY), 8)
    assert list(SandboxPayment.objects.values_list("times_seen", flat=True)) == [1] * 10
    together(lambda _: sandbox_callbacks_deliver(at=NOW + SECOND, as_of=TODAY), 8)
    assert Loan.objects.filter(state="active").count() == JournalEntry.objects.count() == 10
    assert faults() == []


@pytest.mark.req("R14")
def test_parallel_copies_of_a_report_start_the_loan_once(alice: Borrower) -> None:
    loan = alice.draw()
    payouts_advance(at=NOW, as_of=TODAY)
    reference = payout_of(loan).reference

    def report(number: int) -> str:
        return payout_callback_receive(
            message_id=f"m{number % 5}",
            reference=reference,
            result="paid",
            at=NOW,
            as_of=TODAY,
            actor=Actor.machine("bank"),
        )

    assert Counter(together(report, 20)) == {"applied": 4, "repeated": 16}
    assert (LoanEvent.objects.count(), PayoutCallback.objects.count()) == (1, 5)
    assert faults() == []


@pytest.mark.postgres
def test_a_poller_passes_over_an_order_another_one_holds(alice: Borrower) -> None:
    first, second = alice.draw("1000.00"), alice.draw("1000.00")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM loans_payout WHERE loan_id = %s FOR UPDATE", [first.pk])
        assert together(lambda _: payouts_advance(at=NOW, as_of=TODAY), 1) == [1]
        cursor.execute("ROLLBACK")
    assert payout_of(first).state == "pending"
    assert payout_of(second).state == "accepted"
