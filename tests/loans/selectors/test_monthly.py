"""The month of a customer: adds up in every head, equals the books of its last day, says the same when asked again."""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from loans import ledger as chart
from loans.models import Loan, Posting
from loans.selectors.monthly import CustomerMonth, Heads, LoanMonth, customer_month, months_of
from loans.services.correction import loan_write_off, payout_return, repayment_enter_late, repayment_reverse
from loans.services.history import Act
from loans.services.repayment import settlement_make
from tests.loans.builders import NOW, TODAY, Borrower, turns
from tests.loans.end_of_day.test_columns import act, draw_all, people
from tests.loans.end_of_day.test_rearranged_nights import put_right, relieve
from tests.loans.life import active_loan, close_through, day, repay
from tests.loans.relief import rearrange
from weilidai.lib.audit import Actor

pytestmark = pytest.mark.django_db
D = Decimal
SEPTEMBER, OCTOBER, NOVEMBER = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)


def what(number: int) -> Act:
    return Act(Actor.system("test"), day(number), NOW + timedelta(days=number), "as found")


def only(month: CustomerMonth) -> LoanMonth:
    (row,) = month.loans
    return row


def assert_adds_up(rows: Iterable[LoanMonth]) -> None:
    for row in rows:
        assert row.opening + row.drawn + row.charged - row.repaid - row.waived == row.closing, row


def test_a_month_tells_what_came_and_went(alice: Borrower) -> None:
    loan = active_loan(alice, days=30)
    repay(alice, loan, "300.00", day(10))
    close_through(day(20))
    row = only(customer_month(alice.customer, SEPTEMBER))
    assert (row.opening, row.drawn) == (Heads(), Heads(D("1000.00")))
    # Ten days on 1000.00, then six on 704.00, the last day of the month counted.
    assert row.charged == Heads(interest=D("5.69"))
    assert row.repaid == Heads(D("296.00"), D("4.00"))
    assert row.closing == Heads(D("704.00"), D("1.69"))
    assert row.due_next == ((day(30), D("709.63")),)
    assert [(one.kind, one.amount) for one in row.movements] == [("drawdown", D("1000.00")), ("repayment", D("300.00"))]
    assert_adds_up([row])


def test_the_next_month_begins_where_the_last_one_ended(alice: Borrower) -> None:
    loan = active_loan(alice, days=30)
    repay(alice, loan, "300.00", day(10))
    close_through(day(60))
    first = only(customer_month(alice.customer, SEPTEMBER))
    second = only(customer_month(alice.customer, OCTOBER))
    assert second.opening == first.closing
    assert (second.overdue, second.due_next) == (second.closing.total, ())
    assert_adds_up([first, second])


def test_a_settlement_fee_is_charged_and_repaid_in_its_month(alice: Borrower) -> None:
    loan = active_loan(alice, "1200.00", plan="instalments", periods=3)
    settlement_make(loan_id=loan.pk, customer=alice.customer, expected=None, as_of=day(5), at=NOW,
                    actor=Actor.of(alice.customer))  # fmt: skip
    row = only(customer_month(alice.customer, SEPTEMBER))
    assert row.charged.fee == row.repaid.fee == D("22.00")
    assert row.closing == Heads()
    assert_adds_up([row])
    assert customer_month(alice.customer, OCTOBER).loans == ()


def test_what_is_put_right_later_does_not_change_a_month_that_was_told(alice: Borrower) -> None:
    loan = active_loan(alice, days=30)
    paid = repay(alice, loan, "300.00", day(10))
    close_through(day(35))
    told = customer_month(alice.customer, SEPTEMBER)
    repayment_reverse(repayment_id=paid.pk, act=what(36))
    repayment_enter_late(loan_id=loan.pk, amount=D("100.00"), effective_date=day(3), act=what(37))
    rearrange(Loan.objects.get(pk=loan.pk), day(38))
    assert customer_month(alice.customer, SEPTEMBER).loans[0].closing == told.loans[0].closing
    assert customer_month(alice.customer, SEPTEMBER).loans[0].movements == told.loans[0].movements
    october = only(customer_month(alice.customer, OCTOBER))
    assert october.waived.penalty > 0
    assert [one.kind for one in october.movements] == ["reversal", "repayment", "rearrangement"]
    assert_adds_up([october])


def test_a_loan_that_never_was_ends_at_nothing_and_what_was_repaid_is_held(alice: Borrower) -> None:
    loan = active_loan(alice, days=30)
    repay(alice, loan, "300.00", day(2))
    payout_return(loan_id=loan.pk, act=what(4))
    month = customer_month(alice.customer, SEPTEMBER)
    assert only(month).closing == Heads()
    assert (month.held.opening, month.held.moved, month.held.closing) == (D("0.00"), D("300.00"), D("300.00"))
    assert_adds_up(month.loans)


def test_a_loan_written_off_is_still_owed_and_named_so(alice: Borrower) -> None:
    loan = active_loan(alice, days=10)
    loan_write_off(loan_id=loan.pk, act=what(14))
    row = only(customer_month(alice.customer, SEPTEMBER))
    assert row.is_written_off
    assert row.closing.principal == D("1000.00")
    assert_adds_up([row])
    assert not any(row.moved_heads.parts)


def test_months_run_from_the_first_payout_to_the_last_month_over(alice: Borrower) -> None:
    assert months_of(alice.customer, TODAY) == []
    active_loan(alice)
    assert months_of(alice.customer, date(2026, 9, 30)) == []
    assert months_of(alice.customer, date(2026, 10, 1)) == [SEPTEMBER]
    assert months_of(alice.customer, date(2026, 12, 1)) == [NOVEMBER, OCTOBER, SEPTEMBER]


def held_by_the_journal(code: str, last: date) -> Decimal:
    rows = Posting.objects.filter(ledger_account_id=code, entry__effective_date__lte=last)
    return sum((row.amount if row.side == "debit" else -row.amount for row in rows), D("0.00"))


@pytest.mark.parametrize("seed", [21])
def test_all_customers_months_together_are_the_books_of_the_last_day(seed: int) -> None:
    dice = random.Random(seed)
    persons = people()
    loans = draw_all(persons)
    turns(1)
    for number in range(50):
        close_through(day(number))
        person, loan = dice.choice(loans)
        act(dice, person, loan, day(number + 1))
        chosen = Loan.objects.get(pk=dice.choice(loans)[1].pk)
        (relieve if dice.random() < 0.4 else put_right)(dice, chosen, number + 1)
    for first, last in ((SEPTEMBER, date(2026, 9, 30)), (OCTOBER, date(2026, 10, 31))):
        rows = [row for person in persons for row in customer_month(person.customer, first).loans]
        assert_adds_up(rows)
        closing: Heads = sum((row.closing for row in rows), Heads())
        accounts = (chart.LOANS_RECEIVABLE, chart.INTEREST_RECEIVABLE, chart.FEES_RECEIVABLE, chart.PENALTY_RECEIVABLE)
        assert closing.parts == tuple(held_by_the_journal(code, last) for code in accounts), first
