"""What happened to a loan after all. Alice draws 1 000.00 at 0.04 % a day on 15 September 2026 for 30 days."""

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from loans import ledger as chart
from loans.errors import LoanNotOpen, NothingToReverse, RepaymentExceedsDebt
from loans.models import (
    Instalment,
    JournalEntry,
    Loan,
    LoanEvent,
    LoanState,
    Payout,
    PayoutState,
    Repayment,
    UnappliedBalance,
)
from loans.selectors.position import loan_position
from loans.services.correction import (
    loan_write_off,
    payout_return,
    repayment_enter_late,
    repayment_reverse,
    write_off_reverse,
)
from loans.services.history import Act
from loans.services.repayment import settlement_make
from risk.models import CreditLine, LineState
from tests.loans.builders import NOW, TODAY, Borrower, borrower
from tests.loans.life import active_loan, close_through, day, faults, ledger, repay
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_day_close_begin
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.models import AuditEvent

FINANCE = Actor(kind="staff", id="7", name="finance")

COLUMNS = ("pk", "posted_at", "reference")
FIGURES = (
    "state", "outstanding_principal_amount", "segment_start_date", "interest_settled_amount", "interest_paid_amount",
    "fee_charged_amount", "fee_paid_amount", "settlement_fee_amount", "penalty_claimed_amount",
    "penalty_charged_amount", "penalty_paid_amount", "next_due_date", "settled_date", "exposure_amount",
)  # fmt: skip


def act(number: int, reason: str = "as the bank says") -> Act:
    return Act(FINANCE, day(number), NOW + (day(number) - TODAY), reason)


def late(loan: Loan, amount: str, effective: int, entered: int) -> Repayment:
    return repayment_enter_late(
        loan_id=loan.pk, amount=Decimal(amount), effective_date=day(effective), act=act(entered)
    )


def figures(loan: Loan) -> dict[str, Any]:
    row = Loan.objects.get(pk=loan.pk)
    return {name: getattr(row, name) for name in FIGURES}


def rows_of(loan: Loan) -> list[tuple[Any, ...]]:
    columns = ("number", "principal_paid_amount", "interest_paid_amount", "fee_paid_amount")
    return list(Instalment.objects.filter(loan=loan).order_by("number").values_list(*columns))


@pytest.mark.req("R14")
def test_a_bounced_repayment_never_was_and_its_limit_is_used_again(alice: Borrower):
    loan = active_loan(alice)
    first = repay(alice, loan, "504.00", day(10))
    repay(alice, loan, "100.00", day(12))
    written = list(JournalEntry.objects.values_list(*COLUMNS))
    event = repayment_reverse(repayment_id=first.pk, act=act(15))
    row = Loan.objects.get(pk=loan.pk)
    # 12 days x 0.40 = 4.80 are paid first, 95.20 are principal.
    assert row.outstanding_principal_amount == Decimal("904.80")
    assert row.interest_settled_amount == Decimal("4.80")
    assert alice.used == Decimal("904.80")
    assert (event.reverses.kind, event.effective_date, event.business_date) == ("repayment", day(10), day(15))
    assert Repayment.objects.get(pk=first.pk).reversed_date == day(15)
    second = Repayment.objects.get(loan=loan, reversed_date__isnull=True)
    assert (second.interest_amount, second.principal_amount) == (Decimal("4.80"), Decimal("95.20"))
    assert list(JournalEntry.objects.filter(pk__in=[key for key, *_ in written]).values_list(*COLUMNS)) == written
    assert ledger(chart.BANK) == Decimal("-900.00")
    assert AuditEvent.objects.filter(action="loan.reversal").count() == 1
    assert faults() == []


def test_a_repayment_is_reversed_only_once(alice: Borrower):
    loan = active_loan(alice)
    paid = repay(alice, loan, "504.00", day(10))
    repayment_reverse(repayment_id=paid.pk, act=act(11))
    with pytest.raises(NothingToReverse):
        repayment_reverse(repayment_id=paid.pk, act=act(11))
    assert LoanEvent.objects.filter(kind="reversal").count() == 1


def test_a_settled_loan_whose_money_bounced_is_open_again(alice: Borrower):
    loan = active_loan(alice)
    paid = repay(alice, loan, "1004.00", day(10))
    assert Loan.objects.get(pk=loan.pk).state == LoanState.SETTLED
    repayment_reverse(repayment_id=paid.pk, act=act(12))
    row = Loan.objects.get(pk=loan.pk)
    assert (row.state, row.settled_date, row.next_due_date) == (LoanState.ACTIVE, None, day(30))
    assert alice.used == Decimal("1000.00")
    assert faults() == []
    repay(alice, loan, "1004.80", day(12))
    assert Loan.objects.get(pk=loan.pk).state == LoanState.SETTLED


