"""Every kind of corruption done by hand is found, by the check meant for it."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import transaction

from loans.books.rows_loan import loans_agree_with_their_rows
from loans.models import Instalment, Loan, Payout, Posting, ProductAccrual, Repayment, RepaymentAllocation
from loans.services.correction import repayment_reverse
from loans.services.history import Act
from risk.models import CreditLine
from tests.loans.builders import NOW, Borrower, card_for
from tests.loans.life import active_loan, close_through, day, faults, repay
from tests.support.corruption import unguarded
from weilidai.lib.audit import Actor
from weilidai.lib.models import BusinessDay

FEN = Decimal("0.01")


@pytest.fixture
def lived(alice: Borrower) -> Borrower:
    """A loan of two days, partly repaid late, with its nights."""
    loan = active_loan(alice, days=2)
    close_through(day(3))
    repay(alice, loan, "300.00", day(4))
    close_through(day(4))
    return alice


def _bend(model: Any, column: str) -> Callable[[], None]:
    @unguarded()
    def bend() -> None:
        row = model._default_manager.order_by("pk").first()
        model._default_manager.filter(pk=row.pk).update(**{column: getattr(row, column) + FEN})

    return bend


def _unpay() -> None:
    Payout.objects.update(state="refused")


def _lose_day() -> None:
    BusinessDay.objects.filter(date=day(2)).delete()


def _close_the_open_day() -> None:
    BusinessDay.objects.filter(state="open").update(state="closing")


def _move_accrual(first: int, to: int) -> Callable[[], None]:
    def move() -> None:
        ProductAccrual.objects.filter(business_date=day(first)).update(business_date=day(to))

    return move


def _send_elsewhere() -> None:
    """To another card of the same person."""
    card = card_for(Loan.objects.get().customer, "6222020200000000900")
    Loan.objects.update(bank_card=card)


@pytest.mark.parametrize(
    ("bend", "check"),
    [
        (_bend(Posting, "amount"), "entries_balanced"),
        (_bend(CreditLine, "used_amount"), "lines_match_loans"),
        (_bend(Loan, "outstanding_principal_amount"), "loans_match_events"),
        (_bend(Loan, "interest_paid_amount"), "loans_match_events"),
        (_bend(Loan, "interest_settled_amount"), "loans_match_events"),
        (_bend(Instalment, "principal_amount"), "schedules_sum"),
        (_bend(Payout, "amount"), "payouts_match_loans"),
        (_unpay, "payouts_match_loans"),
        (_bend(Repayment, "amount"), "repayments_add_up"),
        (_bend(Repayment, "interest_amount"), "repayments_add_up"),
        (_bend(ProductAccrual, "cumulative_amount"), "accruals_every_day"),
        (_lose_day, "days_in_order"),
        (_close_the_open_day, "days_in_order"),
        (_move_accrual(4, 5), "accruals_every_day"),
        (_move_accrual(0, -1), "accruals_every_day"),
        (_send_elsewhere, "orders_agree"),
    ],
)
def test_a_corruption_is_found(lived: Borrower, bend: Callable[[], None], check: str):
    assert faults() == []
    bend()
    assert check in {fault.check for fault in faults()}


@pytest.mark.parametrize("bent", [{"component": "penalty"}, {"instalment": None}])
def test_what_a_reversed_repayment_had_paid_stays_as_it_was(lived: Borrower, bent: dict[str, Any]):
    act = Act(Actor("staff", "7", "finance"), day(5), NOW + timedelta(days=5), "it came back")
    repayment_reverse(repayment_id=Repayment.objects.get().pk, act=act)
    assert faults() == []
    paid = RepaymentAllocation.objects.filter(component="principal")
    with unguarded():
        assert paid.update(**bent) == 1
    assert "loans_agree_with_their_rows" in {fault.check for fault in faults()}


@pytest.mark.req("R59")
def test_a_row_nobody_can_read_any_more_is_a_fault_and_the_other_checks_go_on(lived: Borrower):
    """A single-payment loan without its days has no schedule: the checks that need one break off and say so."""
    Loan.objects.update(days_count=None)
    CreditLine.objects.update(used_amount=Decimal("1.00"))
    found = {fault.check: fault for fault in faults()}
    assert {"loans_match_events", "lines_match_loans"} <= set(found)
    assert "LoanDaysOutOfRange" in found["loans_match_events"].detail


@pytest.mark.parametrize("column", ["disclosure_id", "credit_line_id", "terms_id", "bank_card_id"])
def test_a_loan_that_points_nowhere_is_not_left_out(lived: Borrower, column: str):
    with unguarded(), transaction.atomic():
        Loan.objects.update(**{column: UUID(int=7)})
        found = [fault.subject for fault in loans_agree_with_their_rows()]
        transaction.set_rollback(True)
    assert found == [str(Loan.objects.get().pk)]


def test_a_line_used_beyond_its_limit_is_found(lived: Borrower):
    CreditLine.objects.update(limit_amount=Decimal("1.00"))
    assert "lines_match_loans" in {fault.check for fault in faults()}


def test_a_lost_posting_breaks_the_ledger(lived: Borrower):
    with unguarded():
        Posting.objects.filter(entry__kind="accrual").delete()
    assert "ledger_matches_loans" in {fault.check for fault in faults()}


def test_the_command_exits_1_and_names_the_rows(lived: Borrower, capsys: pytest.CaptureFixture[str]):
    call_command("verify_books", "--json")
    assert json.loads(capsys.readouterr().out)["ok"] is True
    _unpay()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_books", "--json")
    assert ended.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["faults"][0]["check"] == "payouts_match_loans"
