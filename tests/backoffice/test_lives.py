"""Acts for two persons, clicked through: finance asks, the supervisor agrees, nobody else may."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import StaffUser
from accounts.roles import roles_sync
from loans.models import (
    Approval,
    ApprovalState,
    CollectionAction,
    CollectionTask,
    Loan,
    LoanState,
    MoneyReceipt,
    Refund,
    Repayment,
    UnappliedBalance,
)
from tests.loans.builders import TODAY, Borrower
from tests.loans.collectors import MORNING, late_customer
from tests.loans.life import active_loan, day, faults, repay
from tests.loans.relief import rearrange


def staff(role: str, name: str = "") -> Client:
    roles_sync()
    user = StaffUser.objects.create_user(name or role, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def do(client: Client, name: str, key: Any = None, **values: str) -> int:
    """One act with its dialog; the status."""
    url = reverse(f"admin:loans_{name}", args=[key] if key else [])
    body = {"reason": "as the bank says", "_form_submitted": "on", **values}
    status: int = client.post(url, body).status_code
    return status


def newest() -> Approval:
    found = Approval.objects.order_by("-id").first()
    assert found is not None
    return found


def test_a_bounced_repayment_is_asked_for_by_finance_and_agreed_by_the_supervisor(alice: Borrower):
    loan = active_loan(alice)
    paid = repay(alice, loan, "1000.00", TODAY)
    finance, chief = staff("finance"), staff("supervisor")
    do(finance, "repayment_reverse", paid.pk)
    assert Loan.objects.get(pk=loan.pk).state == LoanState.SETTLED
    do(finance, "approval_agree", newest().pk)
    assert newest().state == ApprovalState.OPEN
    do(chief, "approval_agree", newest().pk)
    assert newest().state == ApprovalState.APPROVED
    assert Loan.objects.get(pk=loan.pk).state == LoanState.ACTIVE
    assert Repayment.objects.get().reversed_date == TODAY
    assert faults() == []


def test_money_is_entered_applied_and_refunded(alice: Borrower):
    loan = active_loan(alice)
    finance, other = staff("finance"), staff("finance", "fang")
    line = {"openid": "alice", "amount": "300.00", "bank_reference": "BK-1", "received_date": str(TODAY)}
    do(finance, "moneyreceipt_enter", **line)
    assert sorted(newest().payload) == ["amount", "bank_reference", "payer_name", "received_date"]
    do(other, "approval_agree", newest().pk)
    assert MoneyReceipt.objects.get().amount == Decimal("300.00")
    do(finance, "loan_apply_held", loan.pk, amount="100.00")
    do(other, "approval_agree", newest().pk)
    do(finance, "unappliedbalance_refund", alice.customer.pk, amount="50.00", last_four="0004")
    do(other, "approval_agree", newest().pk)
    assert Refund.objects.get().amount == Decimal("50.00")
    assert UnappliedBalance.objects.get().amount == Decimal("150.00")
    assert faults() == []


@pytest.mark.parametrize("role", ["credit_officer", "risk_analyst", "auditor", "administrator"])
def test_nobody_else_may_ask_or_agree(alice: Borrower, role: str):
    loan = active_loan(alice)
    client = staff(role)
    assert do(client, "loan_write_off", loan.pk) == 403
    assert do(client, "loan_return_payout", loan.pk) == 403
    assert not Approval.objects.exists()
    do(staff("finance"), "loan_write_off", loan.pk)
    assert do(client, "approval_agree", newest().pk) == 403
    assert newest().state == ApprovalState.OPEN


def test_a_collector_asks_for_a_write_off_and_the_supervisor_refuses_it(alice: Borrower):
    loan = active_loan(alice)
    do(staff("collector"), "loan_write_off", loan.pk)
    do(staff("supervisor"), "approval_refuse", newest().pk)
    assert newest().state == ApprovalState.REJECTED
    assert Loan.objects.get(pk=loan.pk).state == LoanState.ACTIVE


def test_what_cannot_be_done_is_told_and_not_asked_for(alice: Borrower):
    loan = active_loan(alice)
    finance = staff("finance")
    do(finance, "loan_apply_held", loan.pk, amount="1.00")
    do(finance, "loan_enter_late", loan.pk, amount="10.00", effective_date="2020-01-01")
    do(finance, "loan_restore", loan.pk)
    do(finance, "moneyreceipt_enter", openid="nobody", amount="1.00", bank_reference="B", received_date=str(TODAY))
    assert not Approval.objects.exists()


def relief_page(loan: Loan) -> str:
    return reverse("admin:loans_loan_rearrangement", args=[loan.pk])


RELIEF = {"periods": "6", "first_due_date": "2026-11-15", "daily_rate": "0", "waives_penalty": "on",
          "stops_penalty": "on"}  # fmt: skip
WORD = {"consent": "signed", "consent_reference": "HT-1", "consent_reason": "has no phone", "reason": "lost the job"}


@pytest.mark.req("R54")
def test_a_collector_proposes_a_new_schedule_and_the_supervisor_agrees(alice: Borrower):
    loan = active_loan(alice)
    collector, chief = staff("collector"), staff("supervisor")
    shown = collector.get(relief_page(loan), RELIEF).content.decode()
    # Each row shows it as principal and as total.
    assert shown.count("166.66") == 10
    assert "166.70" in shown
    collector.post(relief_page(loan), {**RELIEF, **WORD})
    asked = newest()
    assert (asked.kind, asked.state, asked.reason) == ("rearrange", ApprovalState.OPEN, "lost the job")
    page = chief.get(reverse("admin:loans_approval_change", args=[asked.pk])).content.decode()
    assert "rearrangement/?" in page
    do(chief, "approval_agree", asked.pk)
    assert Loan.objects.get(pk=loan.pk).rearranged_date == TODAY
    both = chief.get(reverse("admin:loans_loan_change", args=[loan.pk])).content.decode()
    assert "166.70" in both
    assert "1000.00" in both
    assert faults() == []


def wished(alice: Borrower, note: str) -> CollectionAction:
    """Told to a collector by somebody two days late."""
    task = CollectionTask.objects.first() or late_customer(alice)
    return CollectionAction.objects.create(
        task=task, customer=alice.customer, kind="hardship", note=note, at=MORNING, business_date=day(5),
        staff=StaffUser.objects.create_user(f"teller-{note}"),
    )  # fmt: skip


@pytest.mark.req("R54", "R60")
def test_relief_begins_from_a_wish_and_the_task_tells_what_became_of_it(alice: Borrower):
    older, wish = wished(alice, "a year"), wished(alice, "half a year")
    loan, collector, chief = Loan.objects.get(), staff("collector"), staff("supervisor")
    task_page = reverse("admin:loans_collectiontask_change", args=[wish.task_id])
    begin = f"{relief_page(loan)}?wish={wish.pk}"
    assert begin in collector.get(task_page).content.decode()
    assert "half a year" in collector.get(begin).content.decode()
    # Without a word the newest wish that nothing was asked for is meant.
    assert collector.get(relief_page(loan)).context["wish"] == wish
    collector.post(relief_page(loan), {**RELIEF, **WORD, "wish": str(wish.pk), "begins_date": day(8).isoformat()})
    asked = newest()
    assert (asked.wish, asked.begins_date) == (wish, day(8))
    assert collector.get(relief_page(loan)).context["wish"] == older
    assert "half a year" in chief.get(reverse("admin:loans_approval_change", args=[asked.pk])).content.decode()
    do(chief, "approval_agree", asked.pk)
    rows = {row["text"]: row["answers"] for row in collector.get(task_page).context["contacts"] if row.get("wish")}
    assert [(one["begins"], one["word"]) for one in rows["half a year"]] == [(day(8), "")]
    assert "Agreed" in rows["half a year"][0]["state"] or "已同意" in rows["half a year"][0]["state"]
    assert rows["a year"] == []
    do(chief, "approval_refuse", asked.pk, reason="found work")
    (answer,) = (row["answers"] for row in collector.get(task_page).context["contacts"] if row.get("answers"))
    assert answer[0]["word"] == "found work"
    assert newest().state == ApprovalState.REJECTED


@pytest.mark.req("R54")
def test_a_rearrangement_is_undone_from_the_page_of_its_loan(alice: Borrower):
    loan = active_loan(alice)
    rearrange(loan, TODAY)
    collector, chief = staff("collector"), staff("supervisor")
    do(collector, "loan_undo_rearrangement", loan.pk)
    do(chief, "approval_agree", newest().pk)
    page = chief.get(reverse("admin:loans_loan_change", args=[loan.pk])).content.decode()
    assert Loan.objects.get(pk=loan.pk).due_date == loan.due_date
    assert "undo_rearrangement" not in page
    assert chief.get(reverse("admin:loans_rearrangement_changelist")).status_code == 200
    assert faults() == []


@pytest.mark.req("R54")
def test_what_a_new_schedule_may_not_do_is_told_at_the_field(alice: Borrower):
    loan = active_loan(alice)
    collector = staff("collector")
    for values in ({"periods": "61"}, {"daily_rate": "0.0005"}, {"first_due_date": "2026-09-15"}, {"periods": "x"},
                   {"first_due_date": ""}, {"begins_date": "2026-09-14"}, {"begins_date": "2026-10-17"}):  # fmt: skip
        answer = collector.get(relief_page(loan), {**RELIEF, **values})
        assert answer.status_code == 200
        assert answer.context["proposal"] is None
        assert answer.context["terms"].errors
    assert staff("auditor").post(relief_page(loan), {**RELIEF, **WORD}).status_code == 403
    assert staff("administrator").get(relief_page(loan)).status_code == 403
    assert collector.get(relief_page(loan).replace(str(loan.pk), str(alice.customer.pk))).status_code == 404
    assert not Approval.objects.exists()
