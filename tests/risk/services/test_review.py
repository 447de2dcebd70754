"""R5, R21: referred applications are worked on by one person at a time and decided with a reason."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from risk.errors import ReviewClaimed
from risk.models import CreditApplication, Outcome, ReviewClaim
from risk.services.review import review_claim, review_claim_of, review_decide, review_next, review_release
from tests.risk.builders import (
    AS_OF,
    AT,
    assess,
    auxiliary_create,
    behaviour_create,
    customer_create,
    setup_policies,
    staff_create,
    verified,
)
from weilidai.lib.errors import TransitionRefused
from weilidai.lib.models import AuditEvent

EDGE = {"as_of": AS_OF, "at": AT}


def referred(openid: str) -> CreditApplication:
    customer = customer_create(openid)
    behaviour_create(customer)
    auxiliary_create(customer, "income_tax", state="contradicted")
    return assess(verified(customer)).application


@pytest.mark.req("R5")
@pytest.mark.usefixtures("policies")
def test_the_oldest_free_one_comes_next_and_ones_own_comes_first() -> None:
    first, second = referred("alice"), referred("bob")
    carol, dave = staff_create("carol"), staff_create("dave")
    assert review_next(user=carol, **EDGE) == first
    assert review_next(user=dave, **EDGE) == second
    assert review_next(user=carol, **EDGE) == first
    assert review_next(user=staff_create("erin"), **EDGE) is None
    review_release(application_id=first.pk, user=dave)
    assert review_claim_of(first.pk, AT).claimed_by == carol
    review_release(application_id=first.pk, user=carol)
    assert review_claim_of(first.pk, AT) is None


@pytest.mark.req("R5")
@pytest.mark.usefixtures("policies")
@pytest.mark.parametrize(("minutes", "free"), [(19, False), (20, True)])
def test_a_claim_lapses_by_itself(minutes: int, free: bool) -> None:
    application, carol, dave = referred("alice"), staff_create("carol"), staff_create("dave")
    review_claim(application_id=application.pk, user=carol, **EDGE)
    later = AT + timedelta(minutes=minutes)
    assert (review_next(user=dave, as_of=AS_OF, at=later) == application) is free


@pytest.mark.req("R5")
@pytest.mark.usefixtures("policies")
def test_what_somebody_else_works_on_is_not_decided_but_can_be_taken_over() -> None:
    application, carol, dave = referred("alice"), staff_create("carol"), staff_create("dave")
    review_claim(application_id=application.pk, user=carol, **EDGE)
    how: dict[str, Any] = {"application_id": application.pk, "outcome": Outcome.REJECTED, "reason": "papers differ"}
    with pytest.raises(ReviewClaimed):
        review_decide(user=dave, **how, **EDGE)
    review_claim(application_id=application.pk, user=dave, take_over=True, **EDGE)
    assert AuditEvent.objects.get(action="review.take_over").before == {"claimed_by": "carol"}
    with pytest.raises(ReviewClaimed):
        review_decide(user=carol, **how, **EDGE)
    assert review_decide(user=dave, **how, **EDGE).decided_by == dave
    assert not ReviewClaim.objects.exists()
    with pytest.raises(TransitionRefused):
        review_decide(user=dave, **how, **EDGE)


@pytest.mark.req("R5")
@pytest.mark.django_db(transaction=True)
def test_people_asking_at_once_get_different_ones() -> None:
    setup_policies()
    wanted = {referred(f"customer{number}").pk for number in range(4)}
    users = [staff_create(f"officer{number}") for number in range(4)]

    def ask(number: int) -> Any:
        try:
            return review_next(user=users[number], **EDGE)
        finally:
            connections.close_all()

    got = _together(ask, 4)
    found = [application.pk for application in got if application is not None]
    assert len(found) == len(set(found))
    assert set(found) <= wanted
    assert {review_next(user=user, **EDGE).pk for user in users} == wanted


def _together(act: Callable[[int], Any], count: int) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, range(count)))
