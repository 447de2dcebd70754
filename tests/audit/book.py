"""A small book in which everything has happened that can: what corruptions are done to."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from accounts.models import StaffUser
from loans.books.rows_granted import FIGURES
from loans.end_of_day.run import days_close
from loans.end_of_day.steps import STEPS
from loans.models import FoldedEarnings, Loan, LoanState, Repayment
from loans.services import correction
from loans.services.approval import approval_approve, approval_request
from loans.services.gift import gift_accept, gift_offer, gift_revoke
from loans.services.history import Act
from loans.services.payout import payouts_advance
from loans.services.period import period_close
from loans.services.repayment import prepayment_make, settlement_make
from loans.services.sandbox_bank import sandbox_callbacks_deliver
from loans.services.seal import journal_seal
from risk.models import Friendship
from risk.services.credit_line import credit_line_change
from tests.loans.builders import NOW, SECOND, TODAY, Borrower, borrower, card_for, day_set, policy, turns
from tests.loans.life import day, repay
from tests.loans.offers import confirm, offered, refuse
from weilidai.lib.audit import Actor, audit_record

PAID, REFUSED = "00", "41"


def rich_book() -> None:
    """Three products, loans of every plan and fate, gifts, money held, offers, a closed month, all sealed."""
    day_set()
    policy()
    policy("uplift", penalty_method="rate_uplift")
    policy("interest", with_interest=True, fee_rate=Decimal("0.005000"), cost_cap_enforced=False)
    staff = [StaffUser.objects.create(username=name) for name in ("fang", "gu")]
    alice, dave = _person("alice", 1), _person("dave", 2)
    erin, fred, refused = (
        _person("erin", 3, "uplift"),
        _person("fred", 4, "interest"),
        _person("rose", 5, ending=REFUSED),
    )
    refused.draw("700.00")
    late, plan = alice.draw("1000.00", days=2), alice.draw("1200.00", plan="instalments", periods=3)
    soon = alice.draw("500.00", days=20)
    raised, dear = erin.draw("900.00", days=5), fred.draw("1500.00", plan="instalments", periods=3)
    back, lost = dave.draw("800.00"), dave.draw("600.00", days=3)
    turns(5)
    _gifts(alice)
    days_close(steps=STEPS, through=day(3))
    repay(alice, late, "300.00", day(4))
    bounced = repay(alice, late, "50.00", day(4))
    repay(dave, back, "200.00", day(4))
    prepayment_make(loan_id=plan.pk, customer=alice.customer, periods=2, **edge(alice, 4))
    _by_client(alice, soon)
    days_close(steps=STEPS, through=day(7))
    settlement_make(loan_id=soon.pk, customer=alice.customer, expected=None, **edge(alice, 8))
    correction.repayment_reverse(repayment_id=bounced.pk, act=act(8))
    correction.repayment_enter_late(loan_id=late.pk, amount=Decimal("75.00"), effective_date=day(5), act=act(8))
    correction.loan_write_off(loan_id=lost.pk, act=act(8))
    correction.payout_return(loan_id=back.pk, act=act(8))
    _held(dave, staff)
    days_close(steps=STEPS, through=day(12))
    repay(dave, lost, "100.00", day(13))
    repay(erin, raised, "40.00", day(13))
    days_close(steps=STEPS, through=day(16))
    period_close(first_day=TODAY.replace(day=1), user=staff[0], reason="month over", at=NOW + timedelta(days=17))
    repay(fred, dear, "100.00", day(17))
    alice.draw("400.00", as_of=day(17), at=NOW + timedelta(days=17))
    days_close(steps=STEPS, through=day(17))
    _offers(alice, late, fred, dear)
    journal_seal(at=NOW + timedelta(days=18))
    assert Loan.objects.filter(state=LoanState.WRITTEN_OFF).count() == 1
    assert Repayment.objects.count() > 6
    assert {loan is None for loan in FoldedEarnings.objects.values_list("loan_id", flat=True)} == {True, False}


def _offers(alice: Borrower, late: Loan, fred: Borrower, dear: Loan) -> None:
    """New schedules put before their customers: one confirmed for a day to come, one refused, one still open."""
    first = offered(Loan.objects.get(pk=late.pk), day(18), begins_date=day(30))
    confirm(alice, first, day(18))
    plan = {"daily_rate": Decimal("0.0002"), "first_due_date": day(120), "periods": 12}
    refuse(fred, offered(Loan.objects.get(pk=dear.pk), day(18), **plan), day(18), "no, thank you")
    offered(Loan.objects.get(pk=dear.pk), day(18), **plan)


def _person(name: str, number: int, product: str = "weilidai", ending: str = PAID) -> Borrower:
    person = borrower(name, number=f"62220202000000{number:03}{ending}", product=product)
    _opened(person)
    credit_line_change(
        line_id=person.line.pk, reason="raise", limit_amount=Decimal("8100.00"), as_of=TODAY, at=NOW,
        actor=Actor.system("tests"),
    )  # fmt: skip
    return person


def _opened(person: Borrower) -> None:
    figures = {name: str(getattr(person.line, name)) for name in FIGURES}
    audit_record(
        action="credit_line.open", actor=Actor.system("tests"), subject=person.line, at=NOW, as_of=TODAY, after=figures
    )


def edge(person: Borrower, number: int) -> dict[str, Any]:
    return {"as_of": day(number), "at": NOW + timedelta(days=number), "actor": Actor.of(person.customer)}


def act(number: int) -> Act:
    return Act(Actor("staff", "7", "finance"), day(number), NOW + timedelta(days=number), "as the bank says")


def _gifts(alice: Borrower) -> None:
    """One accepted and drawn on, one offered, one taken back."""
    bob = borrower("bob", number="6222020200000000900", limit="500.00")
    _opened(bob)
    bob.customer.birth_date, bob.customer.identity_verified_at = TODAY.replace(year=1990), NOW
    bob.customer.save()
    Friendship.objects.create(
        row_id="f-bob", customer=alice.customer, friend_openid="bob", since_date=TODAY.replace(month=1)
    )
    offered = [
        gift_offer(
            customer=alice.customer, credit_line_id=alice.line.pk, openid="bob", amount=Decimal(amount),
            device=alice.device, **edge(alice, 0),
        )
        for amount in ("800.00", "300.00", "200.00")
    ]  # fmt: skip
    gift_accept(gift_id=offered[0].pk, recipient=bob.customer, device=bob.device, **edge(bob, 0))
    gift_revoke(gift_id=offered[2].pk, customer=alice.customer, **edge(alice, 0))
    bob.draw("900.00")
    turns(5)


def _by_client(alice: Borrower, loan: Loan) -> None:
    """A repayment over HTTP, under its key."""
    client = alice.client()
    answer = client.post(
        f"/api/v1/loans/{loan.pk}/repayments", {"amount": "20.00"}, format="json", headers={"Idempotency-Key": "key-1"}
    )
    assert answer.status_code == 201, answer.content


def _held(dave: Borrower, staff: list[StaffUser]) -> None:
    """Money that arrived unasked, by two persons; one refund is paid, one refused, one waits."""
    spoilt = card_for(dave.customer, f"62220202000000{9:03}{REFUSED}")
    acts = [("receipt", {"amount": "500.00", "bank_reference": "B1", "received_date": str(day(8)), "payer_name": "王"})]
    acts += [("refund", {"bank_card": str(card.pk), "amount": amount}) for card, amount in
             ((dave.card, "90.00"), (spoilt, "80.00"))]  # fmt: skip
    for kind, payload in acts:
        asked = approval_request(
            kind=kind, customer=dave.customer, payload=payload, reason="statement", user=staff[0], as_of=day(8),
            at=NOW + timedelta(days=8),
        )  # fmt: skip
        approval_approve(approval_id=asked.pk, user=staff[1], as_of=day(8), at=NOW + timedelta(days=8))
    for number in range(12):
        at = NOW + timedelta(days=8) + number * SECOND
        payouts_advance(at=at, as_of=day(8))
        sandbox_callbacks_deliver(at=at, as_of=day(8))
    approval_request(
        kind="refund", customer=dave.customer, payload={"bank_card": str(dave.card.pk), "amount": "10.00"},
        reason="statement", user=staff[0], as_of=day(8), at=NOW + timedelta(days=8),
    )  # fmt: skip
