"""A rearrangement that begins on a day to come: agreed to by two persons, done by the night before its day (R54)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Customer, StaffUser
from loans.errors import RearrangementInvalid
from loans.models import Approval, ApprovalState, CollectionAction, Loan, Rearrangement
from loans.services.approval import (
    approval_approve,
    approval_reject,
    approval_request,
    approvals_begin,
    approvals_expire,
)
from risk.models import Alert
from tests.loans.builders import NOW, Borrower, borrower
from tests.loans.collectors import late_customer
from tests.loans.life import active_loan, close_through, day, faults, repay
from tests.loans.relief import payload, terms_of
from weilidai.lib.errors import FieldInvalid, TransitionRefused

pytestmark = pytest.mark.req("R54")


@pytest.fixture
def people(db: None) -> tuple[StaffUser, StaffUser]:
    return StaffUser.objects.create(username="fang"), StaffUser.objects.create(username="gu")


def ask(
    user: StaffUser, loan: Loan, on: int, begins: int, *, kind: str = "rearrange", wish: CollectionAction | None = None
) -> Approval:
    values = payload(terms_of(day(begins))) if kind == "rearrange" else {}
    return approval_request(
        kind=kind, customer=loan.customer, loan=loan, payload=values, reason="lost the job", user=user,
        as_of=day(on), at=NOW + timedelta(days=on), begins_date=day(begins), wish=wish,
    )  # fmt: skip


def agree(user: StaffUser, approval: Approval, on: int) -> Approval:
    return approval_approve(approval_id=approval.pk, user=user, as_of=day(on), at=NOW + timedelta(days=on))


def state_of(approval: Approval) -> str:
    return str(Approval.objects.get(pk=approval.pk).state)


def test_it_begins_on_its_day_with_the_figures_of_that_day(
    alice: Borrower, people: tuple[StaffUser, StaffUser]
) -> None:
    loan = active_loan(alice, days=20)
    asked = ask(people[0], loan, 0, 10)
    assert agree(people[1], asked, 1).state == ApprovalState.AGREED
    assert not Rearrangement.objects.exists()
    repay(alice, loan, "200.00", day(4))
    close_through(day(8))
    assert state_of(asked) == ApprovalState.AGREED
    close_through(day(9))
    found = Rearrangement.objects.get()
    assert (found.effective_date, found.first_due_date) == (day(10), day(70))
    # 0.04 % a day for four days on 1 000 yuan were paid with the 200.
    assert found.principal_amount == Decimal("801.60")
    done = Approval.objects.get()
    assert (done.state, done.applied_to) == (ApprovalState.APPROVED, f"loans.rearrangement:{found.pk}")
    assert done.decided_by == people[1]
    close_through(day(12))
    assert Rearrangement.objects.count() == 1
    assert faults() == []


def test_agreed_to_after_its_day_it_begins_at_once(alice: Borrower, people: tuple[StaffUser, StaffUser]) -> None:
    loan = active_loan(alice, days=20)
    asked = ask(people[0], loan, 0, 2)
    assert agree(people[1], asked, 3).state == ApprovalState.APPROVED
    assert Rearrangement.objects.get().effective_date == day(3)


@pytest.mark.parametrize(("begins", "taken"), [(-1, False), (0, True), (31, True), (32, False)])
def test_how_far_ahead_is_a_figure_of_the_policy(
    alice: Borrower, people: tuple[StaffUser, StaffUser], begins: int, taken: bool
) -> None:
    loan = active_loan(alice, days=40)
    if taken:
        assert ask(people[0], loan, 0, begins).begins_date == (day(begins) if begins else None)
        return
    with pytest.raises(FieldInvalid) as refusal:
        ask(people[0], loan, 0, begins)
    assert refusal.value.field_errors[0]["field"] == "begins_date"
    assert not Approval.objects.exists()


def test_only_relief_waits_for_a_day(alice: Borrower, people: tuple[StaffUser, StaffUser]) -> None:
    with pytest.raises(FieldInvalid):
        ask(people[0], active_loan(alice, days=40), 0, 5, kind="write_off")


def test_what_its_day_would_refuse_is_refused_at_the_asking(
    alice: Borrower, people: tuple[StaffUser, StaffUser]
) -> None:
    """The first due date lies after today and before the day on which the new schedule would begin."""
    loan = active_loan(alice, days=20)
    values = payload(terms_of(day(0), first_due_date=day(9)))
    with pytest.raises(RearrangementInvalid):
        approval_request(
            kind="rearrange", customer=loan.customer, loan=loan, payload=values, reason="lost the job",
            user=people[0], as_of=day(0), at=NOW, begins_date=day(10),
        )  # fmt: skip


def test_what_waits_is_taken_back_and_never_expires(alice: Borrower, people: tuple[StaffUser, StaffUser]) -> None:
    loan = active_loan(alice, days=40)
    asked = agree(people[1], ask(people[0], loan, 0, 20), 0)
    assert approvals_expire(as_of=day(19), at=NOW) == 0
    with pytest.raises(TransitionRefused):
        agree(people[1], asked, 1)
    approval_reject(approval_id=asked.pk, user=people[0], as_of=day(2), at=NOW, note="found work again")
    assert approvals_begin(as_of=day(20), at=NOW) == {"begun": 0, "failed": 0, "left": 0}
    assert state_of(asked) == ApprovalState.REJECTED


def test_a_loan_paid_off_before_its_day_fails_once_and_is_told(
    alice: Borrower, people: tuple[StaffUser, StaffUser]
) -> None:
    loan = active_loan(alice, days=20)
    agree(people[1], ask(people[0], loan, 0, 5), 0)
    repay(alice, loan, "1000.40", day(1))
    close_through(day(5))
    done = Approval.objects.get()
    assert (done.state, done.applied_to) == (ApprovalState.FAILED, "loan_not_open")
    alert = Alert.objects.get(rule="relief_failed")
    assert (alert.customer, alert.evidence["reason"]) == (alice.customer, "loan_not_open")
    assert not Rearrangement.objects.exists()
    assert faults() == []


def test_a_day_that_has_passed_meanwhile_leaves_it_to_the_next_night(
    alice: Borrower, people: tuple[StaffUser, StaffUser]
) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(2))
    asked = agree(people[1], ask(people[0], loan, 3, 4), 3)
    Approval.objects.filter(pk=asked.pk).update(begins_date=day(2))
    assert approvals_begin(as_of=day(2), at=NOW) == {"begun": 0, "failed": 0, "left": 1}
    assert state_of(asked) == ApprovalState.AGREED
    assert approvals_begin(as_of=day(3), at=NOW) == {"begun": 1, "failed": 0, "left": 0}


def test_a_wish_belongs_to_its_customer(alice: Borrower, people: tuple[StaffUser, StaffUser]) -> None:
    task = late_customer(alice)
    loan = Loan.objects.get()

    def told(kind: str, customer: Customer) -> CollectionAction:
        return CollectionAction.objects.create(
            task=task, customer=customer, kind=kind, note="six months", staff=people[0], at=NOW, business_date=day(5)
        )

    for wrong in (told("note", alice.customer), told("hardship", borrower("bob").customer)):
        with pytest.raises(FieldInvalid) as refusal:
            ask(people[0], loan, 5, 6, wish=wrong)
        assert refusal.value.field_errors[0]["field"] == "wish"
    wish = told("hardship", alice.customer)
    assert [row.wish for row in (ask(people[0], loan, 5, 6, wish=wish), ask(people[0], loan, 5, 6))] == [wish, None]
