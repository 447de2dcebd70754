"""Helpers to put a new schedule before a customer and to answer it."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from accounts.models import StaffUser
from loans.models import Approval, CollectionAction, CostDisclosure, Loan, RearrangementOffer
from loans.services.approval import approval_approve, approval_request
from loans.services.rearrangement_answer import offer_confirm, offer_disclose, offer_refuse
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.relief import terms_of


def person(name: str) -> StaffUser:
    return StaffUser.objects.get_or_create(username=name)[0]


def moment(on: date) -> Any:
    return NOW + (on - TODAY)


def asked_in_app(
    loan: Loan, on: date, *, begins_date: date | None = None, wish: CollectionAction | None = None, **values: Any
) -> Approval:
    """By one person: the customer is to be asked in the app."""
    agreed = terms_of(begins_date or on, **values)
    payload = {name: str(value) for name, value in agreed.content().items()}
    return approval_request(
        kind="rearrange", customer=loan.customer, loan=loan, reason="lost the job", user=person("fang"), as_of=on,
        payload={**payload, "consent": "app", "consent_reference": "", "consent_reason": ""}, at=moment(on),
        begins_date=begins_date, wish=wish,
    )  # fmt: skip


def offered(loan: Loan, on: date, **values: Any) -> RearrangementOffer:
    """By two persons."""
    asked = asked_in_app(loan, on, **values)
    approval_approve(approval_id=asked.pk, user=person("gu"), as_of=on, at=moment(on))
    return RearrangementOffer.objects.get(approval=asked)


def shown(who: Borrower, offer: RearrangementOffer, on: date) -> CostDisclosure:
    return offer_disclose(offer_id=offer.pk, customer=who.customer, as_of=on, at=moment(on))


def confirm(
    who: Borrower, offer: RearrangementOffer, on: date, *, form: UUID | None = None, after: timedelta = timedelta(0)
) -> RearrangementOffer:
    """On the form as it is shown that day, where no other is named."""
    return offer_confirm(
        offer_id=offer.pk, customer=who.customer, disclosure_id=form or shown(who, offer, on).pk, device=who.device,
        as_of=on, at=moment(on) + after,
    )  # fmt: skip


def refuse(who: Borrower, offer: RearrangementOffer, on: date, answer: str = "") -> RearrangementOffer:
    return offer_refuse(offer_id=offer.pk, customer=who.customer, answer=answer, as_of=on, at=moment(on))


def fresh(offer: RearrangementOffer) -> RearrangementOffer:
    return RearrangementOffer.objects.select_related("approval", "disclosure").get(pk=offer.pk)
