"""Rearranged loans in the night: the columns, the replay and the journal say the same every day of random lives."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest

from loans.end_of_day.accrual import earned_by_opening
from loans.maths.errors import MathsRefusal
from loans.models import Loan, Rearrangement, Repayment
from loans.selectors.position import loan_position
from loans.services.correction import repayment_enter_late, repayment_reverse
from loans.services.history import Act
from tests.loans.builders import NOW
from tests.loans.end_of_day.test_columns import (
    act,
    by_replay,
    draw_all,
    people,
    reminded,
    reminders_by_replay,
)
from tests.loans.life import close_through, day, faults
from tests.loans.relief import rearrange
from weilidai.lib.audit import Actor
from weilidai.lib.errors import DomainError

pytestmark = pytest.mark.django_db


def relieve(dice: random.Random, loan: Loan, number: int) -> None:
    """A new schedule of some kind, where the loan is open to one."""
    rate = loan.daily_rate * dice.choice([0, 1]) if loan.plan == "single" or loan.with_interest else Decimal(0)
    try:
        rearrange(
            loan,
            day(number),
            periods=dice.randint(1, 7),
            first_due_date=day(number) + timedelta(days=dice.randint(5, 40)),
            daily_rate=rate,
            keeps_fees=dice.random() < 0.5,
            waives_penalty=dice.random() < 0.5,
            stops_penalty=dice.random() < 0.5,
        )
    except (DomainError, MathsRefusal):
        return


def put_right(dice: random.Random, loan: Loan, number: int) -> None:
    """A repayment that turns out to be older, or one that bounced."""
    what = Act(Actor.system("test"), day(number), NOW + timedelta(days=number), "as found")
    kept = list(Repayment.objects.filter(loan=loan, reversed_date=None).order_by("effective_date", "pk"))
    try:
        if kept and dice.random() < 0.5:
            repayment_reverse(repayment_id=dice.choice(kept).pk, act=what)
        else:
            amount = Decimal(dice.randrange(1, 30000)) / 100
            repayment_enter_late(loan_id=loan.pk, amount=amount, effective_date=day(dice.randint(0, number)), act=what)
    except (DomainError, MathsRefusal):
        return


@pytest.mark.req("R54")
@pytest.mark.parametrize("seed", [12])
def test_columns_replay_and_journal_agree_every_night(seed: int) -> None:
    dice = random.Random(seed)
    loans = draw_all(people())
    for number in range(55):
        last = day(number)
        close_through(last)
        sums = earned_by_opening(last)
        assert {key: amount for key, amount in sums.items() if amount} == by_replay(last), last
        assert reminded(day(number + 1)) == reminders_by_replay(day(number + 1)), last
        person, loan = dice.choice(loans)
        act(dice, person, loan, day(number + 1))
        chosen = Loan.objects.get(pk=dice.choice(loans)[1].pk)
        (relieve if dice.random() < 0.7 else put_right)(dice, chosen, number + 1)
        if number % 18 == 17:
            assert faults() == []
    assert Rearrangement.objects.count() > 8
    for loan in Loan.objects.filter(start_date__isnull=False):
        position = loan_position(loan, day(54), events_until=day(54))
        assert loan.recorded_bucket == position.bucket, (loan.product_id, loan.plan, loan.next_due_date)
    assert faults() == []
