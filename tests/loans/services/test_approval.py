"""One asks, another agrees, then it is done once. Money held for a customer: entered, applied, refunded."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import QuerySet

from accounts.models import StaffUser
from loans import ledger as chart
from loans.models import (
    Approval,
    ApprovalState,
    Loan,
    LoanState,
    MoneyReceipt,
    Payout,
    Refund,
    RefundState,
    UnappliedBalance,
    UnappliedMovement,
)
from loans.services.approval import (
    ApprovalExpired,
    approval_approve,
    approval_reject,
    approval_request,
    approvals_expire,
)
from loans.services.correction import repayment_enter_late, repayment_reverse
from loans.services.disbursement import Effect, payout_confirm
from loans.services.history import Act
from loans.services.refund import refund_request
from loans.services.unapplied import ReceiptKnown, UnappliedMoneyShort
from risk.errors import FourEyesRequired, ReasonRequired
from tests.loans.builders import NOW, SECOND, TODAY, Borrower, borrower, turns
from tests.loans.life import active_loan, close_through, day, faults, ledger, repay
from tests.loans.strategies import figures_since
from tests.support.corruption import unguarded
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent


@pytest.fixture
def fang(db: None) -> StaffUser:
    return StaffUser.objects.create(username="fang")


@pytest.fixture
def gu(db: None) -> StaffUser:
    return StaffUser.objects.create(username="gu")


def ask(user: StaffUser, alice: Borrower, kind: str, loan: Loan | None = None, **payload: str) -> Approval:
    return approval_request(
        kind=kind,
        customer=alice.customer,
        loan=loan,
        payload=payload,
        reason="as the bank's statement says",
        user=user,
        as_of=TODAY,
        at=NOW,
    )


def agree(user: StaffUser, approval: Approval, number: int = 0) -> Approval:
    return approval_approve(approval_id=approval.pk, user=user, as_of=day(number), at=NOW)


def receipt(fang: StaffUser, gu: StaffUser, alice: Borrower, amount: str = "300.00", ref: str = "BK-1") -> None:
    agree(gu, ask(fang, alice, "receipt", amount=amount, bank_reference=ref, received_date=str(TODAY)))


def held(alice: Borrower) -> Decimal:
    amount: Decimal = UnappliedBalance.objects.get(customer=alice.customer).amount
    return amount


def test_money_entered_by_one_counts_when_another_released_it(alice: Borrower, fang: StaffUser, gu: StaffUser):
    asked = ask(fang, alice, "receipt", amount="300.00", bank_reference="BK-1", received_date=str(TODAY))
    assert not MoneyReceipt.objects.exists()
    assert not UnappliedMovement.objects.exists()
    with pytest.raises(FourEyesRequired):
        agree(fang, asked)
    done = agree(gu, asked)
    assert (done.state, done.applied_to) == (
        ApprovalState.APPROVED,
        f"loans.moneyreceipt:{MoneyReceipt.objects.get().pk}",
    )
    assert held(alice) == Decimal("300.00")
    assert (ledger(chart.BANK), ledger(chart.UNAPPLIED_MONEY)) == (Decimal("300.00"), Decimal("-300.00"))
    actions = AuditEvent.objects.filter(action__in=["approval.request", "approval.approve", "money.receipt"])
    assert actions.count() == 3
    assert faults() == []
    with pytest.raises(TransitionRefused):
        agree(gu, asked)
    assert held(alice) == Decimal("300.00")


def test_the_same_bank_reference_counts_once(alice: Borrower, fang: StaffUser, gu: StaffUser):
    receipt(fang, gu, alice)
    with pytest.raises(ReceiptKnown):
        ask(fang, alice, "receipt", amount="300.00", bank_reference="BK-1", received_date=str(TODAY))
    assert Approval.objects.count() == 1


def test_an_act_that_cannot_be_done_is_not_even_asked_for(alice: Borrower, fang: StaffUser):
    loan = active_loan(alice)
    with pytest.raises(UnappliedMoneyShort):
        ask(fang, alice, "apply", loan, amount="0.01")
    with pytest.raises(ReasonRequired):
        approval_request(
            kind="write_off", customer=alice.customer, loan=loan, payload={}, reason=" ", user=fang, as_of=TODAY, at=NOW
        )
    assert not Approval.objects.exists()


def test_held_money_pays_a_loan(alice: Borrower, fang: StaffUser, gu: StaffUser):
    loan = active_loan(alice)
    receipt(fang, gu, alice)
    agree(gu, ask(fang, alice, "apply", loan, amount="300.00"))
    assert held(alice) == Decimal("0.00")
    assert Loan.objects.get(pk=loan.pk).outstanding_principal_amount == Decimal("700.00")
    assert ledger(chart.BANK) == Decimal("-700.00")
    assert alice.used == Decimal("700.00")
    assert faults() == []


def test_a_refund_goes_out_once_through_the_payout_machinery(alice: Borrower, fang: StaffUser, gu: StaffUser):
    receipt(fang, gu, alice)
    agree(gu, ask(fang, alice, "refund", amount="120.00", bank_card=str(alice.card.pk)))
    assert held(alice) == Decimal("180.00")
    assert ledger(chart.REFUNDS_PAYABLE) == Decimal("-120.00")
    assert faults() == []
    turns(3)
    refund = Refund.objects.get()
    assert (refund.state, refund.decided_date) == (RefundState.PAID, TODAY)
    assert (ledger(chart.BANK), ledger(chart.REFUNDS_PAYABLE)) == (Decimal("180.00"), Decimal("0.00"))
    again: dict[str, Any] = {"reference": refund.payout.reference, "bank_reference": "x"}
    effect = payout_confirm(**again, at=NOW + SECOND, as_of=TODAY, actor=Actor.system("test"))
    assert effect == Effect.REPEATED
    assert ledger(chart.BANK) == Decimal("180.00")
    assert faults() == []


@pytest.mark.parametrize(
    ("number", "state", "left"),
    [
        ("6222020200000000041", RefundState.REFUSED, "300.00"),
        ("6222020200000000042", RefundState.PAID, "180.00"),
        ("6222020200000000043", RefundState.REFUSED, "300.00"),
        ("6222020200000000045", RefundState.PAID, "180.00"),
    ],
)
def test_an_unknown_outcome_of_a_refund_is_ended_by_asking(
    alice: Borrower, fang: StaffUser, gu: StaffUser, number: str, state: str, left: str
):
    carol = borrower("carol", number=number)
    receipt(fang, gu, carol)
    agree(gu, ask(fang, carol, "refund", amount="120.00", bank_card=str(carol.card.pk)))
    turns(30)
    assert Refund.objects.get().state == state
    assert held(carol) == Decimal(left)
    assert Payout.objects.get().attempt_count == 1
    assert ledger(chart.REFUNDS_PAYABLE) == Decimal("0.00")
    assert faults() == []


def test_a_refund_goes_to_the_customers_own_card_and_never_above_what_is_held(
    alice: Borrower, fang: StaffUser, gu: StaffUser
):
    receipt(fang, gu, alice)
    other = borrower("bob")
    with pytest.raises(ObjectNotFound):
        ask(fang, alice, "refund", amount="120.00", bank_card=str(other.card.pk))
    with pytest.raises(UnappliedMoneyShort):
        ask(fang, alice, "refund", amount="300.01", bank_card=str(alice.card.pk))
    first = ask(fang, alice, "refund", amount="300.00", bank_card=str(alice.card.pk))
    second = ask(fang, alice, "refund", amount="300.00", bank_card=str(alice.card.pk))
    agree(gu, first)
    with pytest.raises(UnappliedMoneyShort):
        agree(gu, second)
    assert Approval.objects.get(pk=second.pk).state == ApprovalState.OPEN


@pytest.mark.parametrize(("number", "expired"), [(7, False), (8, True)])
def test_nobody_agrees_after_seven_days(alice: Borrower, fang: StaffUser, gu: StaffUser, number: int, expired: bool):
    loan = active_loan(alice)
    asked = ask(fang, alice, "write_off", loan)
    if expired:
        with pytest.raises(ApprovalExpired):
            agree(gu, asked, number)
    assert approvals_expire(as_of=day(number), at=NOW) == int(expired)
    assert approvals_expire(as_of=day(number), at=NOW) == 0
    if not expired:
        agree(gu, asked, number)
    assert Loan.objects.get(pk=loan.pk).state == (LoanState.ACTIVE if expired else LoanState.WRITTEN_OFF)


@pytest.mark.parametrize(("number", "expired"), [(3, False), (4, True)])
def test_how_long_an_act_waits_is_a_figure_of_the_day_it_was_asked_for(
    alice: Borrower, fang: StaffUser, gu: StaffUser, number: int, expired: bool
):
    """What was asked for before the figure changed keeps its day, and the books know."""
    loan = active_loan(alice, days=40)
    earlier = ask(fang, alice, "write_off", loan)
    figures_since(TODAY, approval_days=3)
    later = ask(fang, alice, "write_off", loan)
    assert (earlier.expires_date, later.expires_date) == (day(7), day(3))
    assert faults() == []
    assert approvals_expire(as_of=day(number), at=NOW) == int(expired)
    states = [Approval.objects.get(pk=row.pk).state for row in (earlier, later)]
    assert states == ["open", "expired" if expired else "open"]
    assert faults() == []


@pytest.mark.parametrize(("days", "found"), [(7, []), (8, ["acts_agree"])])
def test_an_act_from_before_its_days_were_a_figure_waits_for_seven(
    alice: Borrower, fang: StaffUser, days: int, found: list[str]
):
    """Its trail does not name the day."""
    asked = ask(fang, alice, "write_off", active_loan(alice))
    with unguarded():
        trail = QuerySet(AuditEvent).filter(action="approval.request")
        trail.update(after={"kind": "write_off", "loan": str(asked.loan_id)})
        Approval.objects.update(expires_date=day(days))
        assert [fault.check for fault in faults()] == found


def test_a_day_of_expiry_changed_by_hand_is_found(alice: Borrower, fang: StaffUser):
    ask(fang, alice, "write_off", active_loan(alice))
    Approval.objects.update(expires_date=day(8))
    assert [fault.check for fault in faults()] == ["acts_agree"]


def test_a_refusal_needs_a_word_and_ends_it(alice: Borrower, fang: StaffUser, gu: StaffUser):
    loan = active_loan(alice)
    asked = ask(fang, alice, "write_off", loan)
    with pytest.raises(ReasonRequired):
        approval_reject(approval_id=asked.pk, user=gu, as_of=TODAY, at=NOW, note="")
    approval_reject(approval_id=asked.pk, user=gu, as_of=TODAY, at=NOW, note="the customer has paid")
    with pytest.raises(TransitionRefused):
        agree(gu, asked)
    assert Loan.objects.get(pk=loan.pk).state == LoanState.ACTIVE


def test_the_night_ends_what_waited_too_long(alice: Borrower, fang: StaffUser):
    loan = active_loan(alice)
    asked = ask(fang, alice, "write_off", loan)
    close_through(day(7))
    assert Approval.objects.get(pk=asked.pk).state == ApprovalState.EXPIRED
    assert asked.expires_date == TODAY + timedelta(days=7)


def test_refunded_money_that_was_never_received_is_owed_to_us(alice: Borrower, fang: StaffUser, gu: StaffUser):
    """A late entry leaves an excess, the excess is refunded, then the late entry bounces."""
    loan = active_loan(alice)
    repay(alice, loan, "1004.00", day(10))
    act = Act(Actor.of(fang), day(12), NOW)
    wrong = repayment_enter_late(loan_id=loan.pk, amount=Decimal("502.00"), effective_date=day(5), act=act)
    refund_request(customer=alice.customer, bank_card_id=alice.card.pk, amount=Decimal("503.00"), act=act)
    turns(3)
    repayment_reverse(repayment_id=wrong.pk, act=act)
    assert held(alice) == Decimal("-503.00")
    assert Loan.objects.get(pk=loan.pk).state == LoanState.SETTLED
    assert faults() == []
    with pytest.raises(UnappliedMoneyShort):
        ask(fang, alice, "refund", amount="0.01", bank_card=str(alice.card.pk))