def test_a_settlement_that_falls_short_after_a_reversal_pays_like_a_repayment(alice: Borrower):
    loan = active_loan(alice)
    first = repay(alice, loan, "504.00", day(10))
    settlement_make(
        loan_id=loan.pk, customer=alice.customer, expected=None, as_of=day(15), at=NOW, actor=FINANCE
    )  # 500.00 + 1.00 + 5.00
    repayment_reverse(repayment_id=first.pk, act=act(16))
    row = Loan.objects.get(pk=loan.pk)
    # 506.00 less 15 days x 0.40 = 6.00 interest
    assert (row.state, row.outstanding_principal_amount) == (LoanState.ACTIVE, Decimal("500.00"))
    assert row.settlement_fee_amount == Decimal("0.00")
    assert faults() == []


def test_money_that_came_earlier_than_it_was_entered_saves_the_interest_since(alice: Borrower):
    loan = active_loan(alice)
    late(loan, "504.00", 10, 20)
    assert Loan.objects.get(pk=loan.pk).outstanding_principal_amount == Decimal("500.00")
    repay(alice, loan, "502.00", day(20))
    assert Loan.objects.get(pk=loan.pk).state == LoanState.SETTLED
    assert faults() == []


def test_a_late_entry_under_a_settled_loan_leaves_the_excess_with_the_customer(alice: Borrower):
    loan = active_loan(alice)
    repay(alice, loan, "1004.00", day(10))
    late(loan, "502.00", 5, 12)
    # Day 5: 2.00 interest, 500.00 principal. Day 10: 1.00 interest and 500.00 are enough of 1 004.00.
    assert UnappliedBalance.objects.get(customer=alice.customer).amount == Decimal("503.00")
    assert ledger(chart.UNAPPLIED_MONEY) == Decimal("-503.00")
    assert Loan.objects.get(pk=loan.pk).interest_settled_amount == Decimal("3.00")
    assert Repayment.objects.get(amount=Decimal("1004.00")).unapplied_amount == Decimal("503.00")
    assert faults() == []


@pytest.mark.parametrize("effective", [-1, 21])
def test_a_late_entry_lies_between_payout_and_today(alice: Borrower, effective: int):
    loan = active_loan(alice)
    with pytest.raises(FieldInvalid):
        late(loan, "10.00", effective, 20)
    late(loan, "10.00", 0, 20)
    late(loan, "10.00", 20, 20)


def test_a_late_entry_of_more_than_was_owed_is_refused(alice: Borrower):
    loan = active_loan(alice)
    with pytest.raises(RepaymentExceedsDebt):
        late(loan, "1004.01", 10, 20)
    late(loan, "1004.00", 10, 20)
    assert Loan.objects.get(pk=loan.pk).settled_date == day(10)


def test_a_returned_payout_undoes_the_loan_and_keeps_what_was_repaid_for_the_customer(alice: Borrower):
    loan = active_loan(alice)
    close_through(day(1))
    repay(alice, loan, "100.00", day(2))
    payout_return(loan_id=loan.pk, act=act(3))
    row = Loan.objects.get(pk=loan.pk)
    assert (row.state, row.outstanding_principal_amount) == (LoanState.FAILED, Decimal("0.00"))
    assert Payout.objects.get(loan=loan).state == PayoutState.RETURNED
    assert alice.used == Decimal("0.00")
    assert UnappliedBalance.objects.get().amount == Decimal("100.00")
    assert faults() == []
    close_through(day(3))
    assert ledger(chart.INTEREST_RECEIVABLE) == ledger(chart.INTEREST_INCOME) == Decimal("0.00")
    assert ledger(chart.BANK) == Decimal("100.00")
    assert faults() == []
    with pytest.raises(LoanNotOpen):
        payout_return(loan_id=loan.pk, act=act(4))


