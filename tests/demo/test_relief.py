"""The demo's offers of a new schedule: every state an offer can be in, by the same services staff and customers use."""

from datetime import timedelta

import pytest

from accounts.models import StaffUser
from loans.books.rows_granted import acts_agree
from loans.books.rows_offered import offers_agree
from loans.end_of_day.steps import STEPS
from loans.models import Approval, OfferState, RearrangementOffer
from tests.loans.builders import NOW, TODAY, Borrower, borrower, day_set, policy
from tests.loans.life import active_loan, close_through, day
from weilidai.demo import assumptions as a
from weilidai.demo import relief

WHAT_NIGHTS_END = tuple(step for step in STEPS if step.name == "approvals")
FIRST_BACK = max(story.made_back for story in a.OFFERS)


@pytest.fixture
def alice(db: None) -> Borrower:
    day_set()
    policy()
    for name in ("collector", "supervisor"):
        StaffUser.objects.create_user(name)
    return borrower()


@pytest.mark.req("R54")
def test_the_offers_of_the_demo_end_in_every_way(alice: Borrower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relief, "mood_of", lambda _openid: 1.0)
    for _ in a.OFFERS:
        active_loan(alice, "100.00", days=30)
    lived = relief.Relief(last=day(FIRST_BACK))
    for number in range(FIRST_BACK + 1):
        lived.day(day(number), NOW + timedelta(days=number))
        close_through(day(number), steps=WHAT_NIGHTS_END)
    assert set(RearrangementOffer.objects.values_list("state", flat=True)) == set(OfferState.values)
    assert len({offer.loan_id for offer in lived.made.values()}) == len(a.OFFERS)
    # One of those confirmed begins on a day to come.
    assert set(Approval.objects.filter(offer__state="confirmed").values_list("state", flat=True)) == {
        "approved",
        "agreed",
    }
    assert [*offers_agree(), *acts_agree()] == []


def test_somebody_who_repays_is_offered_nothing(alice: Borrower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relief, "mood_of", lambda _openid: float(a.REPAYS_ON_TIME_SHARE + a.REPAYS_LATE_SHARE) - 0.01)
    active_loan(alice, "100.00", days=30)
    relief.Relief(last=day(FIRST_BACK)).day(TODAY, NOW)
    assert not RearrangementOffer.objects.exists()
