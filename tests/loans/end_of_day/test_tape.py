"""The tape tells each past day as it was known, with a row only where something happened (R53)."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from loans.books.checks import tape_matches_journal
from loans.end_of_day.tape import tape_hand_over, tape_row
from loans.models import Loan
from loans.selectors.position import loan_position
from risk.models import LoanTape
from risk.selectors.tape import line_spans, outstanding_as_of, tape_as_of, worst_days_past_due
from tests.loans.builders import Borrower
from tests.loans.end_of_day.test_columns import act, draw_all, people
from tests.loans.life import active_loan, close_through, day, faults, repay

pytestmark = [pytest.mark.django_db, pytest.mark.req("R53")]
D = Decimal


def rows() -> list[tuple[int, int | None, str, Decimal]]:
    """Day of the row, last day it holds, state, outstanding; days counted from the first."""
    found = LoanTape.objects.order_by("business_date")
    return [
        ((row.business_date - day(0)).days, (row.valid_to - day(0)).days if row.valid_to else None, row.state,
         row.outstanding_principal_amount)
        for row in found
    ]  # fmt: skip


def test_a_row_only_where_something_happened(alice: Borrower):
    loan = active_loan(alice, days=5)
    close_through(day(7))
    repay(alice, loan, "300.00", day(8))
    close_through(day(9))
    debt = loan_position(Loan.objects.get(), day(10)).debt_amount
    repay(alice, loan, str(debt), day(10))
    close_through(day(11))
    left = LoanTape.objects.get(business_date=day(8)).outstanding_principal_amount
    assert D(700) < left < D(1000)
    assert rows() == [(0, 7, "active", D("1000.00")), (8, 9, "active", left), (10, None, "settled", D("0.00"))]
    assert outstanding_as_of(day(7)) == {"weilidai": D("1000.00")}
    assert outstanding_as_of(day(9)) == {"weilidai": left}
    assert outstanding_as_of(day(10)) == {}
    assert faults() == []


def test_days_past_due_follow_from_the_row_without_nightly_writing(alice: Borrower):
    active_loan(alice, days=5)
    close_through(day(20))
    assert LoanTape.objects.count() == 1
    assert worst_days_past_due([alice.customer.pk], day(5)) == {alice.customer.pk: 0}
    assert worst_days_past_due([alice.customer.pk], day(6)) == {alice.customer.pk: 1}
    assert worst_days_past_due([alice.customer.pk], day(20)) == {alice.customer.pk: 15}
    [span] = line_spans([alice.line.pk], day(0), day(20))[alice.line.pk]
    assert span.overdue_from() == day(6)


def test_a_night_run_again_writes_the_same(alice: Borrower):
    loan = active_loan(alice, days=5)
    close_through(day(1))
    before = rows()
    tape_hand_over(day(0))
    tape_hand_over(day(1))
    assert rows() == before
    repay(alice, loan, "300.00", day(2))
    tape_hand_over(day(2))
    tape_hand_over(day(2))
    assert [row[:2] for row in rows()] == [(0, 1), (2, None)]


def test_a_book_older_than_the_tape_is_told_from_its_beginning(alice: Borrower, capsys: pytest.CaptureFixture[str]):
    loan = active_loan(alice, days=5)
    close_through(day(1))
    repay(alice, loan, "300.00", day(2))
    close_through(day(3))
    before = rows()
    LoanTape.objects.all().delete()
    call_command("backfill_tape")
    assert rows() == before
    call_command("backfill_tape")
    assert rows() == before


def test_damage_to_the_tape_is_found(alice: Borrower):
    active_loan(alice, days=5)
    close_through(day(1))
    assert list(tape_matches_journal()) == []
    LoanTape.objects.update(outstanding_principal_amount=D("999.99"))
    assert [fault.subject for fault in tape_matches_journal()] == [str(day(1)), str(day(0))]


@pytest.mark.dealt
@pytest.mark.parametrize("seed", [11, 12])
def test_every_past_day_of_random_lives_is_told_as_the_replay_tells_it(seed: int):
    dice = random.Random(seed)
    loans = draw_all(people())
    for number in range(50):
        close_through(day(number))
        for person, loan in dice.sample(loans, 2):
            act(dice, person, loan, day(number + 1))
    close_through(day(50))
    for number in range(0, 51, 5):
        told = {row.loan_id: row for row in tape_as_of(day(number))}
        for loan in Loan.objects.filter(start_date__lte=day(number)).prefetch_related("events"):
            expected, row = tape_row(loan, day(number)), told[loan.pk]
            names = ("state", "outstanding_principal_amount", "unpaid_due_date")
            assert [getattr(row, name) for name in names] == [getattr(expected, name) for name in names]
            days = loan_position(loan, day(number), events_until=day(number)).days_past_due
            due = row.unpaid_due_date
            assert days == (max(0, (day(number) - due) // timedelta(days=1)) if due else 0)
    assert faults() == []