def test_a_written_off_loan_is_a_loss_its_line_frozen_and_what_comes_back_a_recovery(alice: Borrower):
    loan = active_loan(alice, days=2)
    close_through(day(99))
    loan_write_off(loan_id=loan.pk, act=act(100))
    row = Loan.objects.get(pk=loan.pk)
    assert (row.state, row.outstanding_principal_amount) == (LoanState.WRITTEN_OFF, Decimal("1000.00"))
    assert CreditLine.objects.get(pk=alice.line.pk).state == LineState.FROZEN
    # 100 days x 0.40 interest; penalty within 24 % of 1 000.00 over 100 days = 65.75 less 40.00
    lost = Decimal("1000.00") + Decimal("40.00") + Decimal("25.75")
    assert ledger(chart.LOAN_LOSSES) == lost
    receivables = (chart.LOANS_RECEIVABLE, chart.INTEREST_RECEIVABLE, chart.PENALTY_RECEIVABLE)
    assert [ledger(code) for code in receivables] == [Decimal(0)] * 3
    assert faults() == []
    repay(alice, loan, "65.75", day(200))
    repay(alice, loan, "100.00", day(201))
    assert ledger(chart.RECOVERY_INCOME) == Decimal("-165.75")
    assert ledger(chart.LOAN_LOSSES) == lost
    assert alice.used == Decimal("900.00")
    repay(alice, loan, "900.00", day(202))
    row = Loan.objects.get(pk=loan.pk)
    assert (row.state, row.settled_date) == (LoanState.WRITTEN_OFF, day(202))
    assert faults() == []


def test_a_write_off_by_mistake_is_taken_back_and_interest_has_run(alice: Borrower):
    loan = active_loan(alice)
    close_through(day(9))
    loan_write_off(loan_id=loan.pk, act=act(10))
    write_off_reverse(loan_id=loan.pk, act=act(15))
    assert Loan.objects.get(pk=loan.pk).state == LoanState.ACTIVE
    assert ledger(chart.LOAN_LOSSES) == Decimal(0)
    repay(alice, loan, "1006.00", day(15))
    assert Loan.objects.get(pk=loan.pk).state == LoanState.SETTLED
    assert faults() == []


@dataclass
class Life:
    """Random payments of a random loan, the same for whoever lives it."""

    plan: dict[str, Any]
    principal: str
    payments: dict[int, str]
    wrong_on: int
    wrong: str


def life_of(seed: int) -> Life:
    chance = random.Random(seed)
    plan: dict[str, Any] = chance.choice([{"days": 20}, {"plan": "instalments", "periods": 3}])
    payments = {on: f"{chance.randint(1, 15000) / 100:.2f}" for on in chance.sample(range(1, 60), 5)}
    wrong = f"{chance.randint(1, 20000) / 100:.2f}"
    return Life(plan, str(chance.choice([1000, 1234, 3333])), payments, chance.randint(1, 60), wrong)


@pytest.mark.dealt
@pytest.mark.parametrize("seed", range(6))
def test_a_life_with_a_reversed_event_equals_the_life_without_it(alice: Borrower, seed: int):
    bob = borrower("bob")
    life = life_of(seed)
    bounced, plain = (active_loan(one, life.principal, **life.plan) for one in (alice, bob))
    wrong: Repayment | None = None
    for number in range(1, 62):
        close_through(day(number - 1))
        if number == life.wrong_on:
            wrong = repay(alice, bounced, life.wrong, day(number))
        for one, loan in ((alice, bounced), (bob, plain)):
            if number in life.payments:
                repay(one, loan, life.payments[number], day(number))
    assert wrong is not None
    repayment_reverse(repayment_id=wrong.pk, act=act(61))
    assert faults() == []
    close_through(day(61))
    same_today(bounced, plain)
    assert alice.used == bob.used
    earned = loan_position(plain, day(62))
    assert ledger(chart.INTEREST_INCOME) == -2 * earned.interest_accrued
    assert ledger(chart.FEE_INCOME) == -2 * earned.fees_charged
    assert ledger(chart.PENALTY_INCOME) == -2 * earned.penalty_charged
    assert faults() == []


def same_today(one: Loan, other: Loan) -> None:
    """Every figure, instalment and day to come; `figures_date` only says how far the columns were carried."""
    assert figures(one) == figures(other)
    assert rows_of(one) == rows_of(other)
    for number in (61, 75, 130):
        assert loan_position(Loan.objects.get(pk=one.pk), day(number)) == loan_position(
            Loan.objects.get(pk=other.pk), day(number)
        )


def test_a_night_run_late_knows_nothing_of_what_was_entered_after_it(alice: Borrower):
    loan = active_loan(alice)
    paid = repay(alice, loan, "502.00", day(5))
    close_through(day(6))
    before = ledger(chart.INTEREST_INCOME)
    business_day_close_begin(day(7), at=NOW)  # day 8 is open, night 7 has not run
    repayment_reverse(repayment_id=paid.pk, act=act(8))
    close_through(day(7))
    assert ledger(chart.INTEREST_INCOME) == before - Decimal("0.20")
    close_through(day(8))
    # Nine days on 1 000.00 instead of five on 1 000.00 and four on 500.00.
    assert ledger(chart.INTEREST_INCOME) == Decimal("-3.60")
    assert faults() == []
