"""Offers of a new schedule to the customer: made when two persons approved it, ended by staff or by what changed.

The customer's own answers are in `loans/services/rearrangement_answer.py`. Whoever calls holds the approval's lock.
"""

from datetime import date, datetime, timedelta

from accounts.services.notification import notification_send
from loans.errors import OfferStands
from loans.models import Approval, Loan, OfferState, RearrangementOffer
from loans.selectors.collection_policy import collection_figures_at
from loans.selectors.rearrangement_offer import newest_sequence, offer_agreed
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step

ENDED = ("ended_at", "ended_date", "ended_because", "answer", "disclosure")
# Steps of which the customer reads in a notice.
NOTICES = {
    "confirm": "rearrangement_confirmed",
    "refuse": "rearrangement_refused",
    "expire": "rearrangement_expired",
    "lapse": "rearrangement_outdated",
    "withdraw": "rearrangement_withdrawn",
}


def offer_make(approval: Approval, *, actor: Actor, as_of: date, at: datetime) -> RearrangementOffer:
    """The plan is put before the customer, who has `offer_days` to answer and at most until its first due date.

    Raises OfferStands where another plan for the loan waits for an answer.
    """
    if approval.loan_id is None:
        raise ObjectNotFound
    loan = Loan.objects.select_for_update(no_key=True, of=("self",)).get(pk=approval.loan_id)
    if RearrangementOffer.objects.filter(loan=loan, state=OfferState.OPEN).exists():
        raise OfferStands
    offer = RearrangementOffer(
        approval=approval,
        loan=loan,
        customer=approval.customer,
        loan_sequence=newest_sequence(loan),
        offered_at=at,
        business_date=as_of,
        begins_date=approval.begins_date,
    )
    agreed = offer_agreed(offer)
    last = as_of + timedelta(days=collection_figures_at(as_of).offer_days)
    offer.expires_date = min(last, agreed.first_due_date - timedelta(days=1))
    offer.save()
    state_change_record(subject=offer, old="", new=offer.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="offer.make", actor=actor, subject=offer, at=at, as_of=as_of,
        after={
            "approval": str(approval.pk), "loan": str(loan.pk), "sequence": offer.loan_sequence,
            "until": offer.expires_date.isoformat(), "begins_date": str(offer.begins_date or ""),
        },
    )  # fmt: skip
    _tell(offer, "rearrangement_offered", as_of, periods=agreed.periods, due_date=agreed.first_due_date.isoformat())
    return offer


def offer_step(offer: RearrangementOffer, step: str, *, actor: Actor, as_of: date, at: datetime) -> None:
    """One step of an offer with its evidence; why and by which form stands in its columns. Raises TransitionRefused."""
    offer.ended_at, offer.ended_date = at, as_of
    take_step(offer, step, actor=actor, as_of=as_of, at=at, update_fields=ENDED)
    audit_record(
        action=f"offer.{step}", actor=actor, subject=offer, at=at, as_of=as_of,
        after={
            "because": offer.ended_because, "answer": offer.answer, "disclosure": str(offer.disclosure_id or ""),
        },
    )  # fmt: skip
    if step != "confirm" or offer.begins_date is not None:
        _tell(offer, NOTICES[step], as_of, begins_date=str(offer.begins_date or ""))


def offer_withdraw(approval: Approval, *, actor: Actor, as_of: date, at: datetime) -> None:
    """The approval was taken back: so is its offer, where there is one."""
    offer = _offer_of(approval)
    if offer is not None:
        offer_step(offer, "withdraw", actor=actor, as_of=as_of, at=at)


def offer_lapse(approval: Approval, because: str, *, actor: Actor, as_of: date, at: datetime) -> None:
    """What the customer confirmed could not begin on its day."""
    offer = _offer_of(approval)
    if offer is not None:
        offer.ended_because = because
        offer_step(offer, "lapse", actor=actor, as_of=as_of, at=at)


def _offer_of(approval: Approval) -> RearrangementOffer | None:
    rows = RearrangementOffer.objects.select_for_update(no_key=True, of=("self",)).filter(approval=approval)
    return rows.first()


def _tell(offer: RearrangementOffer, kind: str, as_of: date, **params: object) -> None:
    notification_send(
        customer=offer.customer,
        kind=kind,
        params={"until": offer.expires_date.isoformat(), **params},
        dedupe_key=f"{kind}:{offer.pk}",
        business_date=as_of,
    )
