"""A rearrangement is undone by two persons while nothing was paid by it: the schedule before holds again, both are
kept, and the books stand as if it had never been (R54).
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Notification, StaffUser
from loans import ledger as chart
from loans.errors import LoanNotOpen, NothingToReverse, RearrangementStands
from loans.models import Approval, Instalment, Loan, LoanEvent, Rearrangement
from loans.selectors.loan import loan_schedule, loans_seen
from loans.selectors.position import loan_position
from loans.selectors.rearrangement import standing_rearrangements
from loans.services.approval import approval_approve, approval_request
from loans.services.correction import repayment_reverse
from loans.services.history import Act
from loans.services.rearrangement import rearrangement_undo
from risk.errors import FourEyesRequired
from risk.models import LoanTape
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, close_through, day, faults, ledger, repay
from tests.loans.relief import rearrange
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_set

pytestmark = pytest.mark.req("R54")
D = Decimal


def act(number: int) -> Act:
    return Act(Actor.system("test"), day(number), NOW + timedelta(days=number), "agreed by mistake")


def fresh(loan: Loan) -> Loan:
    return Loan.objects.get(pk=loan.pk)


def undo(loan: Loan, number: int) -> LoanEvent:
    return rearrangement_undo(loan_id=loan.pk, act=act(number))


def columns(loan: Loan) -> dict[str, Any]:
    names = ("state", "due_date", "next_due_date", "outstanding_principal_amount", "interest_settled_amount",
             "fee_charged_amount", "penalty_claimed_amount", "penalty_waived_amount", "penalty_paid_amount",
             "recorded_bucket")  # fmt: skip
    return {name: getattr(fresh(loan), name) for name in names}


def test_one_asks_another_agrees_and_the_loan_is_as_if_it_had_never_been(alice: Borrower) -> None:
    fang, gu = StaffUser.objects.create(username="fang"), StaffUser.objects.create(username="gu")
    loan, twin = active_loan(alice, days=3), active_loan(alice, days=3)
    close_through(day(6))
    eased = rearrange(loan, day(7))
    assert ledger(chart.RELIEF) == eased.waived_amount > 0
    close_through(day(8))
    asked = approval_request(
        kind="undo_rearrangement", customer=alice.customer, loan=loan, payload={}, reason="asked for the wrong loan",
        user=fang, as_of=day(9), at=NOW + timedelta(days=9),
    )  # fmt: skip
    assert fresh(loan).rearranged_date == day(7)
    with pytest.raises(FourEyesRequired):
        approval_approve(approval_id=asked.pk, user=fang, as_of=day(9), at=NOW)
    approval_approve(approval_id=asked.pk, user=gu, as_of=day(9), at=NOW + timedelta(days=9))
    event = LoanEvent.objects.get(kind="reversal")
    assert Approval.objects.get().applied_to == f"loans.loanevent:{event.pk}"
    assert (event.reverses, event.effective_date, event.business_date) == (eased.event, day(7), day(9))
    assert loan_position(fresh(loan), day(9)) == loan_position(twin, day(9))
    assert ledger(chart.RELIEF) == 0
    assert Notification.objects.filter(kind="rearrangement_undone").count() == 1
    assert faults() == []
    close_through(day(9))
    assert columns(loan) == columns(twin)
    assert faults() == []


def test_both_schedules_are_kept_and_the_former_is_in_force(alice: Borrower) -> None:
    loan = active_loan(alice, "1200.00", plan="instalments", periods=3)
    repay(alice, loan, "100.00", day(3))
    before = list(Instalment.objects.filter(loan=loan).order_by("number").values())
    eased = rearrange(loan, day(5), first_due_date=day(40))
    undo(loan, 6)
    rows = list(Instalment.objects.filter(loan=loan).order_by("number"))
    assert list(Instalment.objects.filter(loan=loan, version=0).order_by("number").values()) == before
    assert [(row.version, row.settled_date) for row in rows[3:]] == [(1, day(6))] * 6
    assert [row.moved_amount for row in rows[3:]] == [row.principal_amount for row in rows[3:]]
    assert sum(row.principal_amount for row in rows[3:]) == D("1110.00")
    schedule = loan_schedule(fresh(loan), day(6))
    assert (schedule.version, len(schedule.rows), schedule.former) == (0, 3, [])
    (shown,) = loans_seen([fresh(loan)], day(6))
    assert shown.rearrangement is None
    assert Rearrangement.objects.get() == eased
    assert len(eased.disclosure.content["schedule"]) == 6
    assert faults() == []
    repay(alice, fresh(loan), "300.00", day(7))
    assert faults() == []


def test_an_undone_schedule_claims_and_charges_nothing_on_its_days(alice: Borrower) -> None:
    """Its due dates and starts of periods pass without a word: fees, penalties and reminders are the twin's."""
    loan = active_loan(alice, "1200.00", plan="instalments", periods=3)
    twin = active_loan(alice, "1200.00", plan="instalments", periods=3)
    business_date_set(day(29), at=NOW)
    # The new one begins while the first period runs and would fall due with it, in smaller parts.
    rearrange(loan, day(29), first_due_date=day(30), periods=12, keeps_fees=True)
    undo(loan, 29)
    close_through(day(32))
    assert columns(loan) == columns(twin)
    sent = Notification.objects.filter(kind__in=["due_soon", "due_today", "overdue"]).values_list("kind", "params")
    told = sorted(str(row) for row in sent)
    assert told
    assert told[::2] == told[1::2]


