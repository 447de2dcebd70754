"""A month is closed between the asking and the agreeing: what is posted today is posted on the open day, what belongs
to a day of the closed month is refused by its code and stays open to be taken back.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import StaffUser
from loans.models import Approval, ApprovalState, JournalEntry, Loan, LoanState, MoneyReceipt, PeriodBalance
from loans.selectors.trial_balance import trial_balance
from loans.services.approval import approval_approve, approval_reject, approval_request
from loans.services.correction import loan_write_off
from loans.services.history import Act
from loans.services.period import PeriodClosed, period_close
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan, close_through, faults, repay
from tests.loans.relief import payload, terms_of
from weilidai.lib.audit import Actor

SEPTEMBER, LAST, OCTOBER, LATER = date(2026, 9, 1), date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 2)


@pytest.fixture
def fang(db: None) -> StaffUser:
    return StaffUser.objects.create(username="fang")


@pytest.fixture
def gu(db: None) -> StaffUser:
    return StaffUser.objects.create(username="gu")


def at(on: date) -> Any:
    return NOW + (on - TODAY)


def ask(user: StaffUser, alice: Borrower, on: date, kind: str, loan: Loan | None = None, **values: str) -> Approval:
    return approval_request(
        kind=kind, customer=alice.customer, loan=loan, payload=values, reason="as found", user=user, as_of=on, at=at(on)
    )  # fmt: skip


def agree(user: StaffUser, approval: Approval, on: date) -> Approval:
    return approval_approve(approval_id=approval.pk, user=user, as_of=on, at=at(on))


def receipt(ref: str, on: date, amount: str = "300.00") -> dict[str, str]:
    return {"amount": amount, "bank_reference": ref, "received_date": on.isoformat()}


def close_september(user: StaffUser) -> None:
    close_through(OCTOBER)
    period_close(first_day=SEPTEMBER, user=user, reason="month end", at=at(LATER))


@pytest.mark.req("R54")
def test_what_was_asked_for_before_the_close_is_posted_on_the_open_day(
    alice: Borrower, fang: StaffUser, gu: StaffUser
) -> None:
    given_up, eased, bounced, returned, restored, helped = (active_loan(alice, days=40) for _ in range(6))
    agree(gu, ask(fang, alice, TODAY, "receipt", **receipt("BK-1", TODAY)), TODAY)
    paid = repay(alice, bounced, "404.00", TODAY + timedelta(days=10))
    loan_write_off(loan_id=restored.pk, act=Act(Actor.of(gu), TODAY + timedelta(days=11), at(TODAY)))
    close_through(date(2026, 9, 29))
    asked = [
        ask(fang, alice, LAST, "write_off", given_up),
        ask(fang, alice, LAST, "rearrange", eased, **payload(terms_of(LAST))),
        ask(fang, alice, LAST, "reverse_repayment", bounced, repayment=str(paid.pk)),
        ask(fang, alice, LAST, "return_payout", returned),
        ask(fang, alice, LAST, "restore", restored),
        ask(fang, alice, LAST, "apply", helped, amount="100.00"),
        ask(fang, alice, LAST, "refund", amount="50.00", bank_card=str(alice.card.pk)),
        ask(fang, alice, LAST, "receipt", **receipt("BK-2", LAST)),
    ]
    # Of these eight only the last belongs to a day of September.
    agree(gu, asked.pop(), LAST)
    close_september(fang)
    before = trial_balance(SEPTEMBER, LAST)
    known = set(JournalEntry.objects.values_list("pk", flat=True))
    states = [agree(gu, approval, LATER).state for approval in asked]
    assert states == [ApprovalState.APPROVED] * 7
    posted = JournalEntry.objects.exclude(pk__in=known)
    assert {entry.effective_date for entry in posted} == {LATER}
    assert sorted(posted.values_list("kind", flat=True)) == sorted(
        ["write_off", "reversal", "payout_return", "reversal", "repayment", "refund"]
    )
    assert trial_balance(SEPTEMBER, LAST) == before
    assert PeriodBalance.objects.get(ledger_account="1303", product=alice.line.product_id).closing_amount == (
        next(line.closing for line in before if line.account.code == "1303")
    )
    found = [Loan.objects.get(pk=loan.pk).state for loan in (given_up, eased, bounced, returned, restored, helped)]
    assert found == [
        LoanState.WRITTEN_OFF, LoanState.ACTIVE, LoanState.ACTIVE, LoanState.FAILED, LoanState.ACTIVE, LoanState.ACTIVE,
    ]  # fmt: skip
    assert faults() == []


@pytest.mark.req("R54")
@pytest.mark.parametrize(("counts_from", "refused"), [(LAST, True), (OCTOBER, False)])
def test_what_belongs_to_the_closed_month_is_refused_by_its_code(
    alice: Borrower, fang: StaffUser, gu: StaffUser, counts_from: date, refused: bool
) -> None:
    loan = active_loan(alice, days=40)
    close_through(LAST)
    asked = [
        ask(fang, alice, OCTOBER, "late_entry", loan, amount="100.00", effective_date=counts_from.isoformat()),
        ask(fang, alice, OCTOBER, "receipt", **receipt("BK-1", counts_from)),
    ]
    close_september(fang)
    for approval in asked:
        if not refused:
            assert agree(gu, approval, LATER).state == ApprovalState.APPROVED
            continue
        with pytest.raises(PeriodClosed) as refusal:
            agree(gu, approval, LATER)
        assert (refusal.value.code, refusal.value.extra) == ("period_closed", {"open_from": "2026-10-01"})
        assert Approval.objects.get(pk=approval.pk).state == ApprovalState.OPEN
        approval_reject(approval_id=approval.pk, user=gu, as_of=LATER, at=at(LATER), note="September is closed")
        with pytest.raises(PeriodClosed):
            ask(fang, alice, LATER, approval.kind, loan, **approval.payload)
    assert MoneyReceipt.objects.count() == int(not refused)
    assert Loan.objects.get(pk=loan.pk).outstanding_principal_amount == Decimal(1000 if refused else "906.40")
    assert faults() == []
