"""Proofs of property and vehicle: taken, looked at by a person, and what they raise (R38)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from accounts.models import Customer, ImagePurpose, StaffUser
from accounts.services.notification import notification_send
from accounts.services.stored_image import images_filed
from risk.errors import EvidenceIncomplete, ProofOpen, ReasonRequired
from risk.models import AssetProof, CreditLine, ProofState
from risk.rules.raises import ProofShares, limit_raised, proof_raise
from risk.selectors.applications import line_of
from risk.selectors.policy import raises_current
from risk.selectors.raises import proofs_in_force, raise_room
from risk.services.credit_line import credit_line_change, credit_line_lock, line_usable_check
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step
from weilidai.lib.money import ZERO
from weilidai.lib.uploads import image_clean
from weilidai.lib.uploads.errors import REASONS

# The word in a line's history; the back office shows it in the reader's language.
RAISE_REASON = "asset_proof"


def asset_proof_submit(
    *, line_id: UUID, customer: Customer, kind: str, image: bytes | None, actor: Actor, as_of: date, at: datetime
) -> AssetProof:
    """Takes a proof for an own line that is in use.

    Raises `CreditLineFrozen`, `CreditLineClosed`, `ProofOpen` (one of the kind is looked at or counts already),
    `EvidenceIncomplete`, `UploadRejected`.
    """
    # Looked at before the picture is: unpacking it costs far more than this question.
    _proof_check(line_of(customer, line_id), kind, as_of)
    if image is None:
        raise EvidenceIncomplete(field_errors=[{"field": "image", "code": "required", "detail": REASONS["not_a_file"]}])
    clean = {"image": image_clean(image, field="image")}
    with (
        images_filed(customer=customer, purpose=ImagePurpose.ASSET_PROOF, images=clean, at=at) as stored,
        transaction.atomic(),
    ):
        line = credit_line_lock(line_id, customer=customer)
        _proof_check(line, kind, as_of)
        stored["image"].save()
        proof = AssetProof.objects.create(
            customer=customer, credit_line=line, kind=kind, image=stored["image"], received_at=at, received_date=as_of
        )
        state_change_record(subject=proof, old="", new=proof.state, actor=actor, as_of=as_of, at=at)
        audit_record(action="asset_proof.submit", actor=actor, subject=proof, at=at, as_of=as_of, after={"kind": kind})
        _notice(proof, "proof_received", as_of)
    return proof


def _proof_check(line: CreditLine, kind: str, as_of: date) -> None:
    line_usable_check(line)
    is_open = AssetProof.objects.filter(credit_line=line, kind=kind, state=ProofState.SUBMITTED).exists()
    if is_open or kind in proofs_in_force(line, as_of):
        raise ProofOpen


def _proof_lock(proof_id: UUID) -> AssetProof:
    """Line and proof under lock, in this order. Raises `ObjectNotFound`."""
    line_id = AssetProof.objects.filter(pk=proof_id).values_list("credit_line_id", flat=True).first()
    if line_id is None:
        raise ObjectNotFound
    line = credit_line_lock(line_id)
    proof = AssetProof.objects.select_for_update(no_key=True).get(pk=proof_id)
    proof.credit_line = line
    return proof


@transaction.atomic
def asset_proof_accept(*, proof_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> AssetProof:
    """The proof counts from now on and raises the limit inside every bound, perhaps by nothing.

    Raises `ReasonRequired`, `TransitionRefused`, `CreditLineFrozen` (the freeze is settled first), `CreditLineClosed`.
    """
    proof = _reviewed(proof_id, reason, user, at)
    line_usable_check(proof.credit_line)
    policy = raises_current(as_of)
    proof.valid_until = as_of + timedelta(days=policy.proof_valid_days)
    actor = Actor.of(user)
    take_step(
        proof, "accept", actor=actor, as_of=as_of, at=at, reason=reason,
        update_fields=("answer", "reviewed_by", "reviewed_at", "valid_until"),
    )  # fmt: skip
    shares = ProofShares(policy.proof_property_share, policy.proof_vehicle_share, policy.proof_both_share)
    proof.raised_amount = _limit_raise(proof, shares, actor, as_of, at)
    proof.save(update_fields=["raised_amount"])
    audit_record(
        action="asset_proof.accept", actor=actor, subject=proof, at=at, as_of=as_of, reason=reason,
        after={"kind": proof.kind, "raised": str(proof.raised_amount)},
    )  # fmt: skip
    limit = CreditLine.objects.values_list("limit_amount", flat=True).get(pk=proof.credit_line_id)
    _notice(proof, "proof_accepted" if proof.raised_amount else "proof_kept", as_of, limit=str(limit))
    return proof


def _limit_raise(proof: AssetProof, shares: ProofShares, actor: Actor, as_of: date, at: datetime) -> Decimal:
    """Raises the locked line by what its proofs still owe it; returns by how much."""
    line = proof.credit_line
    room = raise_room(line, as_of)
    before = AssetProof.objects.filter(credit_line=line).aggregate(total=Sum("raised_amount"))["total"] or ZERO
    by = proof_raise(room, shares, proofs_in_force(line, as_of), before)
    limit = limit_raised(room, by)
    if limit == line.limit_amount:
        return ZERO
    credit_line_change(line_id=line.pk, limit_amount=limit, reason=RAISE_REASON, actor=actor, as_of=as_of, at=at)
    raised: Decimal = limit - line.limit_amount
    return raised


@transaction.atomic
def asset_proof_reject(*, proof_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> AssetProof:
    """The customer is told the reason and may send another. Raises `ReasonRequired`, `TransitionRefused`."""
    proof = _reviewed(proof_id, reason, user, at)
    actor = Actor.of(user)
    take_step(
        proof, "reject", actor=actor, as_of=as_of, at=at, reason=reason,
        update_fields=("answer", "reviewed_by", "reviewed_at"),
    )  # fmt: skip
    audit_record(
        action="asset_proof.reject", actor=actor, subject=proof, at=at, as_of=as_of, reason=reason,
        after={"kind": proof.kind},
    )  # fmt: skip
    _notice(proof, "proof_rejected", as_of, answer=reason)
    return proof


def _reviewed(proof_id: UUID, reason: str, user: StaffUser, at: datetime) -> AssetProof:
    if not reason.strip():
        raise ReasonRequired
    proof = _proof_lock(proof_id)
    proof.answer, proof.reviewed_by, proof.reviewed_at = reason[:500], user, at
    return proof


def _notice(proof: AssetProof, kind: str, as_of: date, **params: str) -> None:
    notification_send(
        customer=proof.customer,
        kind=kind,
        params={"product": proof.credit_line.product_id, **params},
        dedupe_key=f"{kind}:{proof.pk}",
        business_date=as_of,
    )
