"""A year in the life of a book, once with every night on time and once with outages: the books must be the same.

Nights break off at any step, run while customers already act on the next day, run twice, or wait for days until the
system is up again. What customers and staff do, and on which business date, is the same in both lives.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from unittest import mock
from uuid import UUID

from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import Notification
from loans.end_of_day.run import AnyStep, RangedStep, Step, days_close
from loans.end_of_day.steps import STEPS
from loans.models import (
    CreditGift,
    DelinquencyFact,
    Instalment,
    Loan,
    LoanEvent,
    Posting,
    ProductAccrual,
    Repayment,
    RepaymentAllocation,
    UnappliedMovement,
)
from loans.services import correction
from loans.services.gift import gift_accept, gift_offer, gift_revoke
from loans.services.payout import payouts_advance
from loans.services.refund import refund_request
from loans.services.repayment import prepayment_make, repayment_make, settlement_make
from loans.services.sandbox_bank import sandbox_callbacks_deliver
from loans.services.unapplied import receipt_enter
from risk.models import CreditLine, Friendship, LoanTape
from tests.audit.book import act, edge
from tests.audit.database import database_leave, database_use
from tests.loans.builders import NOW, TODAY, Borrower, borrower, day_set, policy
from tests.loans.life import day, faults
from tests.support import postgres as pg
from weilidai.lib.errors import DomainError
from weilidai.lib.partitions import EVERYTHING

PRODUCTS: dict[str, dict[str, Any]] = {
    "weilidai": {},
    "uplift": {"penalty_method": "rate_uplift"},
    "interest": {"with_interest": True, "fee_rate": Decimal("0.005000"), "cost_cap_enforced": False},
}
ACTS = {
    "draw": 6, "plan": 3, "repay": 10, "ahead": 2, "settle": 2, "late": 2, "reverse": 2, "write_off": 1, "restore": 1,
    "return_payout": 1, "receipt": 1, "apply": 1, "refund": 1, "offer": 1, "accept": 2, "revoke": 1,
}  # fmt: skip
Snapshot = dict[str, list[Any]]


class Broken(Exception):
    """The night breaks off here."""


@dataclass
class Year:
    """One life of the book; `outages` disturbs the nights with dice of its own."""

    days: int
    people_count: int
    seed: int
    outages: bool
    loans: list[Loan] = field(default_factory=list)
    done: int = 0

    @cached_property
    def people(self) -> list[Borrower]:
        day_set()
        for product, terms in PRODUCTS.items():
            policy(product, **terms)
        found = []
        for number in range(self.people_count):
            product = list(PRODUCTS)[number % len(PRODUCTS)]
            person = borrower(f"p{number}", number=f"622202020{number:08}00", product=product)
            person.customer.birth_date, person.customer.identity_verified_at = TODAY.replace(year=1990), NOW
            person.customer.save()
            found.append(person)
        for one, other in zip(found, found[3:], strict=False):
            Friendship.objects.create(row_id=f"f-{one.customer.openid}", customer=one.customer,
                                      friend_openid=other.customer.openid, since_date=date(2025, 1, 1))  # fmt: skip
        return found

    def down(self) -> set[int]:
        """Days on which nobody can do anything, the same in both lives."""
        dice, found = random.Random(f"down-{self.seed}"), set[int]()
        for start in range(5, self.days, 25):
            first = start + dice.randrange(15)
            found |= set(range(first, first + dice.randrange(1, 5)))
        return found

    def live(self) -> Snapshot:
        self.act_on(0)
        trouble, down, number = random.Random(f"trouble-{self.seed}"), self.down(), 0
        while number < self.days:
            ahead = number
            while self.outages and ahead + 1 in down and ahead + 1 < self.days:
                ahead += 1
            if ahead > number:
                days_close(through=day(ahead - 1), steps=STEPS)
            self.night(ahead, trouble, quiet=ahead + 1 in down)
            number = ahead + 1
        if found := faults():
            raise AssertionError("\n".join(map(str, found[:20])))
        return self.snapshot()

    def night(self, number: int, trouble: random.Random, *, quiet: bool) -> None:
        """Closes a day; what is done on the next one happens after, before or between the steps."""
        steps: list[AnyStep] = list(STEPS)
        acts = Step("acts", "acts", lambda _day, _progress: {} if quiet else self.act_on(number + 1))
        steps.insert(trouble.randint(0, len(STEPS)) if self.outages else len(STEPS), acts)
        if self.outages and trouble.random() < 0.3:
            self._break_off(number, steps, trouble)
        days_close(through=day(number), steps=tuple(steps))
        if self.outages and trouble.random() < 0.2:
            for step in STEPS:
                _again(step, day(number))

    def _break_off(self, number: int, steps: list[AnyStep], trouble: random.Random) -> None:
        def broken(_day: date, _progress: Any) -> dict[str, Any]:
            raise Broken

        at = trouble.randrange(len(steps))
        try:
            days_close(through=day(number), steps=(*steps[:at], Step("broken", "broken", broken)))
        except Broken:
            return

    def act_on(self, number: int) -> dict[str, Any]:
        dice = random.Random(f"{self.seed}-{number}")
        for _ in range(dice.randint(0, self.people_count)):
            person, name = dice.choice(self.people), dice.choices(list(ACTS), list(ACTS.values()))[0]
            try:
                with transaction.atomic():
                    getattr(self, f"_{name}")(person, number, dice)
                self.done += 1
            except DomainError:
                continue
        self._bank(number)
        return {}

    def _bank(self, number: int) -> None:
        for second in range(4):
            at = NOW + timedelta(days=number, hours=1, seconds=second)
            payouts_advance(at=at, as_of=day(number))
            sandbox_callbacks_deliver(at=at, as_of=day(number))

    def _own(self, person: Borrower, dice: random.Random, *states: str) -> Loan:
        """One of the person's loans, in the order they were drawn."""
        own = [Loan.objects.get(pk=loan.pk) for loan in self.loans if loan.customer_id == person.customer.pk]
        found = [loan for loan in own if loan.state in states]
        if not found:
            raise DomainError
        return dice.choice(found)

    def _draw(self, person: Borrower, number: int, dice: random.Random, **plan: Any) -> None:
        values = plan or {"days": dice.choice([3, 10, 30, 60])}
        at = NOW + timedelta(days=number)
        self.loans.append(person.draw(f"{dice.randint(1000, 2500)}.{dice.randint(0, 99):02}", as_of=day(number), at=at,
                                      **values))  # fmt: skip

    def _plan(self, person: Borrower, number: int, dice: random.Random) -> None:
        self._draw(person, number, dice, plan="instalments", periods=dice.choice([3, 6]))

    def _repay(self, person: Borrower, number: int, dice: random.Random) -> None:
        loan = self._own(person, dice, "active", "written_off")
        repayment_make(loan_id=loan.pk, customer=person.customer, amount=_yuan(dice, 1, 80000),
                       **edge(person, number))  # fmt: skip

    def _ahead(self, person: Borrower, number: int, dice: random.Random) -> None:
        loan = self._own(person, dice, "active")
        prepayment_make(loan_id=loan.pk, customer=person.customer, periods=dice.choice([1, 2]), **edge(person, number))

    def _settle(self, person: Borrower, number: int, dice: random.Random) -> None:
        loan = self._own(person, dice, "active")
        settlement_make(loan_id=loan.pk, customer=person.customer, expected=None, **edge(person, number))

    def _late(self, person: Borrower, number: int, dice: random.Random) -> None:
        loan = self._own(person, dice, "active", "settled", "written_off")
        then = loan.start_date + timedelta(days=dice.randint(0, (day(number) - loan.start_date).days))
        correction.repayment_enter_late(loan_id=loan.pk, amount=_yuan(dice, 100, 30000),
                                        effective_date=then, act=act(number))  # fmt: skip

    def _reverse(self, person: Borrower, number: int, dice: random.Random) -> None:
        rows = list(Repayment.objects.filter(customer=person.customer, reversed_date=None).order_by("pk"))
        if not rows:
            raise DomainError
        correction.repayment_reverse(repayment_id=dice.choice(rows).pk, act=act(number))

    def _write_off(self, person: Borrower, number: int, dice: random.Random) -> None:
        loan = self._own(person, dice, "active")
        if loan.next_due_date >= day(number) - timedelta(days=20):
            raise DomainError
        correction.loan_write_off(loan_id=loan.pk, act=act(number))

    def _restore(self, person: Borrower, number: int, dice: random.Random) -> None:
        correction.write_off_reverse(loan_id=self._own(person, dice, "written_off").pk, act=act(number))

    def _return_payout(self, person: Borrower, number: int, dice: random.Random) -> None:
        correction.payout_return(loan_id=self._own(person, dice, "active", "settled").pk, act=act(number))

    def _receipt(self, person: Borrower, number: int, dice: random.Random) -> None:
        who = edge(person, number)
        receipt_enter(customer=person.customer, amount=_yuan(dice, 100, 50000), payer_name="王",
                      bank_reference=f"B{number}-{dice.random()}", received_date=day(number), **who)  # fmt: skip

    def _apply(self, person: Borrower, number: int, dice: random.Random) -> None:
        loan = self._own(person, dice, "active", "written_off")
        correction.unapplied_apply(loan_id=loan.pk, amount=_yuan(dice, 100, 20000), act=act(number))

    def _refund(self, person: Borrower, number: int, dice: random.Random) -> None:
        refund_request(customer=person.customer, bank_card_id=person.card.pk, act=act(number),
                       amount=_yuan(dice, 100, 20000))  # fmt: skip

    def _offer(self, person: Borrower, number: int, dice: random.Random) -> None:
        friend = self.people[(self.people.index(person) + 3) % len(self.people)]
        gift_offer(customer=person.customer, credit_line_id=person.line.pk, openid=friend.customer.openid,
                   amount=_yuan(dice, 10000, 90000), device=person.device, **edge(person, number))  # fmt: skip

    def _accept(self, person: Borrower, number: int, dice: random.Random) -> None:
        gift = CreditGift.objects.filter(recipient=person.customer, state="offered").order_by("pk").first()
        if gift is not None:
            gift_accept(gift_id=gift.pk, recipient=person.customer, device=person.device, **edge(person, number))

    def _revoke(self, person: Borrower, number: int, dice: random.Random) -> None:
        gift = CreditGift.objects.filter(customer=person.customer, state="accepted").order_by("pk").first()
        if gift is not None:
            gift_revoke(gift_id=gift.pk, customer=person.customer, **edge(person, number))

    def snapshot(self) -> Snapshot:
        """Every figure of the book, rows named by their order and not by their keys."""
        loans = {loan.pk: number for number, loan in enumerate(self.loans)}
        lines = {person.line.pk: number for number, person in enumerate(self.people)}
        people = {person.customer.pk: number for number, person in enumerate(self.people)}
        names = {**loans, **lines, **people}

        def told(row: Any) -> tuple[str, ...]:
            return tuple(str(names.get(value, value) if isinstance(value, UUID) else value) for value in row)

        return {name: sorted(map(told, rows)) for name, rows in self._rows()}

    def _rows(self) -> Iterator[tuple[str, Any]]:
        yield "journal", Posting.objects.values_list(
            "entry__effective_date", "entry__kind", "entry__product", "entry__customer", "entry__loan",
            "ledger_account", "side", "amount")  # fmt: skip
        columns = [field.attname for field in Loan._meta.concrete_fields]
        # Which night folds an ended loan is a matter of what was entered before it ran; what is posted is not.
        left_out = ("terms_id", "bank_card_id", "disclosure_id", "folded_date", "unfolded_date")
        kept = [name for name in columns if name not in left_out]
        yield "loans", Loan.objects.values_list(*kept)
        yield "instalments", Instalment.objects.values_list(*_but_keys(Instalment))
        yield "events", LoanEvent.objects.values_list(*_but_keys(LoanEvent, "reverses_id", "entry_id"))
        yield "repayments", Repayment.objects.values_list(*_but_keys(Repayment, "entry_id"))
        yield "allocations", RepaymentAllocation.objects.values_list(
            "repayment__loan", "repayment__amount", "instalment__number", "component", "amount")  # fmt: skip
        yield "accruals", ProductAccrual.objects.values_list(*_but_keys(ProductAccrual, "entry_id"))
        yield "facts", DelinquencyFact.objects.values_list(*_but_keys(DelinquencyFact))
        yield "tape", LoanTape.objects.values_list(*_but_keys(LoanTape))
        yield "lines", CreditLine.objects.values_list("pk", "state", "used_amount", "gifted_amount", "received_amount")
        yield "gifts", CreditGift.objects.values_list("customer", "recipient", "state", "amount", "returned_amount")
        yield "held", UnappliedMovement.objects.values_list("customer", "kind", "amount", "loan", "business_date")
        # A reminder looks at the moment it is written: what was paid before a late night needs none.
        told = Notification.objects.exclude(kind__in=("due_soon", "due_today", "overdue"))
        yield "notices", told.values_list("customer", "kind", "params", "business_date")


