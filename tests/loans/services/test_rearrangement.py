"""A loan in difficulty is rearranged by two persons: schedules, books, class, form, and what is rewritten after it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Notification, StaffUser
from loans import ledger as chart
from loans.books.disclosed import charged_as_disclosed
from loans.errors import LoanNotOpen, RearrangementInvalid
from loans.maths.errors import CostCapExceeded
from loans.maths.rearrangement import class_days
from loans.models import Instalment, JournalEntry, Loan, LoanEvent, Rearrangement
from loans.selectors.earned import earned_by_replay
from loans.selectors.loan import loan_figures
from loans.selectors.position import loan_position
from loans.services.correction import (
    loan_write_off,
    payout_return,
    repayment_enter_late,
    repayment_reverse,
    write_off_reverse,
)
from loans.services.history import Act
from loans.services.rearrangement import Consent, loan_rearrange
from loans.services.repayment import prepayment_make, settlement_make
from risk.errors import FourEyesRequired
from risk.models import CreditLine, LoanTape
from tests.loans.builders import NOW, Borrower, borrower, policy
from tests.loans.life import active_loan, close_through, day, faults, ledger, repay
from tests.loans.relief import agree, ask, rearrange, terms_of
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.models import AuditEvent

D = Decimal


@pytest.fixture
def fang(db: None) -> StaffUser:
    return StaffUser.objects.create(username="fang")


@pytest.fixture
def gu(db: None) -> StaffUser:
    return StaffUser.objects.create(username="gu")


def act(number: int) -> Act:
    return Act(Actor.system("test"), day(number), NOW + timedelta(days=number), "as found")


def fresh(loan: Loan) -> Loan:
    return Loan.objects.get(pk=loan.pk)


@pytest.mark.req("R54")
def test_one_proposes_another_agrees_and_only_then_the_new_schedule_holds(
    alice: Borrower, fang: StaffUser, gu: StaffUser
) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(29))
    asked = ask(fang, loan, day(30))
    assert not Rearrangement.objects.exists()
    assert fresh(loan).rearranged_date is None
    with pytest.raises(FourEyesRequired):
        agree(fang, asked, day(30))
    found = agree(gu, asked, day(30))
    assert (found.version, found.effective_date, found.days_past_due) == (1, day(30), 10)
    assert found.disclosure.confirmed_at is not None
    assert Notification.objects.filter(kind="loan_rearranged", customer=alice.customer).count() == 1
    assert AuditEvent.objects.filter(action="loan.rearrangement").count() == 1
    now = fresh(loan)
    assert (now.rearranged_date, now.next_due_date, now.due_date) == (
        day(30), found.first_due_date, found.last_due_date,
    )  # fmt: skip
    assert faults() == []


@pytest.mark.req("R54")
def test_the_old_schedule_is_kept_beside_the_new_one(alice: Borrower) -> None:
    loan = active_loan(alice, "1200.00", plan="instalments", periods=3)
    repay(alice, loan, "100.00", day(3))
    close_through(day(39))
    found = rearrange(loan, day(40))
    rows = list(Instalment.objects.filter(loan=loan).order_by("number"))
    assert [row.version for row in rows] == [0] * 3 + [1] * 6
    assert [row.principal_amount for row in rows[:3]] == [D("400.00")] * 3
    # The first fee of 10.00 was paid and 90.00 of the first principal.
    assert [row.moved_amount for row in rows[:3]] == [D("310.00"), D("400.00"), D("400.00")]
    assert [row.settled_date for row in rows[:3]] == [day(40)] * 3
    assert sum(row.principal_amount for row in rows[3:]) == found.principal_amount == D("1110.00")
    assert alice.used == D("1110.00")
    assert faults() == []


@pytest.mark.req("R26")
def test_what_was_charged_and_is_given_up_is_a_loss_of_its_own(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(29))
    owed = ledger(chart.PENALTY_RECEIVABLE)
    assert owed == loan_position(fresh(loan), day(30)).penalty_unpaid > 0
    found = rearrange(loan, day(30))
    assert found.waived_amount == owed == ledger(chart.RELIEF)
    assert ledger(chart.PENALTY_RECEIVABLE) == 0
    assert JournalEntry.objects.filter(kind="relief").count() == 1
    assert ledger(chart.LOANS_RECEIVABLE) == D("1000.00")
    close_through(day(60))
    assert ledger(chart.PENALTY_RECEIVABLE) == 0
    assert faults() == []


@pytest.mark.req("R26")
def test_where_nothing_is_given_up_no_account_moves(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(29))
    before = JournalEntry.objects.count()
    rearrange(loan, day(30), waives_penalty=False)
    assert JournalEntry.objects.count() == before
    assert faults() == []


@pytest.mark.req("R54")
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"periods": 0}, "periods"),
        ({"periods": 61}, "periods"),
        ({"first_due_date": day(30)}, "first_due_date"),
        ({"first_due_date": date(2027, 10, 16)}, "first_due_date"),
        ({"daily_rate": D("0.000401")}, "daily_rate"),
        ({"daily_rate": D("-0.000001")}, "daily_rate"),
    ],
)
def test_a_figure_beyond_the_edge_is_refused(alice: Borrower, values: dict[str, Any], field: str) -> None:
    loan = active_loan(alice, days=20)
    with pytest.raises(RearrangementInvalid) as refusal:
        rearrange(loan, day(30), **values)
    assert refusal.value.field_errors[0]["field"] == field
    assert not Rearrangement.objects.exists()


@pytest.mark.req("R54")
@pytest.mark.parametrize(
    "values",
    [
        {"periods": 1},
        {"periods": 60},
        {"first_due_date": day(31)},
        {"first_due_date": date(2027, 10, 15)},
        {"daily_rate": D("0.000400")},
    ],
)
def test_a_figure_at_the_edge_is_taken(alice: Borrower, values: dict[str, Any]) -> None:
    loan = active_loan(alice, days=20)
    rearrange(loan, day(30), **values)
    assert faults() == []


@pytest.mark.req("R54")
def test_no_due_date_comes_earlier_and_no_fee_only_loan_begins_to_bear_interest(alice: Borrower) -> None:
    loan = active_loan(alice, "1200.00", plan="instalments", periods=3)
    with pytest.raises(RearrangementInvalid):
        rearrange(loan, day(5), periods=2)
    with pytest.raises(RearrangementInvalid):
        rearrange(loan, day(5), first_due_date=date(2026, 10, 14))
    with pytest.raises(RearrangementInvalid):
        rearrange(loan, day(5), daily_rate=D("0.000001"))
    rearrange(loan, day(5), periods=3, first_due_date=date(2026, 10, 15))
    assert faults() == []


@pytest.mark.req("R54")
def test_a_life_dearer_than_the_cap_is_refused(alice: Borrower) -> None:
    policy("dear", rate_max="0.000900", cost_cap_enforced=False)
    person = borrower("dora", product="dear", rate="0.000900")
    loan = active_loan(person, days=20)
    Loan.objects.filter(pk=loan.pk).update(cost_cap_rate=D("0.24"))
    with pytest.raises(CostCapExceeded):
        rearrange(loan, day(30), daily_rate=D("0.000900"))
    rearrange(loan, day(30), daily_rate=D("0.000500"))


@pytest.mark.req("R54")
def test_only_a_running_loan_is_rearranged_and_only_with_the_customers_word(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    with pytest.raises(FieldInvalid):
        loan_rearrange(loan_id=loan.pk, agreed=terms_of(day(5)), consent=Consent("signed", " "), act=act(5))
    with pytest.raises(FieldInvalid):
        loan_rearrange(loan_id=loan.pk, agreed=terms_of(day(5)), consent=Consent("by word", "1"), act=act(5))
    repay(alice, loan, "1002.00", day(5))
    with pytest.raises(LoanNotOpen):
        rearrange(loan, day(5))


@pytest.mark.req("R59")
def test_the_form_of_the_new_cost_is_kept_and_bent_terms_are_found(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    found = rearrange(loan, day(30), daily_rate=D("0.000200"))
    form = found.disclosure.content
    assert form["agreed"]["daily_rate"] == "0.000200"
    assert form["consent"] == {"kind": "signed", "reference": "HT-2026-001"}
    assert form["brought_forward"]["interest"] == "12.00"
    assert D(form["total_cost"]) == sum(D(row["interest"]) for row in form["schedule"]) - D("12.00")
    # 0.02 % a day is 7.3 % a year; each row is rounded to the fen.
    assert D(form["apr"]) == D("0.073007")
    close_through(day(60))
    assert list(charged_as_disclosed()) == []
    event = LoanEvent.objects.get(loan=loan, kind="rearrangement")
    LoanEvent.objects.filter(pk=event.pk).update(agreed={**event.agreed, "daily_rate": "0.000300"})
    repay(alice, fresh(loan), "100.00", day(61))
    told = [fault.detail for fault in charged_as_disclosed()]
    assert any(detail.startswith("interest: charged") for detail in told), told


@pytest.mark.req("R54")
@pytest.mark.parametrize(("late", "again", "floor"), [(10, False, 1), (90, False, 1), (91, False, 91), (10, True, 91)])
def test_the_class_is_held_down_while_the_loan_is_under_observation(
    alice: Borrower, late: int, again: bool, floor: int
) -> None:
    loan = active_loan(alice, days=20)
    if again:
        rearrange(loan, day(2), first_due_date=day(20), periods=1)
    found = rearrange(loan, day(20 + late))
    assert (found.days_past_due, found.class_floor_days) == (late, floor)
    assert found.class_floor_until_date == found.first_due_date + timedelta(days=365)
    until = found.class_floor_until_date
    held = {"floor_days": floor, "floor_until": until}
    assert class_days(0, **held, on=until) == floor
    assert class_days(0, **held, on=until + timedelta(days=1)) == 0
    assert class_days(100, **held, on=until) == 100


@pytest.mark.req("R53")
def test_the_tape_tells_of_the_new_schedule_from_its_day_on(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(29))
    found = rearrange(loan, day(30))
    close_through(day(31))
    before, after = LoanTape.objects.filter(loan_id=loan.pk).order_by("business_date")
    assert (before.unpaid_due_date, before.class_floor_days, before.due_date) == (day(20), 0, day(20))
    assert (after.business_date, after.unpaid_due_date) == (day(30), found.first_due_date)
    assert (after.class_floor_days, after.class_floor_until_date) == (1, found.class_floor_until_date)
    assert (after.due_date, after.daily_rate) == (found.last_due_date, 0)
    assert loan_figures(fresh(loan), day(31)).days_past_due == 0
    assert fresh(loan).recorded_bucket == "0"


@pytest.mark.req("R54")
def test_an_older_repayment_makes_the_new_instalments_smaller_and_its_reversal_larger(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(29))
    rearrange(loan, day(30))
    close_through(day(39))
    parts = Instalment.objects.filter(loan=loan, version=1)
    late = repayment_enter_late(loan_id=loan.pk, amount=D("404.00"), effective_date=day(10), act=act(40))
    assert sum(row.principal_amount for row in parts.all()) == D("600.00")
    assert faults() == []
    close_through(day(44))
    assert faults() == []
    repayment_reverse(repayment_id=late.pk, act=act(45))
    assert sum(row.principal_amount for row in parts.all()) == D("1000.00")
    assert alice.used == D("1000.00")
    close_through(day(50))
    assert faults() == []


@pytest.mark.req("R54")
def test_a_loan_that_turns_out_to_be_paid_is_settled_with_an_empty_schedule(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    rearrange(loan, day(15))
    paid = repayment_enter_late(loan_id=loan.pk, amount=D("1004.00"), effective_date=day(10), act=act(20))
    assert fresh(loan).state == "settled"
    assert faults() == []
    repayment_reverse(repayment_id=paid.pk, act=act(21))
    assert (fresh(loan).state, fresh(loan).outstanding_principal_amount) == ("active", D("1000.00"))
    close_through(day(22))
    assert faults() == []


@pytest.mark.req("R54")
def test_a_rearranged_loan_is_written_off_and_restored(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(29))
    rearrange(
        loan, day(30), waives_penalty=False, stops_penalty=False, daily_rate=D("0.000400"), first_due_date=day(33)
    )
    close_through(day(39))
    loan_write_off(loan_id=loan.pk, act=act(40))
    close_through(day(41))
    assert faults() == []
    write_off_reverse(loan_id=loan.pk, act=act(42))
    close_through(day(43))
    assert faults() == []


@pytest.mark.req("R54")
def test_a_payout_that_came_back_undoes_the_relief_too(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(29))
    rearrange(loan, day(30))
    payout_return(loan_id=loan.pk, act=act(31))
    close_through(day(32))
    assert (fresh(loan).state, ledger(chart.RELIEF), alice.used) == ("failed", 0, 0)
    assert faults() == []


@pytest.mark.req("R43")
def test_new_instalments_are_prepaid_and_the_rest_is_settled_without_a_fee(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    rearrange(loan, day(30))
    edge = {"loan_id": loan.pk, "customer": alice.customer, "at": NOW, "actor": Actor.of(alice.customer)}
    ahead = prepayment_make(periods=2, as_of=day(40), **edge)
    assert (ahead.amount, ahead.interest_amount) == (D("345.32"), D("12.00"))
    done = settlement_make(expected=None, as_of=day(50), **edge)
    assert (done.amount, done.fee_amount) == (D("666.68"), 0)
    assert fresh(loan).state == "settled"
    close_through(day(51))
    assert faults() == []
    assert CreditLine.objects.get(pk=alice.line.pk).used_amount == 0


@pytest.mark.req("R54")
def test_a_loan_is_rearranged_twice(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    close_through(day(21))
    rearrange(loan, day(22), daily_rate=D("0.000400"), first_due_date=day(27))
    close_through(day(29))
    repay(alice, loan, "150.00", day(30))
    found = rearrange(loan, day(31), periods=12, daily_rate=D("0.000100"), first_due_date=date(2026, 11, 15))
    assert found.version == 2
    close_through(day(45))
    assert sorted(Instalment.objects.filter(loan=loan).values_list("number", flat=True)) == list(range(1, 20))
    assert earned_by_replay(fresh(loan), day(45))["penalty"] == fresh(loan).penalty_paid_amount
    assert faults() == []
