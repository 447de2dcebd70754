"""What becomes of an offer of a new schedule: the customer confirms or refuses it, or it ends by itself (R54, R59).

Lock order: approval, offer, line, loan, journal. Whoever comes first decides; the others find it decided.
"""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Customer, Device
from accounts.services.device import device_require_verified
from loans.errors import OfferNotOpen, OfferOutdated
from loans.models import Approval, CostDisclosure, LoanState, OfferState, RearrangementOffer
from loans.selectors.rearrangement_offer import (
    current_proposal,
    offer_begins,
    offer_form,
    offer_get,
    offer_proposal,
    outdated_because,
)
from loans.services.approval import approval_carry_out, approval_step
from loans.services.correction import loan_lock
from loans.services.disclosure import offer_form_confirm, offer_form_show
from loans.services.rearrangement_offer import offer_step
from risk.models import AlertSeverity
from risk.rules.alerts import COLLECTIONS, RELIEF_DECLINED, RELIEF_OUTDATED, RELIEF_UNANSWERED
from risk.services.alert import alert_raise
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_hold
from weilidai.lib.errors import ObjectNotFound

SYSTEM = Actor.system("approvals")
ANY_STATE = tuple(LoanState.values)


@transaction.atomic
def offer_disclose(*, offer_id: UUID, customer: Customer, as_of: date, at: datetime) -> CostDisclosure:
    """The cost disclosure form of the offer as it would take effect, confirmed today; binds nothing.

    Raises ObjectNotFound, OfferNotOpen, OfferOutdated.
    """
    offer = offer_get(customer, offer_id)
    _open_check(offer, as_of)
    proposal = current_proposal(offer, as_of)
    if proposal is None:
        raise OfferOutdated(reason=outdated_because(offer, as_of))
    return offer_form_show(offer=offer, content=offer_form(offer, proposal), as_of=as_of, at=at)


def offer_confirm(
    *, offer_id: UUID, customer: Customer, disclosure_id: UUID, device: Device | None, as_of: date, at: datetime
) -> RearrangementOffer:
    """The customer agrees to the form: the new schedule holds from today, or from the day it begins on.

    Raises DeviceNotVerified, ObjectNotFound, OfferNotOpen, DisclosureChanged, DisclosureNotRead, TryAgain, and
    OfferOutdated, which ends the offer for good: that stays.
    """
    device_require_verified(device)
    offer, because = _confirm(offer_id, customer, disclosure_id, as_of, at)
    if because:
        raise OfferOutdated(reason=because)
    return offer


@transaction.atomic
def _confirm(
    offer_id: UUID, customer: Customer, disclosure_id: UUID, as_of: date, at: datetime
) -> tuple[RearrangementOffer, str]:
    """The offer, and what stood against it."""
    business_date_hold(as_of)
    actor = Actor.of(customer)
    approval, offer = _locked(offer_id, customer, as_of)
    because = outdated_because(offer, as_of)
    if because:
        _lapse(approval, offer, because, actor, as_of, at)
        return offer, because
    content = offer_form(offer, offer_proposal(offer, as_of))
    offer.disclosure = offer_form_confirm(offer=offer, content=content, disclosure_id=disclosure_id, as_of=as_of, at=at)
    offer_step(offer, "confirm", actor=actor, as_of=as_of, at=at)
    if offer_begins(offer, as_of) > as_of:
        approval_step(approval, "accept_ahead", actor=actor, as_of=as_of, at=at)
    else:
        approval_carry_out(approval, "accept", actor=actor, as_of=as_of, at=at)
    return offer, ""


@transaction.atomic
def offer_refuse(*, offer_id: UUID, customer: Customer, answer: str, as_of: date, at: datetime) -> RearrangementOffer:
    """The customer keeps the loan as it is, and staff are told. Raises ObjectNotFound, OfferNotOpen, TryAgain."""
    business_date_hold(as_of)
    actor = Actor.of(customer)
    approval, offer = _locked(offer_id, customer, as_of)
    offer.answer = answer.strip()
    offer_step(offer, "refuse", actor=actor, as_of=as_of, at=at)
    approval_step(approval, "decline", actor=actor, as_of=as_of, at=at)
    _tell_staff(approval, RELIEF_DECLINED, offer.answer, actor, as_of, at)
    return offer


