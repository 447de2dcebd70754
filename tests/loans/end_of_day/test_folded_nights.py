"""Loans that ended are folded: no later night asks them, and every night posts what it would have posted."""

import random
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from loans.books.checks import accruals_every_day, ledger_matches_loans
from loans.books.folded import folded_as_earned
from loans.books.rows_loan import loans_agree_with_their_rows
from loans.end_of_day.accrual import FOLDED, accrual_post, earned_by_opening, earned_of_range
from loans.end_of_day.run import Step, days_close
from loans.end_of_day.steps import STEPS
from loans.models import FoldedEarnings, Loan, LoanState, ProductAccrual, Repayment
from loans.selectors.earned import earned_in_columns, folded_by
from loans.services import correction
from loans.services.folding import loans_fold
from loans.services.history import Act
from loans.services.repayment import settlement_make
from tests.loans.builders import NOW, TODAY, Borrower, borrower, day_set, policy
from tests.loans.end_of_day.test_columns import PRODUCTS, by_replay, draw_all
from tests.loans.end_of_day.test_columns import act as customer_acts
from tests.loans.life import active_loan, close_through, day, faults, repay
from tests.support.corruption import unguarded
from weilidai.lib.audit import Actor
from weilidai.lib.errors import DomainError
from weilidai.lib.models import JobRun
from weilidai.lib.partitions import EVERYTHING, HIGHEST, LOWEST, Span

pytestmark = pytest.mark.django_db


def entered(number: int) -> Act:
    return Act(Actor("staff", "7", "finance"), day(number), NOW + (day(number) - TODAY), "as the bank says")


def settle(person: Borrower, loan: Loan, number: int) -> Repayment:
    return settlement_make(loan_id=loan.pk, customer=person.customer, expected=None, as_of=day(number),
                           at=NOW + (day(number) - TODAY), actor=Actor.of(person.customer))  # fmt: skip


def rows() -> list[tuple[Any, ...]]:
    columns = ("business_date", "folded_date", "loans_count", "interest_amount", "fee_amount", "penalty_amount")
    return sorted(FoldedEarnings.objects.values_list(*columns))


def fresh(loan: Loan) -> Loan:
    return Loan.objects.get(pk=loan.pk)


@pytest.mark.req("R53")
def test_the_night_of_its_last_day_folds_a_loan_and_later_nights_do_not_ask_it(alice: Borrower):
    paid, kept = active_loan(alice), active_loan(alice)
    close_through(day(4))
    settle(alice, paid, 5)
    assert rows() == []
    close_through(day(5))
    # Five days of 1000.00 x 0.0004.
    assert rows() == [(day(5), day(5), 1, Decimal("2.00"), Decimal(0), Decimal(0))]
    assert (fresh(paid).folded_date, fresh(kept).folded_date) == (day(5), None)
    told = earned_in_columns(day(6), EVERYTHING)
    assert {kind: amount for (_product, kind), amount in told.sums.items() if amount} == {"interest": Decimal("2.80")}
    assert (told.rest, told.ended) == ([], [])
    close_through(day(7))
    assert len(rows()) == 1
    last = ProductAccrual.objects.filter(kind="interest").order_by("business_date").last()
    assert (last.amount, last.cumulative_amount) == (Decimal("0.40"), Decimal("5.20"))
    assert faults() == []


def test_a_loan_settled_on_the_next_date_is_left_to_the_night_of_that_date(alice: Borrower):
    loan = active_loan(alice)
    pay = Step("pay", "pay", lambda _day, _progress: {"paid": str(settle(alice, loan, 1).pk)})
    days_close(through=day(0), steps=(pay, *STEPS))
    assert fresh(loan).state == LoanState.SETTLED
    assert (fresh(loan).folded_date, rows()) == (None, [])
    close_through(day(1))
    assert fresh(loan).folded_date == day(1)
    assert faults() == []


def test_what_is_entered_for_a_folded_loan_unfolds_it_on_that_date(alice: Borrower):
    loan = active_loan(alice)
    paid = settle(alice, loan, 5)
    close_through(day(6))
    correction.repayment_reverse(repayment_id=paid.pk, act=entered(9))
    assert rows() == [
        (day(5), day(5), 1, Decimal("2.00"), Decimal(0), Decimal(0)),
        (day(9), day(5), -1, Decimal("-2.00"), Decimal(0), Decimal(0)),
    ]
    running = fresh(loan)
    assert (running.state, running.folded_date, running.unfolded_date) == (LoanState.ACTIVE, None, day(9))
    # The night of the day before still has it among the folded, that of the day itself asks the loan.
    for last, among, asked in ((8, Decimal("2.00"), 0), (9, Decimal(0), 1)):
        assert folded_by(day(last))["weilidai", "interest"] == among
        told = earned_in_columns(day(last), EVERYTHING)
        assert len(told.sums) // 3 + len(told.rest) == asked
    close_through(day(9))
    settle(alice, loan, 12)
    close_through(day(13))
    assert (fresh(loan).folded_date, fresh(loan).unfolded_date) == (day(12), day(9))
    assert rows()[-1] == (day(12), day(12), 1, Decimal("4.80"), Decimal(0), Decimal(0))
    assert faults() == []


