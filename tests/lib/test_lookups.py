"""`among` finds what `in` finds."""

from uuid import UUID

import pytest

from accounts.models import Consent, Customer
from risk.models import CreditLine

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[UUID]:
    return [Customer.objects.create(openid=name).pk for name in ("alice", "bob", "charlie")]


def test_rows_with_one_of_the_keys_are_found_by_their_own_key_and_by_that_of_another(people: list[UUID]) -> None:
    for key in people:
        Consent.objects.create(customer_id=key, code="ecny_wallet", granted_at="2026-01-01T00:00:00Z")
    wanted = [people[0], people[2], UUID(int=7)]
    assert set(Customer.objects.filter(pk__among=wanted).values_list("pk", flat=True)) == {people[0], people[2]}
    consents = Consent.objects.filter(customer__among=wanted).values_list("customer_id", flat=True)
    assert set(consents) == {people[0], people[2]}
    assert set(Consent.objects.exclude(customer__among=wanted).values_list("customer_id", flat=True)) == {people[1]}


def test_no_key_finds_no_row(people: list[UUID]) -> None:
    assert not Customer.objects.filter(pk__among=[]).exists()
    assert not CreditLine.objects.filter(customer__among=[]).exists()


def test_rows_are_locked_by_it(people: list[UUID]) -> None:
    rows = Customer.objects.select_for_update(no_key=True).filter(pk__among=people).order_by("pk")
    assert [row.pk for row in rows] == sorted(people)
