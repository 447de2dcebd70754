"""Money in, written down everywhere at once. Alice draws 1 000.00 at 0.04 % a day on 15 September for 30 days."""

from decimal import Decimal

import pytest

from loans.errors import LoanNotOpen, RepaymentExceedsDebt, SettlementAmountChanged
from loans.models import EntryKind, JournalEntry, Loan, LoanState
from loans.services.correction import loan_write_off
from loans.services.history import Act
from loans.services.repayment import repayment_make, settlement_make
from tests.loans.builders import NOW, TODAY, Borrower, borrower
from tests.loans.life import active_loan, day, faults, repay
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid, ObjectNotFound, TryAgain


def settle(alice: Borrower, loan: Loan, number: int, expected: str | None = None) -> object:
    return settlement_make(
        loan_id=loan.pk,
        customer=alice.customer,
        expected=Decimal(expected) if expected else None,
        as_of=day(number),
        at=NOW,
        actor=Actor.of(alice.customer),
    )


@pytest.mark.req("R14")
def test_ten_days_cost_four_yuan_and_the_exact_debt_settles(alice: Borrower):
    loan = active_loan(alice)
    paid = repay(alice, loan, "1004.00", day(10))
    assert (paid.interest_amount, paid.principal_amount) == (Decimal("4.00"), Decimal("1000.00"))
    row = Loan.objects.get(pk=loan.pk)
    assert (row.state, row.settled_date, row.next_due_date) == (LoanState.SETTLED, day(10), None)
    assert alice.used == Decimal("0.00")
    assert faults() == []


def test_one_fen_more_than_the_debt_is_refused_and_nothing_is_taken(alice: Borrower):
    loan = active_loan(alice)
    with pytest.raises(RepaymentExceedsDebt) as refused:
        repay(alice, loan, "1004.01", day(10))
    assert refused.value.extra["debt"] == "1004.00"
    assert Loan.objects.get(pk=loan.pk).repayments.count() == 0
    assert alice.used == Decimal("1000.00")


def test_a_part_pays_interest_before_principal_and_the_formula_starts_again(alice: Borrower):
    loan = active_loan(alice)
    first = repay(alice, loan, "504.00", day(10))
    assert (first.interest_amount, first.principal_amount) == (Decimal("4.00"), Decimal("500.00"))
    assert alice.used == Decimal("500.00")
    # 500.00 x 0.0004 x 5 days = 1.00
    second = repay(alice, loan, "501.00", day(15))
    assert (second.interest_amount, second.principal_amount) == (Decimal("1.00"), Decimal("500.00"))
    assert Loan.objects.get(pk=loan.pk).state == LoanState.SETTLED
    assert faults() == []


def test_a_repayment_on_the_day_of_payout_bears_no_interest(alice: Borrower):
    loan = active_loan(alice)
    paid = repay(alice, loan, "1000.00", TODAY)
    assert (paid.interest_amount, paid.principal_amount) == (Decimal("0.00"), Decimal("1000.00"))


@pytest.mark.req("R43")
def test_settling_early_costs_one_per_cent_and_from_the_due_date_on_nothing(alice: Borrower):
    early = active_loan(alice)
    settle(alice, early, 29, "1021.60")
    row = Loan.objects.get(pk=early.pk)
    assert (row.state, row.settlement_fee_amount) == (LoanState.SETTLED, Decimal("10.00"))
    assert faults() == []


@pytest.mark.req("R43")
def test_settling_on_the_due_date_costs_no_fee(alice: Borrower):
    loan = active_loan(alice)
    settle(alice, loan, 30, "1012.00")
    assert Loan.objects.get(pk=loan.pk).settlement_fee_amount == Decimal("0.00")


def test_settling_for_another_figure_than_the_quote_is_refused(alice: Borrower):
    loan = active_loan(alice)
    with pytest.raises(SettlementAmountChanged):
        settle(alice, loan, 10, "1000.00")
    assert Loan.objects.get(pk=loan.pk).state == LoanState.ACTIVE


@pytest.mark.req("R26")
def test_the_penalty_of_an_overdue_loan_is_charged_only_as_the_cap_leaves_room(alice: Borrower):
    loan = active_loan(alice)
    # Day 31: room = 0.24 x 1000 x 31 / 365 - 12.40 = 7.98 of a claim of 500.00.
    paid = repay(alice, loan, "1020.38", day(31))
    assert (paid.penalty_amount, paid.interest_amount) == (Decimal("7.98"), Decimal("12.40"))
    assert paid.principal_amount == Decimal("1000.00")
    assert faults() == []


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1.001"])
def test_an_amount_that_is_no_amount_is_refused(alice: Borrower, amount: str):
    loan = active_loan(alice)
    with pytest.raises(FieldInvalid):
        repay(alice, loan, amount, day(1))


def test_a_settled_loan_takes_no_more_money(alice: Borrower):
    loan = active_loan(alice)
    repay(alice, loan, "1000.00", TODAY)
    with pytest.raises(LoanNotOpen):
        repay(alice, loan, "1.00", TODAY)


def test_a_loan_whose_money_is_still_on_its_way_takes_none(alice: Borrower):
    loan = alice.draw("1000.00")
    with pytest.raises(LoanNotOpen):
        repay(alice, loan, "1.00", TODAY)


def test_somebody_elses_loan_does_not_exist(alice: Borrower):
    loan = active_loan(alice)
    bob = borrower("bob")
    with pytest.raises(ObjectNotFound):
        repayment_make(
            loan_id=loan.pk,
            customer=bob.customer,
            amount=Decimal("1.00"),
            as_of=TODAY,
            at=NOW,
            actor=Actor.of(bob.customer),
        )


def test_each_repayment_is_one_balanced_entry(alice: Borrower):
    loan = active_loan(alice)
    repay(alice, loan, "300.00", day(3))
    repay(alice, loan, "300.00", day(3))
    entries = JournalEntry.objects.filter(loan=loan, kind=EntryKind.REPAYMENT)
    assert entries.count() == 2
    for entry in entries:
        sides = {side: sum(row.amount for row in entry.postings.filter(side=side)) for side in ("debit", "credit")}
        assert sides["debit"] == sides["credit"] == Decimal("300.00")


@pytest.mark.req("R14")
def test_a_date_that_passed_while_the_request_waited_is_asked_for_again(alice: Borrower):
    loan = active_loan(alice)
    repay(alice, loan, "10.00", day(2))
    with pytest.raises(TryAgain):
        repay(alice, loan, "10.00", day(1))
    with pytest.raises(TryAgain):
        loan_write_off(loan_id=loan.pk, act=Act(Actor("staff", "7", "finance"), day(1), NOW, "lost"))
    assert loan.events.count() == 2
    repay(alice, loan, "10.00", day(2))
    assert faults() == []


@pytest.mark.req("R14")
def test_a_request_overtaken_by_the_end_of_the_day_is_made_on_the_next(
    alice: Borrower, monkeypatch: pytest.MonkeyPatch
):
    loan = active_loan(alice)
    repay(alice, loan, "10.00", day(2))
    dates = iter([day(1), day(2)])
    monkeypatch.setattr("loans.api.repayment_views.current_business_date", lambda: next(dates))
    answer = alice.client().post(
        f"/api/v1/loans/{loan.pk}/repayments", {"amount": "20.00"}, format="json", headers={"Idempotency-Key": "late"}
    )
    assert answer.status_code == 201
    assert list(loan.repayments.order_by("pk").values_list("effective_date", "amount")) == [
        (day(2), Decimal("10.00")),
        (day(2), Decimal("20.00")),
    ]
