"""The night's shortcut over columns says the same as the replay of every loan, whatever life a loan had."""

import random
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Notification
from loans.end_of_day import reminders
from loans.end_of_day.accrual import earned_by_opening
from loans.end_of_day.figures import figures_carry
from loans.end_of_day.reminders import SCHEDULE
from loans.end_of_day.run import Step, days_close
from loans.end_of_day.steps import STEPS
from loans.end_of_day.tape import tape_hand_over
from loans.maths.delinquency import days_past_due
from loans.maths.errors import CostCapExceeded, MathsRefusal
from loans.models import DelinquencyFact, Instalment, Loan, ProductAccrual
from loans.selectors.earned import KINDS, Sums, earned_by_replay, replayed
from loans.selectors.position import loan_position
from loans.services.repayment import prepayment_make, repayment_make, settlement_make
from risk.models import LoanTape
from tests.loans.builders import NOW, TODAY, Borrower, borrower, day_set, policy, turns
from tests.loans.life import close_through, day, faults, repay
from weilidai.lib.audit import Actor
from weilidai.lib.errors import DomainError

pytestmark = pytest.mark.django_db

PRODUCTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "uplift": {"penalty_method": "rate_uplift"},
    "uncapped": {"cost_cap_enforced": False},
    "interest": {"with_interest": True, "fee_rate": Decimal("0.005000"), "cost_cap_enforced": False},
    "whole": {"fee_base": "loan_principal", "fee_rate": Decimal("0.004000"), "cost_cap_enforced": False},
}
DRAWS: list[dict[str, Any]] = [
    {"amount": "1000.00", "days": 5},
    {"amount": "777.77", "days": 20},
    {"amount": "1234.56", "plan": "instalments", "periods": 3},
    {"amount": "3000.01", "plan": "instalments", "periods": 6},
]


def reminded(opening: date) -> list[tuple[str, str, str]]:
    """The reminders of a day: instalment, amount and days, as the night wrote them."""
    rows = Notification.objects.filter(kind__in=["due_soon", "due_today", "overdue"], business_date=opening)
    return sorted((row.dedupe_key, row.params["amount"], str(row.params["days"])) for row in rows)


def reminders_by_replay(opening: date) -> list[tuple[str, str, str]]:
    found = []
    for offset, kind in SCHEDULE.items():
        due = opening - timedelta(days=offset)
        for row in Instalment.objects.filter(due_date=due, settled_date=None, loan__state="active"):
            position = loan_position(row.loan, max(opening, due), events_until=opening)
            if position.due_amount:
                key = f"{kind}:{row.pk}:{opening}"
                days = days_past_due(position.oldest_unpaid_due_date, opening)
                found.append((key, str(position.due_amount), str(days)))
    return sorted(found)


def by_replay(last: date) -> Sums:
    sums: Sums = {}
    for loan in Loan.objects.filter(start_date__lte=last).prefetch_related("events"):
        for kind, amount in earned_by_replay(loan, last).items():
            sums[loan.product_id, kind] = sums.get((loan.product_id, kind), Decimal(0)) + amount
    return {key: amount for key, amount in sums.items() if amount}


def people() -> list[Borrower]:
    day_set()
    found = []
    for product, terms in PRODUCTS.items():
        policy(product, **terms)
        found.append(borrower(f"b-{product}", product=product))
    return found


def draw_all(borrowers: list[Borrower]) -> list[tuple[Borrower, Loan]]:
    loans = []
    for person in borrowers:
        for values in DRAWS:
            # The dear plans are refused under the cap.
            with suppress(CostCapExceeded):
                loans.append((person, person.draw(**values)))
    turns(4)
    return loans


def act(dice: random.Random, person: Borrower, loan: Loan, on: date) -> None:
    """A payment of some size, the next instalment ahead, or the settlement."""
    edge: dict[str, Any] = {"loan_id": loan.pk, "customer": person.customer, "as_of": on,
                            "at": NOW + (on - TODAY), "actor": Actor.of(person.customer)}  # fmt: skip
    try:
        match dice.randrange(6):
            case 0:
                settlement_make(expected=None, **edge)
            case 1:
                prepayment_make(periods=1, **edge)
            case _:
                repayment_make(amount=Decimal(dice.randrange(1, 60000)) / 100, **edge)
    except (DomainError, MathsRefusal):
        return


@pytest.mark.dealt
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_columns_and_replay_agree_every_night_of_random_lives(seed: int):
    dice = random.Random(seed)
    loans = draw_all(people())
    assert len(loans) > 12
    for number in range(75):
        last = day(number)
        close_through(last)
        sums = earned_by_opening(last)
        assert {key: amount for key, amount in sums.items() if amount} == by_replay(last), last
        assert reminded(day(number + 1)) == reminders_by_replay(day(number + 1)), last
        for person, loan in dice.sample(loans, 2):
            act(dice, person, loan, day(number + 1))
    for loan in Loan.objects.filter(start_date__isnull=False):
        position = loan_position(loan, day(74), events_until=day(74))
        assert loan.recorded_bucket == position.bucket, (loan.product_id, loan.plan, loan.next_due_date, position)
        fact = DelinquencyFact.objects.filter(loan=loan).order_by("-business_date").first()
        assert (fact.bucket if fact else "0") == position.bucket
    assert faults() == []


