"""The customer's own word on a new schedule: offered by two persons, confirmed or refused by himself (R54, R59)."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django_fsm import TransitionNotAllowed

from accounts.errors import DeviceNotVerified
from accounts.models import Device, Notification
from loans.errors import DisclosureChanged, DisclosureNotRead, OfferNotOpen, OfferOutdated, OfferStands
from loans.models import (
    Approval,
    CostDisclosure,
    Loan,
    OfferState,
    Rearrangement,
    RearrangementOffer,
)
from loans.selectors.loan import loan_forms
from loans.services.approval import approval_approve, approval_reject, approval_request
from loans.services.correction import loan_write_off
from loans.services.period import period_close
from loans.services.rearrangement_answer import offers_close
from risk.models import Alert, FreezeReason, ProductTerms
from risk.services.credit_line import credit_line_freeze, credit_line_unfreeze
from tests.loans.builders import NOW, TODAY, Borrower, borrower
from tests.loans.life import active_loan, close_through, day, faults, repay
from tests.loans.offers import asked_in_app, confirm, fresh, moment, offered, person, refuse, shown
from tests.loans.relief import act_on, payload, terms_of
from tests.loans.strategies import figures_since
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid, ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent, StateChange

pytestmark = pytest.mark.req("R54", "R59")


def states(offer: RearrangementOffer) -> tuple[str, str]:
    row = fresh(offer)
    return str(row.state), str(row.approval.state)


def told(kind: str) -> int:
    return Notification.objects.filter(kind=kind).count()


def test_two_persons_offer_and_the_customer_confirms(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    offer = offered(loan, day(2))
    assert states(offer) == ("open", "offered")
    assert (offer.expires_date, offer.customer, told("rearrangement_offered")) == (day(16), alice.customer, 1)
    assert not Rearrangement.objects.exists()
    assert faults() == []
    form = shown(alice, offer, day(3))
    done = confirm(alice, offer, day(3), form=form.pk)
    assert states(done) == ("confirmed", "approved")
    found = Rearrangement.objects.get()
    # The form the customer saw is the form of the plan, none beside it.
    assert (found.disclosure, found.effective_date, found.consent) == (form, day(3), "app")
    assert (found.consent_reference, done.approval.applied_to) == (str(offer.pk), f"loans.rearrangement:{found.pk}")
    assert loan_forms(Loan.objects.get(pk=loan.pk))[0].confirmed_at == moment(day(3))
    assert (told("loan_rearranged"), told("rearrangement_confirmed")) == (1, 0)
    assert faults() == []


def test_the_form_says_what_the_plan_then_is(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    offer = offered(loan, day(2), daily_rate=Decimal("0.0002"))
    form = shown(alice, offer, day(3))
    confirm(alice, offer, day(3), form=form.pk)
    rows = [(str(row.principal_amount), str(row.interest_amount)) for row in loan.instalments.filter(version=1)]
    assert [(row["principal"], row["interest"]) for row in form.content["schedule"]] == rows
    assert form.content["brought_forward"]["interest"] == "1.20"
    assert form.content["consent"] == {"kind": "app", "reference": str(offer.pk)}


def test_each_step_has_its_trail(alice: Borrower) -> None:
    offer = offered(active_loan(alice, days=20), day(2))
    confirm(alice, offer, day(3))
    trail = AuditEvent.objects.filter(subject_type="loans.rearrangementoffer").order_by("pk")
    assert [(row.action, row.actor_kind) for row in trail] == [("offer.make", "staff"), ("offer.confirm", "customer")]
    acts = AuditEvent.objects.filter(subject_type="loans.approval").order_by("pk")
    assert [row.action for row in acts] == ["approval.request", "approval.propose", "approval.accept"]
    changes = StateChange.objects.filter(subject_type="loans.rearrangementoffer").order_by("pk")
    assert [(row.old, row.new) for row in changes] == [("", "open"), ("open", "confirmed")]


def test_a_refusal_changes_nothing_and_tells_staff(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    before = Loan.objects.filter(pk=loan.pk).values().get()
    offer = offered(loan, day(2))
    refuse(alice, offer, day(3), " found work ")
    assert states(offer) == ("refused", "declined")
    assert Loan.objects.filter(pk=loan.pk).values().get() == before
    alert = Alert.objects.get()
    assert (alert.rule, alert.evidence["reason"], alert.customer) == ("relief_declined", "found work", alice.customer)
    assert told("rearrangement_refused") == 1
    with pytest.raises(OfferNotOpen):
        confirm(alice, offer, day(3))
    assert faults() == []


@pytest.mark.parametrize(("number", "open_still"), [(16, True), (17, False)])
def test_an_offer_can_be_answered_for_fourteen_days(alice: Borrower, number: int, open_still: bool) -> None:
    offer = offered(active_loan(alice, days=40), day(2))
    form = shown(alice, offer, day(16))
    if not open_still:
        # Also before the night has ended it.
        for answer in (lambda: confirm(alice, offer, day(17), form=form.pk), lambda: refuse(alice, offer, day(17))):
            with pytest.raises(OfferNotOpen):
                answer()
    assert offers_close(as_of=day(number), at=moment(day(number)))["unanswered"] == int(not open_still)
    assert offers_close(as_of=day(number), at=moment(day(number))) == {"unanswered": 0, "outdated": 0}
    assert states(offer) == (("open", "offered") if open_still else ("expired", "expired"))
    assert (
        Alert.objects.filter(rule="relief_unanswered").count() == told("rearrangement_expired") == int(not open_still)
    )
    assert not Rearrangement.objects.exists()
    assert faults() == []


def test_the_days_to_answer_are_a_figure_of_the_day_and_end_before_the_first_due_date(alice: Borrower) -> None:
    figures_since(day(3), offer_days=5)
    loan, other = active_loan(alice, days=20), active_loan(alice, days=20)
    assert offered(loan, day(2)).expires_date == day(16)
    assert offered(other, day(3)).expires_date == day(8)
    soon = offered(active_loan(alice, days=2), day(3), first_due_date=day(6))
    assert soon.expires_date == day(5)


def test_the_night_ends_what_was_not_answered(alice: Borrower) -> None:
    offer = offered(active_loan(alice, days=40), day(0), first_due_date=day(50), daily_rate=Decimal(0))
    figures_since(TODAY, offer_days=1)
    RearrangementOffer.objects.update(expires_date=day(1))
    close_through(day(0))
    assert states(offer) == ("open", "offered")
    close_through(day(1))
    assert states(offer) == ("expired", "expired")


def test_confirmed_for_a_day_to_come_it_waits_and_begins_by_itself(alice: Borrower) -> None:
    offer = offered(active_loan(alice, days=20), day(0), begins_date=day(10))
    form = shown(alice, offer, day(1))
    assert form.content["start_date"] == day(10).isoformat()
    confirm(alice, offer, day(1), form=form.pk)
    assert states(offer) == ("confirmed", "agreed")
    assert told("rearrangement_confirmed") == 1
    assert not Rearrangement.objects.exists()
    assert faults() == []
    close_through(day(9))
    found = Rearrangement.objects.get()
    assert (found.effective_date, found.disclosure) == (day(10), form)
    assert states(offer) == ("confirmed", "approved")
    assert faults() == []


def test_paid_between_the_word_and_the_day_it_begins_with_a_form_of_that_day(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    offer = offered(loan, day(0), begins_date=day(10))
    confirm(alice, offer, day(1))
    repay(alice, loan, "200.00", day(4))
    close_through(day(9))
    found = Rearrangement.objects.get()
    assert found.principal_amount == Decimal("801.60")
    assert (found.consent_reference, found.disclosure == fresh(offer).disclosure) == (str(offer.pk), False)
    assert found.disclosure.content["principal"] == "801.60"
    assert faults() == []


def test_confirmed_after_the_day_it_was_to_begin_it_holds_at_once(alice: Borrower) -> None:
    offer = offered(active_loan(alice, days=20), day(0), begins_date=day(2))
    confirm(alice, offer, day(3))
    assert Rearrangement.objects.get().effective_date == day(3)


def test_what_was_confirmed_and_cannot_begin_is_told_to_both(alice: Borrower) -> None:
    loan = active_loan(alice, days=20)
    offer = offered(loan, day(0), begins_date=day(5))
    confirm(alice, offer, day(0))
    repay(alice, loan, "1000.40", day(1))
    close_through(day(4))
    assert states(offer) == ("outdated", "failed")
    assert (Alert.objects.get().rule, told("rearrangement_outdated")) == ("relief_failed", 1)
    assert faults() == []


def _settle(alice: Borrower, loan: Loan) -> None:
    repay(alice, loan, "1001.20", day(3))


def _freeze(alice: Borrower, loan: Loan) -> None:
    credit_line_freeze(
        line_id=alice.line.pk, reason=FreezeReason.STAFF, actor=Actor.system("test"), as_of=day(3),
        at=moment(day(3)), note="looks odd",
    )  # fmt: skip


def _close_month(alice: Borrower, loan: Loan) -> None:
    close_through(day(15))
    period_close(first_day=TODAY.replace(day=1), user=person("fang"), reason="month over", at=moment(day(16)))


CHANGES: list[tuple[Callable[[Borrower, Loan], Any], int, str]] = [
    (lambda alice, loan: repay(alice, loan, "0.01", day(3)), 3, "loan_changed"),
    (_settle, 3, "loan_not_open"),
    (lambda alice, loan: loan_write_off(loan_id=loan.pk, act=act_on(day(3))), 3, "loan_not_open"),
    (_freeze, 3, "credit_line_frozen"),
    (_close_month, 16, "period_closed"),
]


@pytest.mark.parametrize(("change", "number", "because"), CHANGES, ids=["paid", "settled", "lost", "frozen", "month"])
def test_a_loan_that_changed_needs_another_offer(
    alice: Borrower, change: Callable[[Borrower, Loan], Any], number: int, because: str
) -> None:
    loan = active_loan(alice, days=30)
    offer = offered(loan, day(2))
    form = shown(alice, offer, day(2))
    change(alice, loan)
    with pytest.raises(OfferOutdated) as refusal:
        shown(alice, offer, day(number))
    assert refusal.value.extra["reason"] == because
    if because == "period_closed":
        # The night before the month was closed left it as it was.
        assert states(offer) == ("open", "offered")
    with pytest.raises(OfferOutdated) as refusal:
        confirm(alice, offer, day(number), form=form.pk)
    assert (refusal.value.extra["reason"], refusal.value.code) == (because, "rearrangement_offer_outdated")
    assert states(offer) == ("outdated", "failed")
    row = fresh(offer)
    assert (row.ended_because, row.approval.applied_to) == (because, because)
    assert Alert.objects.filter(rule="relief_outdated").count() == told("rearrangement_outdated") == 1
    assert not Rearrangement.objects.exists()
    assert faults() == []


def test_after_an_outdated_offer_another_is_made(alice: Borrower) -> None:
    loan = active_loan(alice, days=30)
    first = offered(loan, day(2))
    repay(alice, loan, "100.00", day(3))
    assert offers_close(as_of=day(4), at=moment(day(4))) == {"unanswered": 0, "outdated": 1}
    assert states(first) == ("outdated", "failed")
    confirm(alice, offered(loan, day(4)), day(4))
    assert Rearrangement.objects.get().principal_amount == Decimal("901.20")
    assert faults() == []


def test_a_freeze_from_before_the_offer_is_no_change(alice: Borrower) -> None:
    loan = active_loan(alice, days=30)
    credit_line_freeze(
        line_id=alice.line.pk, reason=FreezeReason.STAFF, actor=Actor.system("test"), as_of=day(1), at=moment(day(1)),
        note="looks odd",
    )  # fmt: skip
    offer = offered(loan, day(2))
    assert offers_close(as_of=day(3), at=moment(day(3)))["outdated"] == 0
    confirm(alice, offer, day(3))
    assert states(offer) == ("confirmed", "approved")


def test_a_loan_waits_for_one_answer_at_a_time(alice: Borrower) -> None:
    loan = active_loan(alice, days=30)
    first = offered(loan, day(2))
    asked = asked_in_app(loan, day(3), periods=12)
    with pytest.raises(OfferStands):
        approval_approve(approval_id=asked.pk, user=person("gu"), as_of=day(3), at=moment(day(3)))
    assert Approval.objects.get(pk=asked.pk).state == "open"
    approval_reject(
        approval_id=first.approval_id, user=person("gu"), as_of=day(3), at=moment(day(3)), note="better one"
    )
    assert states(first) == ("withdrawn", "rejected")
    assert told("rearrangement_withdrawn") == 1
    approval_approve(approval_id=asked.pk, user=person("gu"), as_of=day(3), at=moment(day(3)))
    assert RearrangementOffer.objects.get(state=OfferState.OPEN).approval == asked
    assert faults() == []


def test_what_the_customer_confirmed_can_be_taken_back_until_it_begins(alice: Borrower) -> None:
    offer = offered(active_loan(alice, days=30), day(2), begins_date=day(9))
    confirm(alice, offer, day(3))
    approval_reject(approval_id=offer.approval_id, user=person("gu"), as_of=day(4), at=moment(day(4)), note="fraud")
    assert states(offer) == ("withdrawn", "rejected")
    close_through(day(10))
    assert not Rearrangement.objects.exists()
    assert faults() == []
    begun = offered(Loan.objects.get(), day(11))
    confirm(alice, begun, day(11))
    with pytest.raises(TransitionRefused):
        approval_reject(approval_id=begun.approval_id, user=person("gu"), as_of=day(12), at=NOW, note="late")
    assert states(begun) == ("confirmed", "approved")


def test_only_the_form_of_today_and_of_this_offer_is_confirmed(alice: Borrower) -> None:
    offer = offered(active_loan(alice, days=30), day(2))
    other = offered(active_loan(alice, days=30), day(2))
    yesterday, theirs = shown(alice, offer, day(2)), shown(alice, other, day(3))
    for wrong in (yesterday.pk, theirs.pk, offer.pk):
        with pytest.raises(DisclosureChanged):
            confirm(alice, offer, day(3), form=wrong)
    assert states(offer) == ("open", "offered")
    assert shown(alice, offer, day(3)) == shown(alice, offer, day(3))
    confirm(alice, offer, day(3))
    assert CostDisclosure.objects.filter(confirmed_at__isnull=False, offer=offer).count() == 1


@pytest.mark.parametrize(("seconds", "taken"), [(9, False), (10, True)])
def test_the_form_is_shown_for_the_minimum_reading_time(alice: Borrower, seconds: int, taken: bool) -> None:
    ProductTerms.objects.update(disclosure_reading_seconds=10)
    loan = active_loan_read(alice)
    offer = offered(loan, day(2))
    form, after = shown(alice, offer, day(3)), timedelta(seconds=seconds)
    if taken:
        assert confirm(alice, offer, day(3), form=form.pk, after=after).state == OfferState.CONFIRMED
        return
    with pytest.raises(DisclosureNotRead):
        confirm(alice, offer, day(3), form=form.pk, after=after)
    assert states(offer) == ("open", "offered")


def active_loan_read(alice: Borrower) -> Loan:
    """Drawn before the product wanted its forms to be read."""
    ProductTerms.objects.update(disclosure_reading_seconds=0)
    loan = active_loan(alice, days=30)
    ProductTerms.objects.update(disclosure_reading_seconds=10)
    return loan


def test_nobody_else_sees_or_answers_it_and_no_strange_device(alice: Borrower) -> None:
    offer, bob = offered(active_loan(alice, days=30), day(2)), borrower("bob")
    form = shown(alice, offer, day(2))
    for answer in (lambda: shown(bob, offer, day(2)), lambda: confirm(bob, offer, day(2), form=form.pk),
                   lambda: refuse(bob, offer, day(2))):  # fmt: skip
        with pytest.raises(ObjectNotFound):
            answer()
    alice.device.verified_at = None
    with pytest.raises(DeviceNotVerified):
        confirm(alice, offer, day(2), form=form.pk)
    assert states(offer) == ("open", "offered")
    assert Device.objects.filter(customer=alice.customer).exists()


@pytest.mark.parametrize("reason", ["", "  "])
def test_staff_who_record_the_consent_say_why(alice: Borrower, reason: str) -> None:
    loan = active_loan(alice, days=30)
    values = {**payload(terms_of(day(2))), "consent_reason": reason}
    with pytest.raises(FieldInvalid) as refusal:
        approval_request(
            kind="rearrange", customer=alice.customer, loan=loan, payload=values, reason="lost the job",
            user=person("fang"), as_of=day(2), at=moment(day(2)),
        )  # fmt: skip
    assert refusal.value.field_errors[0]["field"] == "consent_reason"
    assert not Approval.objects.exists()


STEPS = {
    "confirm": ({"open"}, "confirmed"),
    "refuse": ({"open"}, "refused"),
    "expire": ({"open"}, "expired"),
    "lapse": ({"open", "confirmed"}, "outdated"),
    "withdraw": ({"open", "confirmed"}, "withdrawn"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", OfferState.values)
def test_every_state_and_step(step: str, state: str) -> None:
    sources, target = STEPS[step]
    offer = RearrangementOffer(state=state)
    if state in sources:
        getattr(offer, step)()
        assert offer.state == target
    else:
        with pytest.raises(TransitionNotAllowed):
            getattr(offer, step)()


def test_a_frozen_line_set_free_again_is_no_change(alice: Borrower) -> None:
    loan = active_loan(alice, days=30)
    offer = offered(loan, day(2))
    _freeze(alice, loan)
    credit_line_unfreeze(
        line_id=alice.line.pk, actor=Actor.system("test"), as_of=day(3), at=moment(day(3)), reason="ok"
    )
    confirm(alice, offer, day(3))
    assert states(offer) == ("confirmed", "approved")


@pytest.mark.parametrize(
    "values", [{"answer": "yes"}, {"ended_because": "paid"}, {"expires_date": day(17)}, {"loan_sequence": 2}]
)
def test_an_offer_that_waits_and_was_changed_by_hand_is_found(alice: Borrower, values: dict[str, Any]) -> None:
    offered(active_loan(alice, days=30), day(2))
    RearrangementOffer.objects.update(**values)
    assert [fault.check for fault in faults()] == ["offers_agree"]


def test_words_on_an_act_nobody_decided_are_found(alice: Borrower) -> None:
    asked_in_app(active_loan(alice, days=30), day(2))
    Approval.objects.update(decision_reason="a fair plan")
    assert [fault.check for fault in faults()] == ["acts_agree"]