def _again(step: AnyStep, on: date) -> None:
    """A step of a night that is over, as by a worker that knows nothing of it."""
    if isinstance(step, RangedStep):
        with transaction.atomic():
            step.gather(on, [step.run(on, EVERYTHING)])
    else:
        step.run(on, lambda _done, _total: None)


def _yuan(dice: random.Random, fewest: int, most: int) -> Decimal:
    """So many fen, as an amount has its places."""
    return Decimal(dice.randint(fewest, most)).scaleb(-2)


def _but_keys(model: Any, *left_out: str) -> list[str]:
    names = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
    return [name for name in names if name not in left_out]


def lived(days: int, people: int, seed: int, *, outages: bool) -> tuple[int, Snapshot]:
    """A life in a transaction that is taken back; how many acts were done, and the book at its end."""
    with transaction.atomic(), mock.patch.object(timezone, "now", return_value=NOW):
        year = Year(days, people, seed, outages)
        found = year.live()
        transaction.set_rollback(True)
    return year.done, found


def differences(one: Snapshot, other: Snapshot) -> list[str]:
    """The rows that are only in one of them."""
    found = []
    for name, rows in one.items():
        left, right = _counted(rows), _counted(other[name])
        found += [f"{name} only on time: {row}" for row in left if left[row] > right.get(row, 0)]
        found += [f"{name} only after outages: {row}" for row in right if right[row] > left.get(row, 0)]
    return found


def _counted(rows: list[Any]) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for row in rows:
        counts[row] = counts.get(row, 0) + 1
    return counts


def year_compared(*, days: int, people: int, seed: int) -> str:
    """Both lives on a throw-away PostgreSQL; raises where their books differ."""
    with pg.throwaway_postgres() as server:
        database_use(server.database_create("year"))
        call_command("migrate", verbosity=0)
        done, calm = lived(days, people, seed, outages=False)
        _, troubled = lived(days, people, seed, outages=True)
        database_leave()
    if found := differences(calm, troubled):
        raise AssertionError("\n".join(found[:40]))
    return f"{days} days, {people} people, {done} acts, {sum(map(len, calm.values()))} rows equal"