def test_nights_that_run_while_customers_pay_give_the_same_books():
    """Each payment made before the night's steps run, on the next date already, or after them."""
    assert _life(meanwhile=True) == _life(meanwhile=False)


def _life(*, meanwhile: bool) -> list[Any]:
    with transaction.atomic():
        person = people()[0]
        loan = person.draw(amount="1000.00", days=5)
        plan = person.draw(amount="1200.00", plan="instalments", periods=3)
        turns(4)
        paid = {8: (loan, "300.00"), 9: (loan, "200.00"), 29: (plan, "400.00"), 34: (plan, "100.00")}
        for number in range(40):
            pay = _payment(person, paid.get(number), day(number + 1))
            steps = (Step("pay", "pay", pay), *STEPS) if meanwhile else (*STEPS, Step("pay", "pay", pay))
            days_close(through=day(number), steps=steps)
        columns = ("product_id", "business_date", "kind", "amount", "cumulative_amount")
        kept = list(ProductAccrual.objects.order_by("business_date", "product", "kind").values_list(*columns))
        facts = DelinquencyFact.objects.order_by("business_date", "loan__principal_amount")
        crossed = list(facts.values_list("business_date", "bucket", "outstanding_principal_amount"))
        assert faults() == []
        transaction.set_rollback(True)
    assert len(crossed) > 3
    return [kept, crossed]


def _payment(person: Borrower, what: tuple[Loan, str] | None, on: date) -> Any:
    def pay(_day: date, _progress: Any) -> dict[str, Any]:
        if what is not None:
            repay(person, what[0], what[1], on)
        return {}

    return pay


def test_figures_are_carried_once(alice: Borrower):
    loan = alice.draw("1200.00", plan="instalments", periods=3)
    turns(4)
    first = Instalment.objects.get(loan=loan, number=1)
    second = Instalment.objects.get(loan=loan, number=2)
    eve = second.start_date - timedelta(days=1)
    assert first.due_date == eve
    before = Loan.objects.get(pk=loan.pk)
    assert figures_carry(eve) == {"loans": 1}
    assert figures_carry(eve) == {"loans": 0}
    after = Loan.objects.get(pk=loan.pk)
    assert after.fee_charged_amount - before.fee_charged_amount == second.fee_amount
    # Half of the first period's principal, now overdue.
    assert after.penalty_claimed_amount == Decimal("200.00")
    assert loan_position(after, second.start_date).penalty_claim == Decimal("200.00")


def test_an_instalment_paid_ahead_starts_without_a_charge(alice: Borrower):
    loan = alice.draw("1200.00", plan="instalments", periods=3)
    turns(4)
    prepayment_make(loan_id=loan.pk, customer=alice.customer, periods=2, as_of=day(3), at=NOW,
                    actor=Actor.of(alice.customer))  # fmt: skip
    second = Instalment.objects.get(loan=loan, number=2)
    assert figures_carry(second.start_date - timedelta(days=1)) == {"loans": 0}


def test_a_loan_on_time_is_not_replayed(alice: Borrower):
    loan = alice.draw("1000.00", days=20)
    turns(4)
    assert list(replayed(day(1))) == []
    repay(alice, loan, "100.00", day(3))
    assert [row.pk for row in replayed(day(2))] == [loan.pk]
    assert list(replayed(day(3))) == []
    assert len(KINDS) == 3


@pytest.mark.req("R60")
def test_a_plan_with_two_dates_missed_is_reminded_of_all_it_owes_without_a_replay(
    alice: Borrower, monkeypatch: pytest.MonkeyPatch
):
    loan = alice.draw("1200.00", plan="instalments", periods=6)
    turns(4)
    third = Instalment.objects.get(loan=loan, number=3)
    eve = third.due_date - timedelta(days=4)
    close_through(eve - timedelta(days=1))
    if connection.vendor == "postgresql":
        monkeypatch.setattr(reminders, "loan_position", None)
    close_through(eve)
    soon = reminded(eve + timedelta(days=1))
    assert soon == reminders_by_replay(eve + timedelta(days=1))
    position = loan_position(Loan.objects.get(pk=loan.pk), third.due_date, events_until=third.due_date)
    # Three instalments of 200 with their fees, and half of two instalments as penalty as far as the cap has room.
    assert position.due_amount > Decimal("600.00")
    assert soon == [(f"due_soon:{third.pk}:{eve + timedelta(days=1)}", str(position.due_amount), soon[0][2])]
    first = Instalment.objects.get(loan=loan, number=1)
    assert int(soon[0][2]) == (eve + timedelta(days=1) - first.due_date).days


@pytest.mark.req("R53")
def test_a_night_run_again_writes_the_same_tape(alice: Borrower):
    loan = alice.draw("1000.00", days=20)
    turns(4)
    close_through(day(0))
    repay(alice, loan, "100.00", day(1))
    told = [tape_hand_over(day(1)) for _ in range(2)]
    assert told == [{"written": 1}, {"written": 1}]
    rows = LoanTape.objects.filter(loan_id=loan.pk).order_by("business_date")
    assert list(rows.values_list("business_date", "valid_to", "outstanding_principal_amount")) == [
        (day(0), day(0), Decimal("1000.00")),
        (day(1), None, rows[1].outstanding_principal_amount),
    ]
    assert rows[1].outstanding_principal_amount < 1000
