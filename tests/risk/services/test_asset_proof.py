"""A certificate from its picture to the raise it is worth."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Customer, Notification, StaffUser, StoredImage
from risk.errors import CreditLineClosed, CreditLineFrozen, EvidenceIncomplete, ProofOpen, ReasonRequired
from risk.models import (
    AssetProof,
    CreditLine,
    FreezeReason,
    LimitRaisePolicy,
    LineChange,
    PolicyState,
    RegulationParameter,
)
from risk.services.asset_proof import asset_proof_accept, asset_proof_reject, asset_proof_submit
from risk.services.credit_line import credit_line_change, credit_line_close, credit_line_freeze
from risk.services.policy import policy_activate
from tests.risk.builders import AS_OF, AT, STAFF, approved_line, customer_create, staff_create
from tests.support.pictures import photo
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid, ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent, StateChange
from weilidai.lib.uploads import UploadRejected

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R38")]
D = Decimal
EDGE: dict[str, Any] = {"as_of": AS_OF, "at": AT}


@pytest.fixture
def line() -> CreditLine:
    """A line of 2 000 in the tier from 500 to 8 000."""
    opened = approved_line()
    return credit_line_change(line_id=opened.pk, limit_amount=D("2000.00"), reason="round figure", actor=STAFF, **EDGE)


def submit(line: CreditLine, kind: str = "property", image: bytes | None = None, **edge: Any) -> AssetProof:
    data = photo(1 if kind == "property" else 2) if image is None else image
    values = EDGE | {"customer": line.customer, "actor": Actor.of(line.customer)} | edge
    return asset_proof_submit(line_id=line.pk, kind=kind, image=data, **values)


def accept(proof: AssetProof, user: StaffUser | None = None, **edge: Any) -> AssetProof:
    return asset_proof_accept(proof_id=proof.pk, reason="seen", user=user or staff_create("oscar"), **(EDGE | edge))


def limit_of(line: CreditLine) -> Decimal:
    limit: Decimal = CreditLine.objects.get(pk=line.pk).limit_amount
    return limit


def test_one_proof_raises_and_the_second_raises_more(line: CreditLine) -> None:
    user = staff_create("oscar")
    first = accept(submit(line, "vehicle"), user=user)
    assert (first.state, first.raised_amount, limit_of(line)) == ("accepted", D("1100.00"), D("3100.00"))
    assert first.valid_until == AS_OF + timedelta(days=365)
    second = accept(submit(line, "property"), user=user)
    assert (second.raised_amount, limit_of(line)) == (D("3400.00"), D("6500.00"))
    change = LineChange.objects.order_by("-at", "-id").filter(reason="asset_proof")
    assert change.count() == 2
    assert AuditEvent.objects.filter(action="asset_proof.accept").count() == 2
    assert AuditEvent.objects.filter(action="credit_line.change", reason="asset_proof").count() == 2
    shown = Notification.objects.filter(kind="proof_accepted").values_list("params", flat=True)
    assert sorted(params["limit"] for params in shown) == ["3100.00", "6500.00"]


def test_the_tiers_end_is_never_passed(line: CreditLine) -> None:
    credit_line_change(line_id=line.pk, limit_amount=D("7900.00"), reason="near the end", actor=STAFF, **EDGE)
    proof = accept(submit(line))
    assert (proof.raised_amount, limit_of(line)) == (D("100.00"), D("8000.00"))


def test_without_room_the_proof_counts_and_raises_nothing(line: CreditLine) -> None:
    credit_line_change(line_id=line.pk, limit_amount=D("8000.00"), reason="the end", actor=STAFF, **EDGE)
    proof = accept(submit(line))
    assert (proof.state, proof.raised_amount, limit_of(line)) == ("accepted", D("0.00"), D("8000.00"))
    assert Notification.objects.filter(kind="proof_kept").count() == 1
    assert not LineChange.objects.filter(reason="asset_proof").exists()


@pytest.mark.req("R50")
def test_a_student_stays_at_the_student_limit(line: CreditLine) -> None:
    Customer.objects.filter(pk=line.customer_id).update(declared_student=True)
    accept(submit(line))
    assert limit_of(line) == D("2000.00")


@pytest.mark.req("R54")
def test_the_household_cap_holds_over_all_lines(line: CreditLine) -> None:
    RegulationParameter.objects.filter(name="household_credit_amount").update(value=D("2550"))
    accept(submit(line))
    assert limit_of(line) == D("2500.00")


def test_the_figures_are_policy(line: CreditLine) -> None:
    LimitRaisePolicy.objects.update(proof_property_share=D("0.10"), proof_valid_days=30)
    proof = accept(submit(line))
    assert (proof.raised_amount, proof.valid_until) == (D("700.00"), date(2026, 12, 20))


def test_a_policy_needs_two_people_and_sound_shares() -> None:
    author, other = staff_create("author"), staff_create("other")
    draft = LimitRaisePolicy.objects.create(
        version=2, valid_from=AS_OF, drafted_by=author, proof_property_share=D("0.80"), proof_both_share=D("0.06")
    )
    with pytest.raises(FieldInvalid):
        policy_activate(policy=draft, user=other, **EDGE)
    LimitRaisePolicy.objects.filter(pk=draft.pk).update(proof_both_share=D("0.05"))
    policy_activate(policy=draft, user=other, **EDGE)
    assert list(LimitRaisePolicy.objects.order_by("version").values_list("version", "state")) == [
        (1, PolicyState.RETIRED),
        (2, PolicyState.ACTIVE),
    ]


def test_one_proof_of_a_kind_at_a_time_until_it_no_longer_counts(line: CreditLine) -> None:
    user = staff_create("oscar")
    proof = submit(line)
    with pytest.raises(ProofOpen):
        submit(line, image=photo(9))
    accept(proof, user=user)
    last = AS_OF + timedelta(days=365)
    with pytest.raises(ProofOpen):
        submit(line, image=photo(9), as_of=last)
    renewed = submit(line, image=photo(9), as_of=last + timedelta(days=1))
    accept(renewed, user=user, as_of=last + timedelta(days=1))
    assert limit_of(line) == D("4200.00")
    assert AssetProof.objects.get(pk=renewed.pk).raised_amount == 0


def test_a_rejected_proof_tells_why_and_another_may_follow(line: CreditLine) -> None:
    proof = submit(line)
    asset_proof_reject(proof_id=proof.pk, reason="not your name", user=staff_create("oscar"), **EDGE)
    row = AssetProof.objects.get(pk=proof.pk)
    assert (row.state, row.answer, limit_of(line)) == ("rejected", "not your name", D("2000.00"))
    assert Notification.objects.get(kind="proof_rejected").params["answer"] == "not your name"
    assert submit(line, image=photo(9)).state == "submitted"


def test_a_review_needs_a_reason_and_happens_once(line: CreditLine) -> None:
    user, proof = staff_create("oscar"), submit(line)
    for act in (asset_proof_accept, asset_proof_reject):
        with pytest.raises(ReasonRequired):
            act(proof_id=proof.pk, reason=" ", user=user, **EDGE)
    accept(proof, user=user)
    for act in (asset_proof_accept, asset_proof_reject):
        with pytest.raises(TransitionRefused):
            act(proof_id=proof.pk, reason="again", user=user, **EDGE)
    assert limit_of(line) == D("4200.00")
    changes = StateChange.objects.filter(subject_id=str(proof.pk)).values_list("old", "new")
    assert set(changes) == {("", "submitted"), ("submitted", "accepted")}


def test_a_frozen_or_closed_line_takes_and_raises_nothing(line: CreditLine) -> None:
    proof = submit(line)
    credit_line_freeze(line_id=line.pk, reason=FreezeReason.STAFF, actor=STAFF, **EDGE)
    with pytest.raises(CreditLineFrozen):
        submit(line, "vehicle")
    with pytest.raises(CreditLineFrozen):
        accept(proof)
    credit_line_close(line_id=line.pk, reason="asked for", actor=STAFF, **EDGE)
    with pytest.raises(CreditLineClosed):
        submit(line, "vehicle")
    assert AssetProof.objects.get(pk=proof.pk).state == "submitted"


def test_a_picture_is_needed_a_good_one_and_for_ones_own_line(line: CreditLine) -> None:
    with pytest.raises(EvidenceIncomplete):
        asset_proof_submit(
            line_id=line.pk, kind="property", image=None, customer=line.customer, actor=Actor.of(line.customer), **EDGE
        )
    with pytest.raises(UploadRejected):
        submit(line, image=b"%PDF-1.7")
    with pytest.raises(ObjectNotFound):
        submit(line, customer=customer_create("bob"))
    assert not StoredImage.objects.exists()
