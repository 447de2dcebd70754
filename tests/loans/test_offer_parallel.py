"""An offer of a new schedule has one end, whoever comes at once (R54, I4): real connections, real commits."""

from collections import Counter
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from loans.models import Rearrangement, RearrangementOffer
from loans.services.approval import approval_reject
from loans.services.rearrangement_answer import offers_close
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan, day, faults
from tests.loans.offers import fresh, offered, person, shown
from tests.loans.test_parallel import together
from weilidai.lib.errors import TransitionRefused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("R54")]
Clients = Callable[[], APIClient]
ENDS = {
    "confirmed": ("approved", 1),
    "refused": ("declined", 0),
    "expired": ("expired", 0),
    "withdrawn": ("rejected", 0),
}


def test_of_confirmation_refusal_expiry_and_staff_one_wins(alice: Borrower, clients: Clients) -> None:
    offer = offered(active_loan(alice, days=30), TODAY)
    form, make, chief = shown(alice, offer, TODAY), clients, person("gu")

    def answer(act: str, number: int, **body: str) -> str:
        path = f"/api/v1/rearrangement-offers/{offer.pk}/{act}"
        told = make().post(path, body, format="json", HTTP_IDEMPOTENCY_KEY=f"{act}{number}")
        return str(told.json().get("code", told.json().get("state")))

    def act(number: int) -> str:
        match number % 4:
            case 0:
                return answer("confirmation", number, disclosure=str(form.pk))
            case 1:
                return answer("refusal", number)
            case 2:
                done = offers_close(as_of=day(15), at=NOW)
                return "expired" if done["unanswered"] else "rearrangement_offer_not_open"
        try:
            approval_reject(approval_id=offer.approval_id, user=chief, as_of=TODAY, at=NOW, note="took too long")
        except TransitionRefused:
            return "rearrangement_offer_not_open"
        return "withdrawn"

    told = Counter(together(act, 16))
    end = str(fresh(offer).state)
    assert told == {end: 1, "rearrangement_offer_not_open": 15}
    state, count = ENDS[end]
    assert (fresh(offer).approval.state, Rearrangement.objects.count()) == (state, count)
    assert faults() == []


def test_one_key_at_once_is_one_confirmation(alice: Borrower, clients: Clients) -> None:
    offer = offered(active_loan(alice, days=30), TODAY)
    form, make = shown(alice, offer, TODAY), clients

    def confirm(_number: int) -> tuple[int, str]:
        path = f"/api/v1/rearrangement-offers/{offer.pk}/confirmation"
        told = make().post(path, {"disclosure": str(form.pk)}, format="json", HTTP_IDEMPOTENCY_KEY="one")
        return told.status_code, told.json().get("code", "")

    assert set(together(confirm, 8)) <= {(200, ""), (409, "request_in_progress")}
    assert RearrangementOffer.objects.get().state == "confirmed"
    assert Rearrangement.objects.count() == 1
