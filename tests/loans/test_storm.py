"""Everything at once on the same lines: draws, repayments, gifts, freezes and reversals, each on its own connection."""

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import CustomerToken
from loans.models import CreditGift, Loan, LoanState, Repayment
from loans.services.correction import repayment_reverse
from loans.services.gift import gift_accept, gift_offer, gift_revoke
from loans.services.repayment import repayment_make, settlement_make
from risk.models import CreditLine, FreezeReason, Friendship
from risk.services.credit_line import credit_line_freeze, credit_line_unfreeze
from tests.audit.book import act, edge
from tests.loans.builders import NOW, TODAY, Borrower, borrower, turns
from tests.loans.life import faults
from tests.loans.test_parallel import together
from weilidai.lib.errors import DomainError

pytestmark = pytest.mark.django_db(transaction=True)
ACTS = ("draw", "draw", "repay", "repay", "settle", "offer", "accept", "revoke", "freeze", "reverse")
D = Decimal


class Storm:
    """Two friends who lend each other limit while they draw and repay."""

    def __init__(self, alice: Borrower) -> None:
        self.people = [alice, borrower("bob", number="6222020200000000900", limit="2000.00")]
        for person in self.people:
            person.customer.birth_date, person.customer.identity_verified_at = TODAY.replace(year=1990), NOW
            person.customer.save()
        self.loans = [person.draw("500.00") for person in self.people for _ in range(2)]
        turns(3)
        Friendship.objects.create(
            row_id="f", customer=alice.customer, friend_openid="bob", since_date=TODAY.replace(month=1)
        )
        self.tokens = [CustomerToken.objects.create(user=person.customer)[1] for person in self.people]
        self.total = sum(line.limit_amount for line in CreditLine.objects.all())

    def strike(self, number: int) -> str:
        """One act of somebody; how it ended."""
        chance = random.Random(number)
        name, place = chance.choice(ACTS), chance.randrange(2)
        try:
            getattr(self, name)(self.people[place], chance)
        except DomainError as refusal:
            return refusal.code
        return "done"

    def draw(self, person: Borrower, chance: random.Random) -> None:
        person.draw(f"{chance.randint(100, 900)}.00")

    def repay(self, person: Borrower, chance: random.Random) -> None:
        loan = self._loan(person, chance)
        repayment_make(loan_id=loan.pk, customer=person.customer, amount=D(chance.randint(1, 200)), **edge(person, 0))

    def settle(self, person: Borrower, chance: random.Random) -> None:
        settlement_make(
            loan_id=self._loan(person, chance).pk, customer=person.customer, expected=None, **edge(person, 0)
        )

    def _loan(self, person: Borrower, chance: random.Random) -> Loan:
        return chance.choice([loan for loan in self.loans if loan.customer_id == person.customer.pk])

    def offer(self, person: Borrower, chance: random.Random) -> None:
        friend = self.people[1 - self.people.index(person)]
        gift_offer(
            customer=person.customer, credit_line_id=person.line.pk, openid=friend.customer.openid,
            amount=D(chance.randint(50, 300)), device=person.device, **edge(person, 0),
        )  # fmt: skip

    def accept(self, person: Borrower, chance: random.Random) -> None:
        gift = CreditGift.objects.filter(recipient=person.customer, state="offered").first()
        if gift is not None:
            gift_accept(gift_id=gift.pk, recipient=person.customer, device=person.device, **edge(person, 0))

    def revoke(self, person: Borrower, chance: random.Random) -> None:
        gift = CreditGift.objects.filter(customer=person.customer, state="accepted").first()
        if gift is not None:
            gift_revoke(gift_id=gift.pk, customer=person.customer, **edge(person, 0))

    def freeze(self, person: Borrower, chance: random.Random) -> None:
        who = {**edge(person, 0), "line_id": person.line.pk}
        try:
            credit_line_freeze(reason=FreezeReason.STAFF, **who)
        except DomainError:
            credit_line_unfreeze(reason="over", **who)

    def reverse(self, person: Borrower, chance: random.Random) -> None:
        row = Repayment.objects.filter(customer=person.customer, reversed_date=None, funding="bank").first()
        if row is not None:
            repayment_reverse(repayment_id=row.pk, act=act(0))


def told(storm: Storm, number: int) -> str:
    try:
        return storm.strike(number)
    except OperationalError as error:
        return f"in the way: {getattr(error.__cause__, 'sqlstate', error)}"


@pytest.mark.postgres
@pytest.mark.req("R14", "R44")
def test_a_storm_on_two_lines_conserves_every_limit(alice: Borrower) -> None:
    storm = Storm(alice)
    ended: Counter[Any] = Counter(together(lambda number: told(storm, number), 300))
    assert ended["done"] > 60, ended
    assert not [name for name in ended if name.startswith("in the way")], ended
    lines = CreditLine.objects.all()
    assert sum(line.limit_amount for line in lines) == storm.total
    assert sum(line.received_amount for line in lines) <= sum(line.gifted_amount for line in lines)
    assert Loan.objects.exclude(state=LoanState.FAILED).count() > 4
    turns(3)
    assert faults() == []