@pytest.mark.parametrize(("number", "stands"), [(44, False), (45, True)])
def test_it_is_undone_within_fourteen_days(alice: Borrower, number: int, stands: bool) -> None:
    loan = active_loan(alice, days=20)
    rearrange(loan, day(30))
    if stands:
        with pytest.raises(RearrangementStands):
            undo(loan, number)
        assert fresh(loan).rearranged_date == day(30)
    else:
        undo(loan, number)
        assert not standing_rearrangements(loan).exists()


def test_what_was_paid_by_it_stands_until_the_payment_is_reversed(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    rearrange(loan, day(30))
    paid = repay(alice, fresh(loan), "0.01", day(31))
    with pytest.raises(RearrangementStands):
        undo(loan, 32)
    repayment_reverse(repayment_id=paid.pk, act=act(32))
    undo(loan, 32)
    assert faults() == []


def test_only_what_is_there_is_undone_and_once(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    with pytest.raises(NothingToReverse):
        undo(loan, 5)
    rearrange(loan, day(5), first_due_date=day(40))
    undo(loan, 6)
    with pytest.raises(NothingToReverse):
        undo(loan, 6)
    repay(alice, fresh(loan), "1003.20", day(8))
    with pytest.raises(LoanNotOpen):
        undo(loan, 9)


def test_after_it_the_loan_is_rearranged_anew_and_only_that_one_is_told(alice: Borrower) -> None:
    loan = active_loan(alice, days=2)
    close_through(day(3))
    rearrange(loan, day(4), periods=12)
    undo(loan, 5)
    again = rearrange(loan, day(6), periods=3, first_due_date=day(8))
    # Not under observation from the one that never was: 4 days late, not rearranged again.
    assert (again.version, again.class_floor_days) == (1, 1)
    current = Instalment.objects.filter(loan=loan, version=1, settled_date__isnull=True)
    assert current.count() == 3
    close_through(day(6))
    newest = LoanTape.objects.filter(loan_id=loan.pk).order_by("-business_date")[0]
    assert (newest.due_date, newest.class_floor_until_date) == (again.last_due_date, again.class_floor_until_date)
    repay(alice, fresh(loan), "400.00", day(8))
    close_through(day(9))
    assert faults() == []


def test_the_second_of_two_is_undone_and_the_first_holds_again(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    first = rearrange(loan, day(2), periods=2, first_due_date=day(20))
    rearrange(loan, day(3), periods=4, first_due_date=day(60))
    undo(loan, 4)
    assert fresh(loan).rearranged_date == day(2)
    assert loan_schedule(fresh(loan), day(4)).version == 1
    assert [row.pk for row in standing_rearrangements(loan)] == [first.pk]
    close_through(day(5))
    assert faults() == []


def test_the_tape_holds_the_class_down_only_while_the_relief_was_known(alice: Borrower) -> None:
    loan = active_loan(alice, days=2)
    close_through(day(3))
    rearrange(loan, day(4))
    close_through(day(5))
    undo(loan, 6)
    close_through(day(7))
    rows = list(LoanTape.objects.filter(loan_id=loan.pk).order_by("business_date"))
    told = [(row.business_date, row.class_floor_days, row.unpaid_due_date == day(2)) for row in rows[-2:]]
    assert told == [(day(4), 1, False), (day(6), 0, True)]
    assert faults() == []