def test_recoveries_of_a_loan_written_off_change_nothing_that_was_earned(alice: Borrower):
    loan = active_loan(alice, days=2)
    close_through(day(9))
    correction.loan_write_off(loan_id=loan.pk, act=entered(10))
    close_through(day(10))
    earned = folded_by(day(10))
    assert earned["weilidai", "interest"] == Decimal("4.00")
    for number in (12, 14):
        repay(alice, loan, "10.00", day(number))
        close_through(day(number))
        assert folded_by(day(number)) == earned
        assert fresh(loan).folded_date == day(number)
    assert sorted(row[2] for row in rows()) == [-1, -1, 1, 1, 1]
    assert faults() == []


def halves(one: Loan, other: Loan) -> tuple[Span, Span]:
    """Two ranges with a loan in each."""
    cut = min(one.pk, other.pk)
    return Span(LOWEST, cut), Span(type(cut)(int=cut.int + 1), HIGHEST)


@pytest.mark.parametrize("first", [True, False])
def test_it_does_not_matter_which_ranges_of_a_night_a_correction_falls_between(alice: Borrower, first: bool):
    loans = [active_loan(alice), active_loan(alice)]
    paid = [settle(alice, loan, 2) for loan in loans]
    close_through(day(2))
    before = earned_by_opening(day(3))
    one, other = halves(*loans)
    results = [earned_of_range(day(3), one)]
    correction.repayment_reverse(repayment_id=paid[0 if first else 1].pk, act=entered(4))
    results.append(earned_of_range(day(3), other))
    posted = accrual_post(day(3), results)
    assert posted["weilidai.interest"] == "0.00"
    kept = ProductAccrual.objects.get(kind="interest", business_date=day(3))
    assert kept.cumulative_amount == before["weilidai", "interest"] == Decimal("1.60")
    assert earned_by_opening(day(3)) == before


def test_a_past_rewritten_while_the_night_is_at_the_loan_is_not_folded(alice: Borrower):
    loan = active_loan(alice)
    paid = repay(alice, loan, "400.80", day(2))
    settle(alice, loan, 5)
    ended = earned_in_columns(day(5), EVERYTHING).ended
    assert ended == [loan.pk]
    correction.repayment_reverse(repayment_id=paid.pk, act=entered(6))
    assert loans_fold(ended, day(5)).count == 0
    settle(alice, loan, 6)
    assert fresh(loan).state == LoanState.SETTLED
    assert loans_fold(ended, day(5)).count == 0
    assert loans_fold(ended, day(6)).count == 1


