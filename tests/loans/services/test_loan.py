"""R14, R35, R52, R54: what a request for a loan needs and does."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.errors import BankCardRequired, DeviceNotVerified
from accounts.models import BankCard, Device
from loans.errors import HouseholdLimitExceeded, PurposeForbidden, TermInvalid
from loans.models import Loan, LoanState, Payout, PayoutState
from risk.errors import CreditLineClosed, CreditLineFrozen, LimitExceeded, SignaturesMissing
from risk.models import CreditLine, FreezeReason, LegalDocument, RegulationParameter
from risk.services.credit_line import credit_line_close, credit_line_freeze
from tests.loans.builders import NOW, TODAY, Borrower, borrower, line_for, payout_of, policy
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.models import AuditEvent, StateChange


@pytest.mark.req("R14")
def test_a_loan_uses_the_limit_at_once_and_queues_one_payout(alice: Borrower) -> None:
    loan = alice.draw("1000.00")
    payout = payout_of(loan)
    assert (loan.state, payout.state) == (LoanState.DISBURSING, PayoutState.PENDING)
    assert (payout.amount, payout.next_attempt_at) == (Decimal("1000.00"), NOW)
    assert payout.reference.startswith("WLD-")
    assert alice.used == Decimal("1000.00")
    assert loan.daily_rate == Decimal("0.000400")
    assert loan.cost_cap_rate == Decimal("0.24")
    assert AuditEvent.objects.filter(action="loan.request", subject_id=str(loan.pk)).count() == 1
    assert StateChange.objects.filter(subject_id=str(loan.pk), new="disbursing").count() == 1


@pytest.mark.req("R14")
def test_without_an_own_card_there_is_no_loan(alice: Borrower) -> None:
    BankCard.objects.update(removed_at=NOW)
    with pytest.raises(BankCardRequired):
        alice.draw()


@pytest.mark.req("R14")
def test_a_foreign_or_unnamed_card_is_refused(alice: Borrower) -> None:
    bob = borrower("bob")
    with pytest.raises(ObjectNotFound):
        alice.draw(bank_card_id=bob.card.pk)
    with pytest.raises(TermInvalid):
        alice.draw(bank_card_id=None)


@pytest.mark.req("R35")
def test_a_new_device_moves_no_money(alice: Borrower) -> None:
    new = Device.objects.create(customer=alice.customer, fingerprint="new", first_seen_at=NOW, last_seen_at=NOW)
    for device in (new, None):
        with pytest.raises(DeviceNotVerified):
            alice.draw(device=device)
    assert not Loan.objects.exists()


@pytest.mark.req("R52")
@pytest.mark.parametrize("purpose", ["property", "securities", "gambling"])
def test_forbidden_purposes_are_refused(alice: Borrower, purpose: str) -> None:
    with pytest.raises(PurposeForbidden):
        alice.draw(purpose=purpose)


def test_somebody_elses_line_is_not_found(alice: Borrower) -> None:
    bob = borrower("bob")
    for line_id in (bob.line.pk, uuid4()):
        with pytest.raises(ObjectNotFound):
            alice.draw(credit_line_id=line_id)


def test_a_frozen_or_closed_line_lends_nothing(alice: Borrower) -> None:
    actor = Actor.system("test")
    credit_line_freeze(line_id=alice.line.pk, reason=FreezeReason.STAFF, actor=actor, as_of=TODAY, at=NOW)
    with pytest.raises(CreditLineFrozen):
        alice.draw()
    credit_line_close(line_id=alice.line.pk, reason="asked", actor=actor, as_of=TODAY, at=NOW)
    with pytest.raises(CreditLineClosed):
        alice.draw()


def test_the_last_fen_of_the_line_can_be_drawn_and_no_more(alice: Borrower) -> None:
    alice.draw("7900.00")
    with pytest.raises(LimitExceeded):
        alice.draw("100.01")
    alice.draw("100.00")
    assert alice.used == Decimal("8000.00")
    with pytest.raises(LimitExceeded):
        alice.draw("100.00")
    assert Loan.objects.count() == Payout.objects.count() == 2


@pytest.mark.req("R10")
def test_a_new_text_must_be_signed_before_the_next_loan(alice: Borrower) -> None:
    LegalDocument.objects.create(
        product_id="weilidai",
        code="loan_agreement",
        version="2",
        valid_from=TODAY,
        title_zh="借款合同",
        title_en="Loan agreement",
        body_zh="…",
        body_en="…",
        sha256_zh="0" * 64,
        sha256_en="1" * 64,
    )
    with pytest.raises(SignaturesMissing):
        alice.draw()


@pytest.mark.req("R54")
def test_all_lines_of_a_person_stay_within_the_household_cap(alice: Borrower) -> None:
    policy("jiebei")
    other = line_for(alice.customer, "jiebei")
    RegulationParameter.objects.create(name="household_credit_amount", value=Decimal(9000), valid_from=date(2026, 9, 1))
    CreditLine.objects.filter(pk=other.pk).update(used_amount=Decimal(6000), gifted_amount=Decimal(1000))
    with pytest.raises(HouseholdLimitExceeded) as refusal:
        alice.draw("2000.01")
    assert refusal.value.extra["available"] == "2000.00"
    alice.draw("2000.00")


def test_a_refused_loan_leaves_nothing_behind(alice: Borrower) -> None:
    with pytest.raises(LimitExceeded):
        alice.draw("8000.01")
    assert alice.used == Decimal("0.00")
    assert not Loan.objects.exists()
    assert not AuditEvent.objects.filter(action="loan.request").exists()