def _locked(offer_id: UUID, customer: Customer, as_of: date) -> tuple[Approval, RearrangementOffer]:
    """Both rows locked, then line and loan, so that nothing about them moves until the answer is written."""
    found = offer_get(customer, offer_id)
    approval = Approval.objects.select_for_update(no_key=True, of=("self",)).get(pk=found.approval_id)
    offer = _offer_lock(found.pk)
    _open_check(offer, as_of)
    offer.approval, offer.loan = approval, loan_lock(offer.loan_id, states=ANY_STATE)
    return approval, offer


def _offer_lock(offer_id: UUID) -> RearrangementOffer:
    rows = RearrangementOffer.objects.select_for_update(no_key=True, of=("self",)).select_related("approval")
    offer = rows.filter(pk=offer_id).first()
    if offer is None:
        raise ObjectNotFound
    return offer


def _open_check(offer: RearrangementOffer, as_of: date) -> None:
    """Past its last day it cannot be answered, also before the night has ended it."""
    if offer.state != OfferState.OPEN:
        raise OfferNotOpen(state=str(offer.state))
    if as_of > offer.expires_date:
        raise OfferNotOpen(state=OfferState.EXPIRED.value)


def offers_close(*, as_of: date, at: datetime) -> dict[str, int]:
    """Ends what nobody answered in time and what no longer fits its loan, and tells staff; safe to repeat."""
    counts = {"unanswered": 0, "outdated": 0}
    waiting = RearrangementOffer.objects.filter(state=OfferState.OPEN).order_by("pk")
    for approval_id, offer_id in list(waiting.values_list("approval_id", "pk")):
        with transaction.atomic():
            ended = _close(approval_id, offer_id, as_of, at)
            if ended:
                counts[ended] += 1
    return counts


def _close(approval_id: UUID, offer_id: UUID, as_of: date, at: datetime) -> str:
    """How it ended, if it did."""
    approval = Approval.objects.select_for_update(no_key=True, of=("self",)).get(pk=approval_id)
    offer = _offer_lock(offer_id)
    if offer.state != OfferState.OPEN:
        return ""
    if as_of > offer.expires_date:
        offer_step(offer, "expire", actor=SYSTEM, as_of=as_of, at=at)
        approval_step(approval, "expire", actor=SYSTEM, as_of=as_of, at=at)
        _tell_staff(approval, RELIEF_UNANSWERED, "", SYSTEM, as_of, at)
        return "unanswered"
    offer.loan = loan_lock(offer.loan_id, states=ANY_STATE)
    because = outdated_because(offer, as_of)
    if not because:
        return ""
    _lapse(approval, offer, because, SYSTEM, as_of, at)
    return "outdated"


def _lapse(
    approval: Approval, offer: RearrangementOffer, because: str, actor: Actor, as_of: date, at: datetime
) -> None:
    offer.ended_because = approval.applied_to = because
    offer_step(offer, "lapse", actor=actor, as_of=as_of, at=at)
    approval_step(approval, "fail", actor=actor, as_of=as_of, at=at)
    _tell_staff(approval, RELIEF_OUTDATED, because, actor, as_of, at)


def _tell_staff(approval: Approval, rule: str, reason: str, actor: Actor, as_of: date, at: datetime) -> None:
    alert_raise(
        customer=approval.customer, rule=rule, layer=COLLECTIONS, severity=AlertSeverity.MEDIUM,
        evidence={"reason": reason, "loan": str(approval.loan_id), "date": as_of.isoformat()},
        dedupe_key=f"{rule}:{approval.pk}", as_of=as_of, at=at, actor=actor,
    )  # fmt: skip
