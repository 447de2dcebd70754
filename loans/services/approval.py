"""Acts that need two persons: one asks, another agrees, and only then it is done, once.

A new kind of act is one handler here. At the asking the act is tried and taken back, so nobody is asked to agree to
something that cannot be done.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer, StaffUser
from loans.maths.rearrangement import Agreed
from loans.models import (
    Approval,
    ApprovalKind,
    ApprovalState,
    CollectionAction,
    Loan,
    Rearrangement,
    RearrangementOffer,
)
from loans.selectors.collection_policy import collection_figures_at
from loans.services import correction
from loans.services.history import Act
from loans.services.rearrangement import Consent, loan_rearrange, rearrangement_undo
from loans.services.rearrangement_offer import offer_lapse, offer_make, offer_withdraw
from loans.services.refund import refund_request
from loans.services.unapplied import receipt_enter
from risk.errors import FourEyesRequired, ReasonRequired
from risk.models import AlertSeverity
from risk.rules.alerts import COLLECTIONS, RELIEF_FAILED
from risk.services.alert import alert_raise
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.business_date import business_date_hold
from weilidai.lib.errors import DomainError, FieldInvalid, ObjectNotFound, TransitionRefused, TryAgain
from weilidai.lib.fsm import take_step

APP = Rearrangement.Consent.APP


class ApprovalExpired(DomainError):
    code = "approval_expired"
    title = _("Nobody agreed in time; please ask anew")
    http_state = 409


class _Rehearsed(Exception):
    """Takes the tried act back."""


def _receipt(approval: Approval, act: Act) -> Any:
    values = approval.payload
    return receipt_enter(
        customer=approval.customer,
        amount=Decimal(values["amount"]),
        bank_reference=values["bank_reference"],
        payer_name=values.get("payer_name", ""),
        received_date=date.fromisoformat(values["received_date"]),
        actor=act.actor,
        as_of=act.as_of,
        at=act.at,
    )


def _late_entry(approval: Approval, act: Act) -> Any:
    values = approval.payload
    return correction.repayment_enter_late(
        loan_id=_loan_id(approval),
        amount=Decimal(values["amount"]),
        effective_date=date.fromisoformat(values["effective_date"]),
        act=act,
    )


def _apply(approval: Approval, act: Act) -> Any:
    return correction.unapplied_apply(loan_id=_loan_id(approval), amount=Decimal(approval.payload["amount"]), act=act)


def _refund(approval: Approval, act: Act) -> Any:
    return refund_request(
        customer=approval.customer,
        bank_card_id=UUID(approval.payload["bank_card"]),
        amount=Decimal(approval.payload["amount"]),
        act=act,
    )


def _reverse_repayment(approval: Approval, act: Act) -> Any:
    return correction.repayment_reverse(repayment_id=approval.payload["repayment"], act=act)


def _rearrange(approval: Approval, act: Act) -> Any:
    values, form = approval.payload, None
    consent = Consent(values["consent"], values["consent_reference"])
    if consent.kind == APP:
        offer = RearrangementOffer.objects.filter(approval=approval).select_related("disclosure").first()
        # Before there is an offer this is a rehearsal.
        consent = Consent(APP, str(offer.pk if offer else approval.pk))
        form = offer.disclosure if offer else None
    agreed = Agreed.of_texts(values)
    return loan_rearrange(loan_id=_loan_id(approval), agreed=agreed, consent=consent, act=act, form=form)


def _loan_id(approval: Approval) -> UUID:
    if approval.loan_id is None:
        raise ObjectNotFound
    found: UUID = approval.loan_id
    return found


HANDLERS: dict[str, Callable[[Approval, Act], Any]] = {
    ApprovalKind.RECEIPT: _receipt,
    ApprovalKind.APPLY: _apply,
    ApprovalKind.REFUND: _refund,
    ApprovalKind.LATE_ENTRY: _late_entry,
    ApprovalKind.REVERSE_REPAYMENT: _reverse_repayment,
    ApprovalKind.RETURN_PAYOUT: lambda approval, act: correction.payout_return(loan_id=_loan_id(approval), act=act),
    ApprovalKind.WRITE_OFF: lambda approval, act: correction.loan_write_off(loan_id=_loan_id(approval), act=act),
    ApprovalKind.REARRANGE: _rearrange,
    ApprovalKind.UNDO_REARRANGEMENT: lambda approval, act: rearrangement_undo(loan_id=_loan_id(approval), act=act),
    ApprovalKind.RESTORE: lambda approval, act: correction.write_off_reverse(loan_id=_loan_id(approval), act=act),
}


@transaction.atomic
def approval_request(
    *,
    kind: str,
    customer: Customer,
    payload: dict[str, str],
    reason: str,
    user: StaffUser,
    as_of: date,
    at: datetime,
    loan: Loan | None = None,
    begins_date: date | None = None,
    wish: CollectionAction | None = None,
) -> Approval:
    """Asks for an act; with `begins_date` for one that is done on that day.

    Raises ReasonRequired, FieldInvalid (day, wish) and whatever the act itself would raise on its day.
    """
    if not reason.strip():
        raise ReasonRequired
    _begins_check(kind, begins_date, as_of)
    _consent_check(kind, payload)
    if wish is not None and (wish.customer_id != customer.pk or wish.kind != CollectionAction.Kind.HARDSHIP):
        raise _fault("wish", _("Not a wish for relief of this customer"))
    approval = Approval.objects.create(
        kind=kind,
        customer=customer,
        loan=loan,
        payload=payload,
        reason=reason.strip(),
        requested_by=user,
        requested_at=at,
        business_date=as_of,
        expires_date=as_of + timedelta(days=collection_figures_at(as_of).approval_days),
        begins_date=None if begins_date == as_of else begins_date,
        wish=wish,
    )
    actor = Actor.of(user)
    _rehearse(approval, Act(actor, approval.begins_date or as_of, at, reason))
    state_change_record(subject=approval, old="", new=approval.state, actor=actor, as_of=as_of, at=at, reason=reason)
    audit_record(
        action="approval.request", actor=actor, subject=approval, at=at, as_of=as_of,
        after={"kind": kind, "loan": str(loan.pk) if loan else "", **payload, **_more(approval)}, reason=reason,
    )  # fmt: skip
    return approval


def _more(approval: Approval) -> dict[str, str]:
    values = {"expires_date": approval.expires_date, "begins_date": approval.begins_date, "wish": approval.wish_id}
    return {name: str(value) for name, value in values.items() if value is not None}


def _begins_check(kind: str, begins_date: date | None, as_of: date) -> None:
    if begins_date is None:
        return
    most = collection_figures_at(as_of).relief_begin_days
    if kind != ApprovalKind.REARRANGE or not as_of <= begins_date <= as_of + timedelta(days=most):
        raise _fault("begins_date", _("From today on, at most {n} days ahead").format(n=most))


def _consent_check(kind: str, payload: dict[str, str]) -> None:
    """The customer agrees himself, in the app; where staff record it instead, they say why."""
    if kind != ApprovalKind.REARRANGE or payload["consent"] == APP:
        return
    if not payload.get("consent_reason", "").strip():
        raise _fault("consent_reason", _("Why the customer does not agree in the app"))


def _fault(field: str, detail: object) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])


def _rehearse(approval: Approval, act: Act) -> None:
    try:
        with transaction.atomic():
            HANDLERS[approval.kind](approval, act)
            raise _Rehearsed
    except _Rehearsed:
        return


@transaction.atomic
def approval_approve(*, approval_id: UUID, user: StaffUser, as_of: date, at: datetime, note: str = "") -> Approval:
    """Agrees, and does it in the same transaction, or leaves it to the night before its day, or asks the customer.

    Raises FourEyesRequired for the one who asked, ApprovalExpired, TransitionRefused, OfferStands, and the act's own
    refusals.
    """
    business_date_hold(as_of)
    approval = _locked(approval_id, user)
    if approval.state != ApprovalState.OPEN:
        raise TransitionRefused(state=approval.state)
    if as_of > approval.expires_date:
        raise ApprovalExpired
    is_offer = approval.payload.get("consent") == APP
    begins = max(approval.begins_date or as_of, as_of)
    if is_offer or begins > as_of:
        _rehearse(approval, Act(Actor.of(user), begins, at, approval.reason))
        _decide(approval, "propose" if is_offer else "agree", user, as_of, at, note)
        if is_offer:
            offer_make(approval, actor=Actor.of(user), as_of=as_of, at=at)
        return approval
    approval.applied_to = _done(approval, Act(Actor.of(user), as_of, at, approval.reason))
    _decide(approval, "approve", user, as_of, at, note)
    return approval


def _done(approval: Approval, act: Act) -> str:
    """Does it; the name of what came of it."""
    done = HANDLERS[approval.kind](approval, act)
    return f"{done._meta.label_lower}:{done.pk}"


def approvals_begin(*, as_of: date, at: datetime) -> dict[str, int]:
    """Does what was agreed for a day that has come, with the figures of today; how many were done, how many refused.

    Safe to repeat. What a rule refuses now is told to those who look after alerts and never tried again.
    """
    counts = {"begun": 0, "failed": 0, "left": 0}
    due = Approval.objects.filter(state=ApprovalState.AGREED, begins_date__lte=as_of)
    for key in list(due.order_by("pk").values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                business_date_hold(as_of)
                approval = due.select_for_update(no_key=True, of=("self",)).filter(pk=key).first()
                if approval is not None:
                    counts["begun" if _begin(approval, as_of, at) else "failed"] += 1
        except TryAgain:
            # The date has moved on meanwhile: it stays agreed, and the next night does it.
            counts["left"] += 1
    return counts


def _begin(approval: Approval, as_of: date, at: datetime) -> bool:
    """Whether it could be done. Raises TryAgain."""
    actor = Actor.system("approvals")
    try:
        with transaction.atomic():
            approval_carry_out(approval, "begin", actor=actor, as_of=as_of, at=at)
    except TryAgain:
        raise
    except DomainError as error:
        approval = _again(approval)
        approval.applied_to = error.code
        approval_step(approval, "fail", actor=actor, as_of=as_of, at=at)
        offer_lapse(approval, error.code, actor=actor, as_of=as_of, at=at)
        alert_raise(
            customer=approval.customer, rule=RELIEF_FAILED, layer=COLLECTIONS, severity=AlertSeverity.MEDIUM,
            evidence={"reason": error.code, "loan": str(approval.loan_id), "date": as_of.isoformat()},
            dedupe_key=f"{RELIEF_FAILED}:{approval.pk}", as_of=as_of, at=at, actor=actor,
        )  # fmt: skip
        return False
    return True


def _again(approval: Approval) -> Approval:
    """After an exception the object is thrown away; its lock is still held."""
    return Approval.objects.select_related("customer").get(pk=approval.pk)


def approval_carry_out(approval: Approval, step: str, *, actor: Actor, as_of: date, at: datetime) -> None:
    """Does what was agreed and takes the step that says so. The caller holds the row; raises the act's refusals."""
    approval.applied_to = _done(approval, Act(actor, as_of, at, approval.reason))
    approval_step(approval, step, actor=actor, as_of=as_of, at=at)


