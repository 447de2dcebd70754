"""R52: vouchers are asked for as the terms say, sent for an own open loan, and looked at once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Notification, StaffUser, StoredImage
from accounts.services.change_request import change_approve
from loans.errors import LoanNotOpen, PurposeForbidden, PurposeUnknown, VoucherLimit, VoucherMissing
from loans.models import ForbiddenUse, Loan, Voucher, VoucherDemand
from loans.services.forbidden_use import forbidden_use_lift_ask
from loans.services.voucher import Spending, voucher_submit
from loans.services.voucher_review import (
    voucher_accept,
    voucher_claim_next,
    voucher_forbid,
    voucher_reject,
    voucher_release,
)
from risk.errors import EvidenceIncomplete, ReasonRequired, ReviewClaimed
from risk.models import Alert, PolicyState, ProductTerms, Screening, ScreeningPolicy
from risk.services.policy import content_check, policy_activate
from tests.loans.builders import NOW, TODAY, Borrower, borrower
from tests.loans.life import active_loan, day, repay
from tests.loans.vouchers import EDGE, asked_loan, reviewer, submit
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid, FourEyesRequired, ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent, StateChange
from weilidai.lib.uploads import UploadRejected

pytestmark = [pytest.mark.django_db, pytest.mark.req("R52")]
D = Decimal


@pytest.fixture
def loan(alice: Borrower) -> Loan:
    return asked_loan(alice)


@pytest.fixture
def oscar(db: None) -> StaffUser:
    return reviewer()


def told(kind: str) -> int:
    return Notification.objects.filter(kind=kind).count()


# --- Asking -------------------------------------------------------------------------------------------------------


def test_the_payout_asks_for_vouchers_as_the_terms_of_the_loan_say(loan: Loan):
    demand = VoucherDemand.objects.get(loan=loan)
    assert (demand.state, demand.asked_amount, demand.due_date) == ("asked", D("4800.00"), day(30))
    assert demand.next_reminder_date == day(15)
    notice = Notification.objects.get(kind="voucher_asked")
    assert notice.params == {"amount": "4800.00", "until": "2026-10-15"}
    assert AuditEvent.objects.filter(action="voucher.ask").count() == 1


@pytest.mark.parametrize(
    ("amount", "purpose", "asked"),
    [("5000.00", "education", 1), ("4999.99", "education", 0), ("6000.00", "daily", 0)],
)
def test_amount_and_purpose_decide(alice: Borrower, amount: str, purpose: str, asked: int):
    active_loan(alice, amount, purpose=purpose)
    assert VoucherDemand.objects.count() == asked


def test_terms_that_name_no_purpose_ask_for_nothing(alice: Borrower):
    ProductTerms.objects.update(voucher_purposes=[])
    asked_loan(alice)
    assert not VoucherDemand.objects.exists()


def test_a_slip_of_the_pen_in_a_purpose_is_told_by_its_code(alice: Borrower):
    row = ProductTerms.objects.get()
    row.voucher_purposes = ["education", "eductaion", "Travel"]
    with pytest.raises(FieldInvalid) as refusal:
        content_check(row)
    (fault,) = refusal.value.field_errors
    assert (fault["field"], fault["code"]) == ("voucher_purposes", "unknown")
    assert "eductaion, Travel" in str(fault["detail"])


@pytest.mark.dealt
@pytest.mark.parametrize(
    ("field", "value", "good"),
    [
        ("voucher_purposes", ["education"], True),
        ("voucher_purposes", "education", False),
        ("voucher_purposes", [1], False),
        ("voucher_purposes", ["eductaion"], False),
        ("voucher_purposes", ["education", "Travel"], False),
        ("voucher_purposes", ["education", "travel"], True),
        ("voucher_reminder_days", [], True),
        ("voucher_reminder_days", [30], True),
        ("voucher_reminder_days", [31], False),
        ("voucher_reminder_days", [0], False),
        ("voucher_reminder_days", [9, 3], False),
        ("voucher_reminder_days", ["9"], False),
        ("voucher_share_min", D("1.000000"), True),
        ("voucher_share_min", D("0"), False),
        ("voucher_waiting_max", 0, False),
    ],
)
def test_terms_with_senseless_figures_do_not_come_into_force(alice: Borrower, field: str, value: object, good: bool):
    terms = ProductTerms.objects.get()
    tier = terms.tiers.get()
    draft = ProductTerms.objects.get(pk=terms.pk)
    draft.pk, draft.version, draft.state, draft.valid_from = None, 2, PolicyState.DRAFT, day(1)
    draft._state.adding = True
    draft.drafted_by = reviewer("drafter")
    setattr(draft, field, value)
    draft.save()
    tier.pk, tier.terms = None, draft
    tier._state.adding = True
    tier.save()
    if good:
        assert policy_activate(policy=draft, user=reviewer(), as_of=TODAY, at=NOW).state == PolicyState.ACTIVE
    else:
        with pytest.raises(FieldInvalid):
            policy_activate(policy=draft, user=reviewer(), as_of=TODAY, at=NOW)


# --- Sending ------------------------------------------------------------------------------------------------------


def test_a_voucher_is_kept_with_what_the_customer_says(alice: Borrower, loan: Loan):
    voucher = submit(alice, loan, note="desk and chairs")
    assert (voucher.state, voucher.image.purpose, voucher.note) == ("submitted", "voucher", "desk and chairs")
    changes = StateChange.objects.filter(subject_id=str(voucher.pk)).values_list("old", "new")
    assert list(changes) == [("", "submitted")]
    assert AuditEvent.objects.filter(action="voucher.submit").count() == 1
    assert told("voucher_received") == 1


def without_picture(alice: Borrower, loan: Loan) -> None:
    voucher_submit(
        loan_id=loan.pk, customer=alice.customer, image=None, actor=Actor.of(alice.customer),
        spending=Spending("invoice", D("1.00"), "shop", TODAY), **EDGE,
    )  # fmt: skip


def test_only_for_an_own_open_loan_with_a_good_picture(alice: Borrower, loan: Loan):
    with pytest.raises(ObjectNotFound):
        submit(borrower("bob"), loan)
    with pytest.raises(UploadRejected):
        submit(alice, loan, image=b"%PDF-1.7")
    with pytest.raises(EvidenceIncomplete):
        without_picture(alice, loan)
    with pytest.raises(FieldInvalid):
        submit(alice, loan, spent_date=day(1))
    assert not StoredImage.objects.exists()
    waiting = alice.draw("500.00")
    with pytest.raises(LoanNotOpen):
        submit(alice, waiting)
    repay(alice, loan, "6000.00", TODAY)
    with pytest.raises(LoanNotOpen):
        submit(alice, loan)


def test_so_many_wait_for_review_and_no_more(alice: Borrower, loan: Loan, oscar: StaffUser):
    ProductTerms.objects.update(voucher_waiting_max=2)
    first = submit(alice, loan)
    submit(alice, loan, seed=2)
    with pytest.raises(VoucherLimit):
        submit(alice, loan, seed=3)
    voucher_reject(voucher_id=first.pk, reason="cannot be read", user=oscar, **EDGE)
    assert submit(alice, loan, seed=3).state == "submitted"


# --- Review -------------------------------------------------------------------------------------------------------


def test_accepted_vouchers_add_up_until_enough_is_proved(alice: Borrower, loan: Loan, oscar: StaffUser):
    first, second = submit(alice, loan, amount=D("4799.99")), submit(alice, loan, seed=2, amount=D("0.01"))
    voucher_accept(voucher_id=first.pk, reason="seen", user=oscar, **EDGE)
    demand = VoucherDemand.objects.get()
    assert (demand.state, demand.accepted_amount) == ("asked", D("4799.99"))
    assert Notification.objects.get(kind="voucher_accepted_in_part").params["rest"] == "0.01"
    voucher_accept(voucher_id=second.pk, reason="seen", user=oscar, **EDGE)
    demand = VoucherDemand.objects.get()
    assert (demand.state, demand.accepted_amount, demand.next_reminder_date) == ("fulfilled", D("4800.00"), None)
    assert told("voucher_accepted") == 1
    assert AuditEvent.objects.filter(action="voucher.accept", reason="seen").count() == 2
    assert set(StateChange.objects.filter(subject_id=str(demand.pk)).values_list("old", "new")) == {
        ("", "asked"), ("asked", "fulfilled"),
    }  # fmt: skip


def test_a_rejected_one_tells_why_and_another_may_follow(alice: Borrower, loan: Loan, oscar: StaffUser):
    voucher = submit(alice, loan)
    voucher_reject(voucher_id=voucher.pk, reason="not your name", user=oscar, **EDGE)
    assert Voucher.objects.get(pk=voucher.pk).answer == "not your name"
    assert Notification.objects.get(kind="voucher_rejected").params["answer"] == "not your name"
    assert VoucherDemand.objects.get().accepted_amount == 0
    assert submit(alice, loan, seed=2).state == "submitted"


def test_a_review_needs_a_reason_and_happens_once(alice: Borrower, loan: Loan, oscar: StaffUser):
    voucher = submit(alice, loan)
    acts = (voucher_accept, voucher_reject)
    for act in acts:
        with pytest.raises(ReasonRequired):
            act(voucher_id=voucher.pk, reason=" ", user=oscar, **EDGE)
    voucher_accept(voucher_id=voucher.pk, reason="seen", user=oscar, **EDGE)
    for act in acts:
        with pytest.raises(TransitionRefused):
            act(voucher_id=voucher.pk, reason="again", user=oscar, **EDGE)
    with pytest.raises(TransitionRefused):
        voucher_forbid(voucher_id=voucher.pk, use="gambling", reason="again", user=oscar, **EDGE)
    assert Voucher.objects.get().answer == "seen"
    assert not ForbiddenUse.objects.exists()


def test_the_queue_gives_everybody_another_one_and_keeps_it_for_a_while(alice: Borrower, loan: Loan, oscar: StaffUser):
    first, second = submit(alice, loan), submit(alice, loan, seed=2)
    ann = reviewer("ann")
    assert voucher_claim_next(user=oscar, **EDGE) == first
    assert voucher_claim_next(user=oscar, **EDGE) == first
    assert voucher_claim_next(user=ann, **EDGE) == second
    with pytest.raises(ReviewClaimed):
        voucher_accept(voucher_id=first.pk, reason="seen", user=ann, **EDGE)
    assert voucher_claim_next(user=reviewer("eve"), **EDGE) is None
    voucher_release(voucher_id=second.pk, user=ann)
    assert voucher_claim_next(user=reviewer("eva"), **EDGE) == second
    late = {"as_of": TODAY, "at": NOW + timedelta(hours=2)}
    assert voucher_accept(voucher_id=first.pk, reason="seen", user=ann, **late).state == "accepted"


# --- Forbidden use ------------------------------------------------------------------------------------------------


def found(alice: Borrower, loan: Loan, user: StaffUser, use: str = "securities") -> ForbiddenUse:
    voucher = submit(alice, loan)
    return voucher_forbid(voucher_id=voucher.pk, use=use, reason="a broker's receipt", user=user, **EDGE)


def test_a_forbidden_use_is_on_the_record_alerted_and_told(alice: Borrower, loan: Loan, oscar: StaffUser):
    misuse = found(alice, loan, oscar)
    assert (misuse.state, misuse.use, Voucher.objects.get().state) == ("standing", "securities", "forbidden")
    assert VoucherDemand.objects.get().state == "forbidden"
    alert = Alert.objects.get(rule="forbidden_use")
    assert (alert.customer, alert.evidence["use"], alert.evidence["loan"]) == (
        alice.customer, "securities", str(loan.pk),
    )  # fmt: skip
    assert Notification.objects.get(kind="use_forbidden").params["answer"] == "a broker's receipt"
    assert AuditEvent.objects.filter(action="forbidden_use.find").count() == 1


def test_a_use_that_is_not_forbidden_cannot_be_found(alice: Borrower, loan: Loan, oscar: StaffUser):
    voucher = submit(alice, loan)
    for use in ("travel", "", "yacht"):
        with pytest.raises(PurposeUnknown):
            voucher_forbid(voucher_id=voucher.pk, use=use, reason="no", user=oscar, **EDGE)
    assert Voucher.objects.get().state == "submitted"


def test_later_loans_are_refused_until_two_persons_lift_it(alice: Borrower, loan: Loan, oscar: StaffUser):
    misuse = found(alice, loan, oscar)
    with pytest.raises(PurposeForbidden):
        alice.draw("500.00")
    result = Screening.objects.filter(event="loan").latest("pk").result
    assert result["verdict"] == "block"
    ask = forbidden_use_lift_ask(misuse_id=misuse.pk, reason="it was a gift", user=oscar, **EDGE)
    with pytest.raises(FourEyesRequired):
        change_approve(request_id=ask.pk, user=oscar, **EDGE)
    with pytest.raises(PurposeForbidden):
        alice.draw("500.00")
    change_approve(request_id=ask.pk, user=reviewer("sue"), **EDGE)
    misuse = ForbiddenUse.objects.get()
    assert (misuse.state, misuse.lift_reason) == ("lifted", "it was a gift")
    assert told("use_lifted") == 1
    assert alice.draw("500.00").state == "disbursing"
    with pytest.raises(TransitionRefused):
        forbidden_use_lift_ask(misuse_id=misuse.pk, reason="again", user=oscar, **EDGE)


def test_loans_are_refused_also_where_the_layer_only_watches(alice: Borrower, loan: Loan, oscar: StaffUser):
    policy = ScreeningPolicy.objects.get()
    for layer in policy.definition["layers"]:
        layer["mode"] = "shadow"
    policy.pk, policy.version = None, 2
    policy._state.adding = True
    policy.save()
    found(alice, loan, oscar)
    with pytest.raises(PurposeForbidden):
        alice.draw("500.00")
    assert Screening.objects.filter(event="loan").latest("pk").result["verdict"] == "pass"


def test_another_customer_is_not_touched(alice: Borrower, loan: Loan, oscar: StaffUser):
    found(alice, loan, oscar)
    assert borrower("bob").draw("500.00").state == "disbursing"


# --- None came ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("consequence", "refused"), [("refuse", True), ("alert", False), ("nothing", False)])
def test_terms_say_whether_missing_vouchers_refuse_loans(alice: Borrower, consequence: str, refused: bool):
    ProductTerms.objects.update(voucher_consequence=consequence)
    loan = asked_loan(alice)
    VoucherDemand.objects.update(state="missing")
    if not refused:
        assert alice.draw("500.00").state == "disbursing"
        return
    with pytest.raises(VoucherMissing):
        alice.draw("500.00")
    voucher_accept(voucher_id=submit(alice, loan).pk, reason="seen", user=reviewer(), **EDGE)
    assert VoucherDemand.objects.get().state == "fulfilled"
    assert alice.draw("500.00").state == "disbursing"
