"""R14 and I8: every way the bank can end an order, and every way it can be interrupted."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Notification
from loans.books.checks import CHECKS
from loans.gateway.interface import (
    Accepted,
    GatewayTimeout,
    InquiryAnswer,
    NotFound,
    Paid,
    PayoutOrder,
    Pending,
    Refused,
    SendAnswer,
)
from loans.models import Instalment, JournalEntry, Loan, LoanEvent, LoanState, PayoutState, SandboxPayment
from loans.selectors.loan import payout_times
from loans.services.disbursement import payout_confirm, payout_refuse
from loans.services.payout import LEASE, backoff, payouts_advance
from loans.services.payout_callback import payout_callback_receive
from tests.loans.builders import NOW, SECOND, TODAY, Borrower, borrower, payout_of, turn, turns
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.models import AuditEvent, StateChange

BANK = Actor.machine("bank")


class Script:
    """A bank that answers as told, in turn; a `GatewayTimeout` among the answers is raised."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, str]] = []

    def _next(self, call: str, reference: str) -> object:
        self.calls.append((call, reference))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, order: PayoutOrder, *, at: object) -> SendAnswer:
        return self._next("send", order.reference)

    def inquire(self, reference: str, *, at: object) -> InquiryAnswer:
        return self._next("inquire", reference)


def books_are_right() -> bool:
    return [fault for check in CHECKS for fault in check()] == []


def advance(bank: Script, seconds: float) -> int:
    return payouts_advance(at=NOW + seconds * SECOND, as_of=TODAY, gateway=bank)


def report(loan: Loan, result: str = "paid", message: str = "m1") -> str:
    return payout_callback_receive(
        message_id=message, reference=payout_of(loan).reference, result=result, at=NOW, as_of=TODAY, actor=BANK
    )


# --- The sandbox's endings --------------------------------------------------------------------------------------


@pytest.mark.req("R14")
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("last_two", "seconds", "state", "used"),
    [
        ("04", 1, LoanState.ACTIVE, "1000.00"),
        ("41", 0, LoanState.FAILED, "0.00"),
        ("42", 5, LoanState.ACTIVE, "1000.00"),
        ("43", 5, LoanState.FAILED, "0.00"),
        ("44", 2, LoanState.ACTIVE, "1000.00"),
        ("45", 5, LoanState.ACTIVE, "1000.00"),
        ("46", 61, LoanState.ACTIVE, "1000.00"),
    ],
)
def test_each_card_ends_as_announced(alice: Borrower, last_two: str, seconds: int, state: LoanState, used: str) -> None:
    who = borrower("bob", number=f"62220202000000000{last_two}")
    loan = who.draw()
    turns(until=seconds)
    assert Loan.objects.get(pk=loan.pk).state == state
    assert who.used == Decimal(used)
    assert SandboxPayment.objects.get().times_seen == 1
    assert Notification.objects.filter(customer=who.customer).count() == 1
    assert books_are_right()


@pytest.mark.req("R14")
def test_a_call_back_after_a_minute_leaves_the_loan_on_its_way_until_then(alice: Borrower) -> None:
    who = borrower("bob", number="6222020200000000046")
    loan = who.draw()
    turns(until=59)
    assert Loan.objects.get(pk=loan.pk).state == LoanState.DISBURSING
    assert who.used == Decimal("1000.00")


# --- What starts with the money ---------------------------------------------------------------------------------