def test_one_night_folds_only_so_many(alice: Borrower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loans.selectors.earned.FOLD_MAX", 2)
    for loan in [active_loan(alice) for _ in range(3)]:
        settle(alice, loan, 1)
    close_through(day(2))
    assert [row[:3] for row in rows()] == [(day(1), day(1), 2), (day(2), day(2), 1)]
    told = JobRun.objects.filter(job="end_of_day.accrual", business_date=day(1)).exclude(partition="").get()
    assert told.result[FOLDED] == 2
    assert faults() == []


def test_ranges_done_by_a_release_that_folded_nothing_are_asked_anew(alice: Borrower):
    loan = active_loan(alice)
    settle(alice, loan, 2)
    close_through(day(2))
    # Such a release counted the loan itself, which is among the folded now.
    former = {"weilidai.interest": "0.80", "weilidai.fee": "0.00", "weilidai.penalty": "0.00"}
    assert accrual_post(day(3), [former])["weilidai.interest"] == "0.00"
    assert ProductAccrual.objects.get(kind="interest", business_date=day(3)).cumulative_amount == Decimal("0.80")


def test_the_database_refuses_a_folded_loan_that_runs(alice: Borrower):
    loan = active_loan(alice)
    settle(alice, loan, 1)
    close_through(day(1))
    with pytest.raises(IntegrityError, match="loan_folded_has_ended"), transaction.atomic():
        Loan.objects.filter(pk=loan.pk).update(state=LoanState.ACTIVE)


@pytest.mark.parametrize("loan_id", [UUID(int=7), None])
def test_a_row_about_one_loan_that_names_another_is_found(alice: Borrower, loan_id: UUID | None):
    loan = active_loan(alice)
    paid = settle(alice, loan, 1)
    close_through(day(1))
    correction.repayment_reverse(repayment_id=paid.pk, act=entered(2))
    assert list(folded_as_earned()) == []
    with unguarded():
        QuerySet(FoldedEarnings).filter(loan_id=loan.pk).update(loan_id=loan_id)
    assert [fault.subject for fault in folded_as_earned()] == [str(FoldedEarnings.objects.get(loans_count=-1).pk)]
    assert "unfolded on" in "".join(fault.detail for fault in loans_agree_with_their_rows())


@pytest.mark.req("R59")
@pytest.mark.parametrize("column", ["interest_settled_amount", "fee_charged_amount", "penalty_claimed_amount"])
def test_a_figure_of_a_folded_loan_changed_by_hand_is_found(alice: Borrower, column: str):
    loan = active_loan(alice)
    settle(alice, loan, 1)
    close_through(day(1))
    with unguarded():
        Loan.objects.filter(pk=loan.pk).update(**{column: Decimal("0.41")})
    assert f"weilidai {day(1)}" in {fault.subject for fault in faults() if fault.check == "folded_as_earned"}


def life(loans: list[tuple[Borrower, Loan]], *, seed: int, most: int) -> tuple[Any, int, int]:
    """What the nights of a random life post, and how many rows fold and unfold. What customers and staff enter on the
    next date comes before the night's steps or after, by chance where loans are folded.
    """
    dice, chance = random.Random(seed), random.Random(seed)
    with transaction.atomic(), mock.patch("loans.selectors.earned.FOLD_MAX", most):
        for number in range(DAYS):
            acts = Step("acts", "acts", lambda _day, _progress, on=number + 1: _acts(dice, loans, on))
            meanwhile = most > 0 and chance.random() < 0.5
            days_close(through=day(number), steps=(acts, *NIGHTLY) if meanwhile else (*NIGHTLY, acts))
            if meanwhile:
                sums = earned_by_opening(day(number))
                assert {key: amount for key, amount in sums.items() if amount} == by_replay(day(number))
        order = ("business_date", "product", "kind")
        posted = list(ProductAccrual.objects.order_by(*order).values_list(*order, "amount", "cumulative_amount"))
        counts = [FoldedEarnings.objects.filter(loan_id__isnull=of_nights).count() for of_nights in (True, False)]
        assert [fault for check in BOOKS for fault in check()] == []
        transaction.set_rollback(True)
    return posted, *counts


DAYS = 15
BOOKS = (folded_as_earned, loans_agree_with_their_rows, ledger_matches_loans, accruals_every_day)
NIGHTLY = tuple(step for step in STEPS if step.name in ("figures", "accrual"))


def _acts(dice: random.Random, loans: list[tuple[Borrower, Loan]], number: int) -> dict[str, Any]:
    for person, loan in dice.sample(loans, 2):
        customer_acts(dice, person, loan, day(number))
    standing = list(Repayment.objects.filter(reversed_date=None).order_by("received_at", "amount", "pk"))
    chance = dice.randrange(4)
    try:
        if chance == 0 and standing:
            correction.repayment_reverse(repayment_id=dice.choice(standing).pk, act=entered(number))
        elif chance == 1:
            correction.loan_write_off(loan_id=dice.choice(loans)[1].pk, act=entered(number))
        elif chance == 2:
            late = {"amount": Decimal("50.00"), "effective_date": day(max(0, number - 3))}
            correction.repayment_enter_late(loan_id=dice.choice(loans)[1].pk, act=entered(number), **late)
    except DomainError:
        pass
    return {}


@pytest.mark.dealt
@pytest.mark.req("R53")
@pytest.mark.parametrize("seed", [1, 2])
def test_random_lives_post_the_same_with_and_without_folding_and_however_late_the_nights(seed: int):
    day_set()
    for product in ("plain", "uplift"):
        policy(product, **PRODUCTS[product])
    loans = draw_all([borrower(product, product=product) for product in ("plain", "uplift")])
    plain, none, _unfolded = life(loans, seed=seed, most=0)
    posted, folded, unfolded = life(loans, seed=seed, most=5_000)
    assert none == 0
    assert posted == plain
    assert folded > 1
    assert unfolded > 0


@pytest.mark.postgres
def test_a_night_finds_the_open_loans_by_their_index(alice: Borrower):
    active_loan(alice)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM loans_loan WHERE start_date <= %s AND id BETWEEN %s AND %s AND folded_date IS NULL"
            " AND (unfolded_date IS NULL OR unfolded_date <= %s)", [day(1), LOWEST, HIGHEST, day(1)],
        )  # fmt: skip
        assert "loan_not_folded" in str(cursor.fetchall())
