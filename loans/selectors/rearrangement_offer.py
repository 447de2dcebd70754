"""Offers of a new schedule: whose, what each would mean on a day, and whether it still fits its loan (R54, R59)."""

from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from accounts.models import Customer
from loans.disclosure import rearranged_content
from loans.maths.rearrangement import Agreed
from loans.models import AccountingPeriod, Loan, LoanEvent, LoanState, OfferState, Rearrangement, RearrangementOffer
from loans.selectors.rearrangement import Proposal, rearrangement_propose
from risk.models import LineState
from weilidai.lib.errors import DomainError, ObjectNotFound


def customer_offers(customer: Customer) -> QuerySet[RearrangementOffer]:
    return RearrangementOffer.objects.filter(customer=customer).select_related("approval", "disclosure")


def offer_get(customer: Customer, offer_id: UUID) -> RearrangementOffer:
    """Raises `ObjectNotFound` for anybody else's."""
    offer = customer_offers(customer).select_related("loan__credit_line").filter(pk=offer_id).first()
    if offer is None:
        raise ObjectNotFound
    return offer


def offer_agreed(offer: RearrangementOffer) -> Agreed:
    return Agreed.of_texts(offer.approval.payload)


def offer_begins(offer: RearrangementOffer, on: date) -> date:
    """The day from which it would hold, were it confirmed on that day."""
    return max(offer.begins_date or on, on)


def offer_proposal(offer: RearrangementOffer, on: date) -> Proposal:
    """What it means, confirmed on that day. Raises whatever a rearrangement would raise."""
    return rearrangement_propose(offer.loan, offer_agreed(offer), offer_begins(offer, on))


def offer_form(offer: RearrangementOffer, proposal: Proposal) -> dict[str, Any]:
    """The cost disclosure form of it (R59)."""
    return rearranged_content(proposal, Rearrangement.Consent.APP, str(offer.pk))


def newest_sequence(loan: Loan) -> int:
    found = LoanEvent.objects.filter(loan=loan).aggregate(newest=Max("sequence"))["newest"]
    return int(found or 0)


def outdated_because(offer: RearrangementOffer, on: date) -> str:
    """The code of what stands against it since it was made; empty while it can be confirmed."""
    loan, line = offer.loan, offer.loan.credit_line
    if loan.state != LoanState.ACTIVE:
        return "loan_not_open"
    if newest_sequence(loan) != offer.loan_sequence:
        return "loan_changed"
    if line.state == LineState.FROZEN and (line.frozen_at is None or line.frozen_at > offer.offered_at):
        return "credit_line_frozen"
    # A closing balance holds everything that came before it.
    if AccountingPeriod.objects.filter(first_day__gte=offer.business_date.replace(day=1)).exists():
        return "period_closed"
    try:
        offer_proposal(offer, on)
    except DomainError as error:
        return error.code
    return ""


def current_proposal(offer: RearrangementOffer, on: date) -> Proposal | None:
    """What can be confirmed on the day; None where nothing can."""
    if offer.state != OfferState.OPEN or on > offer.expires_date or outdated_because(offer, on):
        return None
    return offer_proposal(offer, on)