@pytest.mark.req("R14")
def test_a_paid_loan_starts_on_the_business_date_with_schedule_event_and_journal(alice: Borrower) -> None:
    loan = alice.draw("1000.00", "instalments", periods=3)
    turns(until=1)
    loan = Loan.objects.get(pk=loan.pk)
    assert (loan.state, loan.start_date, loan.outstanding_principal_amount) == ("active", TODAY, Decimal("1000.00"))
    assert list(loan.instalments.values_list("due_date", flat=True)) == [
        TODAY.replace(month=10),
        TODAY.replace(month=11),
        TODAY.replace(month=12),
    ]
    assert sum(Instalment.objects.values_list("principal_amount", flat=True)) == Decimal("1000.00")
    event = LoanEvent.objects.get()
    assert (event.sequence, event.kind, event.outstanding_principal_amount) == (1, "drawdown", Decimal("1000.00"))
    assert JournalEntry.objects.get().reference == f"disbursement:{loan.pk}"
    assert loan.disbursed_at == NOW + timedelta(milliseconds=500)
    assert payout_times(NOW) == {"count": 1, "p50": 0.5, "p95": 0.5}
    changes = StateChange.objects.filter(subject_id=str(payout_of(loan).pk)).order_by("id")
    assert [change.new for change in changes] == ["pending", "sending", "accepted", "paid"]
    assert books_are_right()


@pytest.mark.django_db
def test_payout_times_of_nothing_are_unknown() -> None:
    assert payout_times(NOW) == {"count": 0, "p50": None, "p95": None}


# --- Time-outs and crashes --------------------------------------------------------------------------------------


def test_the_wait_between_inquiries_doubles_up_to_a_minute() -> None:
    assert [backoff(count).total_seconds() for count in range(7)] == [2, 4, 8, 16, 32, 60, 60]


def test_an_unknown_outcome_blocks_a_second_payout_and_the_limit(alice: Borrower) -> None:
    loan = alice.draw()
    bank = Script(GatewayTimeout(), GatewayTimeout(), Pending(), Paid("B1"))
    advance(bank, 0)
    assert payout_of(loan).state == PayoutState.UNKNOWN
    assert advance(bank, 1.9) == 0
    advance(bank, 2)
    assert payout_of(loan).state == PayoutState.UNKNOWN
    assert alice.used == Decimal("1000.00")
    advance(bank, 6)
    assert payout_of(loan).state == PayoutState.ACCEPTED
    advance(bank, 14)
    assert (payout_of(loan).state, payout_of(loan).bank_reference) == (PayoutState.PAID, "B1")
    assert [call for call, _ in bank.calls] == ["send", "inquire", "inquire", "inquire"]


def test_an_order_the_bank_never_saw_is_sent_again_under_the_same_reference(alice: Borrower) -> None:
    loan = alice.draw()
    bank = Script(GatewayTimeout(), NotFound(), NotFound(), Accepted())
    advance(bank, 0)
    advance(bank, 2)
    assert payout_of(loan).state == PayoutState.UNKNOWN
    advance(bank, 6)
    assert payout_of(loan).state == PayoutState.ACCEPTED
    assert [call for call, _ in bank.calls] == ["send", "inquire", "inquire", "send"]
    assert len({reference for _, reference in bank.calls}) == 1
    assert payout_of(loan).attempt_count == 2


def test_an_accepted_order_the_bank_then_denies_is_asked_for_before_it_is_sent_again(alice: Borrower) -> None:
    loan = alice.draw()
    bank = Script(Accepted(), NotFound(), NotFound(), Refused("closed"))
    for seconds in (0, 3, 7):
        advance(bank, seconds)
    assert [call for call, _ in bank.calls] == ["send", "inquire", "inquire", "send"]
    assert payout_of(loan).state == PayoutState.REFUSED
    assert alice.used == Decimal("0.00")


class Killed(BaseException):
    """The process died here."""


def test_a_crash_between_intent_and_answer_asks_first(alice: Borrower) -> None:
    loan = alice.draw()
    with pytest.raises(Killed):
        payouts_advance(at=NOW, as_of=TODAY, gateway=_KilledBank())
    assert payout_of(loan).state == PayoutState.SENDING
    bank = Script(Paid("B1"))
    assert payouts_advance(at=NOW + LEASE - SECOND, as_of=TODAY, gateway=bank) == 0
    assert payouts_advance(at=NOW + LEASE, as_of=TODAY, gateway=bank) == 1
    assert bank.calls == [("inquire", payout_of(loan).reference)]
    assert Loan.objects.get(pk=loan.pk).state == LoanState.ACTIVE


