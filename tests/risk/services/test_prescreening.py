"""The scheduled round invites by score, so many a night, and never twice."""

from datetime import date, timedelta

import pytest

from accounts.models import Customer
from risk.models import Invitation, ProductTerms, ScoreReading
from risk.services.prescreening import prescreening_round
from tests.risk.builders import AS_OF

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R1")]


def scored(openid: str, score: int, as_of: date = AS_OF) -> Customer:
    customer = Customer.objects.get_or_create(openid=openid)[0]
    ScoreReading.objects.create(
        customer=customer, row_id=f"{openid}-{score}-{as_of}", name="wechat_pay", score=score, as_of=as_of
    )
    return customer


def rounds_of(most: int) -> None:
    ProductTerms.objects.filter(product_id="weilidai").update(prescreening_invitations_max=most)


def test_without_a_number_there_is_no_round() -> None:
    scored("alice", 700)
    assert prescreening_round(as_of=AS_OF) == {}


def test_at_the_minimum_a_person_is_invited_and_one_point_under_it_not() -> None:
    rounds_of(10)
    scored("alice", 600)
    scored("bob", 599)
    scored("carol", 700, date(2026, 1, 1))
    scored("carol", 599)
    assert prescreening_round(as_of=AS_OF) == {"weilidai": 1}
    assert list(Invitation.objects.values_list("openid", flat=True)) == ["alice"]


def test_a_round_is_no_larger_than_its_number_and_runs_once_a_day() -> None:
    rounds_of(2)
    for name in ("alice", "bob", "carol"):
        scored(name, 700)
    assert prescreening_round(as_of=AS_OF) == {"weilidai": 2}
    assert prescreening_round(as_of=AS_OF) == {}
    assert Invitation.objects.count() == 2


def test_who_is_invited_already_is_not_invited_again() -> None:
    rounds_of(2)
    scored("alice", 700)
    prescreening_round(as_of=AS_OF)
    scored("bob", 700)
    assert prescreening_round(as_of=AS_OF + timedelta(days=1)) == {"weilidai": 1}
    assert sorted(Invitation.objects.values_list("openid", flat=True)) == ["alice", "bob"]