def approval_step(approval: Approval, step: str, *, actor: Actor, as_of: date, at: datetime) -> None:
    """A step that no member of staff takes, with its evidence."""
    take_step(approval, step, actor=actor, as_of=as_of, at=at, update_fields=("applied_to",))
    audit_record(
        action=f"approval.{step}", actor=actor, subject=approval, at=at, as_of=as_of,
        after={"kind": approval.kind, "applied_to": approval.applied_to}, reason=approval.reason,
    )  # fmt: skip


@transaction.atomic
def approval_reject(*, approval_id: UUID, user: StaffUser, as_of: date, at: datetime, note: str) -> Approval:
    """Refuses; the one who asked may take it back in the same way. Raises ReasonRequired, TransitionRefused."""
    if not note.strip():
        raise ReasonRequired
    approval = Approval.objects.select_for_update(no_key=True).filter(pk=approval_id).first()
    if approval is None:
        raise ObjectNotFound
    _decide(approval, "reject", user, as_of, at, note)
    offer_withdraw(approval, actor=Actor.of(user), as_of=as_of, at=at)
    return approval


def approvals_expire(*, as_of: date, at: datetime) -> int:
    """Ends what nobody decided in time; the number ended. Safe to repeat."""
    actor, done = Actor.system("approvals"), 0
    late = Approval.objects.filter(state=ApprovalState.OPEN, expires_date__lt=as_of)
    for key in list(late.values_list("pk", flat=True)):
        with transaction.atomic():
            approval = late.select_for_update(no_key=True, of=("self",)).filter(pk=key).first()
            if approval is not None:
                take_step(approval, "expire", actor=actor, as_of=as_of, at=at)
                done += 1
    return done


def _locked(approval_id: UUID, user: StaffUser) -> Approval:
    approval = Approval.objects.select_for_update(no_key=True).filter(pk=approval_id).first()
    if approval is None:
        raise ObjectNotFound
    if approval.requested_by_id == user.pk:
        raise FourEyesRequired
    return approval


def _decide(approval: Approval, step: str, user: StaffUser, as_of: date, at: datetime, note: str) -> None:
    actor = Actor.of(user)
    approval.decided_by, approval.decided_at, approval.decision_reason = user, at, note.strip()
    fields = ("decided_by", "decided_at", "decision_reason", "applied_to")
    take_step(approval, step, actor=actor, as_of=as_of, at=at, reason=note, update_fields=fields)
    audit_record(
        action=f"approval.{step}", actor=actor, subject=approval, at=at, as_of=as_of,
        after={"kind": approval.kind, "applied_to": approval.applied_to}, reason=note or approval.reason,
    )  # fmt: skip