class _KilledBank(Script):
    def send(self, order: PayoutOrder, *, at: object) -> SendAnswer:
        raise Killed


def test_a_defect_at_one_order_does_not_hold_up_the_next(alice: Borrower) -> None:
    first, second = alice.draw(), borrower("bob").draw()
    bank = Script(RuntimeError("defect"), Paid("B2"))
    with pytest.raises(ExceptionGroup):
        advance(bank, 0)
    states = {payout_of(loan).state for loan in (first, second)}
    assert states == {PayoutState.SENDING, PayoutState.PAID}


# --- Call-backs -------------------------------------------------------------------------------------------------


def test_twenty_copies_of_a_report_pay_once(alice: Borrower) -> None:
    loan = alice.draw()
    advance(Script(Accepted()), 0)
    assert [report(loan) for _ in range(20)] == ["applied"] * 20
    assert [report(loan, message=f"other-{number}") for number in range(3)] == ["repeated"] * 3
    assert LoanEvent.objects.count() == JournalEntry.objects.count() == 1


def test_a_report_faster_than_the_answer_stands(alice: Borrower) -> None:
    loan = alice.draw()

    class Quick(Script):
        def send(self, order: PayoutOrder, *, at: object) -> SendAnswer:
            report(loan)
            return Accepted()

    advance(Quick(), 0)
    assert payout_of(loan).state == PayoutState.PAID
    assert payout_of(loan).next_attempt_at is None
    assert Loan.objects.get(pk=loan.pk).state == LoanState.ACTIVE


def test_a_late_report_after_the_order_went_back_to_the_queue_is_applied(alice: Borrower) -> None:
    loan = alice.draw()
    bank = Script(GatewayTimeout(), NotFound())
    advance(bank, 0)
    advance(bank, 2)
    payouts_advance(at=NOW + 6 * SECOND, as_of=TODAY, gateway=Script(NotFound()), limit=1)
    assert payout_of(loan).state == PayoutState.PENDING
    assert report(loan) == "applied"
    assert advance(Script(), 7) == 0


@pytest.mark.parametrize(("first", "second", "used"), [("paid", "refused", "1000.00"), ("refused", "paid", "0.00")])
def test_a_contradicting_report_is_recorded_and_not_applied(
    alice: Borrower, first: str, second: str, used: str
) -> None:
    loan = alice.draw()
    advance(Script(Accepted()), 0)
    assert report(loan, first) == "applied"
    assert report(loan, second, message="m2") == "contradiction"
    assert alice.used == Decimal(used)
    assert AuditEvent.objects.filter(action="payout.contradiction").count() == 1
    assert books_are_right()


def test_a_report_of_an_order_never_sent_is_not_believed(alice: Borrower) -> None:
    loan = alice.draw()
    assert report(loan) == "contradiction"
    assert payout_of(loan).state == PayoutState.PENDING


def test_an_unknown_reference_is_not_found(alice: Borrower) -> None:
    for decide, values in ((payout_confirm, {"bank_reference": "B"}), (payout_refuse, {"code": "c"})):
        with pytest.raises(ObjectNotFound):
            decide(reference="WLD-none", at=NOW, as_of=TODAY, actor=BANK, **values)


def test_a_refused_loan_frees_the_limit_once(alice: Borrower) -> None:
    loan = alice.draw()
    advance(Script(Refused("card_refused")), 0)
    assert report(loan, "refused") == "repeated"
    assert alice.used == Decimal("0.00")
    assert payout_of(loan).refusal_code == "card_refused"
    assert not JournalEntry.objects.exists()
    turn(NOW + 60 * SECOND)
    assert not SandboxPayment.objects.exists()
