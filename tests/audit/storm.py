"""Customers, staff, the bank's machine and a night all at once on the same few lines, over real connections.

What may not happen: an answer of 500, an act refused for a reason of ours, one key with two effects, a limit passed,
an approval carried out twice, or a book that does not add up afterwards.
"""

import logging
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.models import F
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import CustomerToken, StaffUser
from loans.end_of_day.run import StepBusy, days_close
from loans.end_of_day.steps import STEPS
from loans.models import UNDECIDED, Approval, CreditGift, JournalEntry, Loan, Payout, Refund, Repayment
from loans.services import correction
from loans.services.approval import approval_approve, approval_request
from loans.services.history import Act
from loans.services.payout import payouts_advance
from loans.services.sandbox_bank import sandbox_callbacks_deliver
from loans.services.unapplied import receipt_enter
from risk.models import CreditLine, FreezeReason, Friendship
from risk.services.credit_line import credit_line_freeze, credit_line_unfreeze
from tests.audit.database import database_leave, database_use
from tests.loans.builders import NOW, TODAY, Borrower, borrower, day_set, line_for, policy, turns
from tests.loans.life import faults
from tests.support import postgres as pg
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError
from weilidai.lib.models import IdempotencyRecord

THREADS, PEOPLE, DAYS = 64, 6, 4
ACTS = {
    "draw": 10, "repay": 12, "settle": 3, "ahead": 2, "offer": 5, "accept": 6, "revoke": 3, "freeze": 2, "unfreeze": 3,
    "late": 2, "reverse": 2, "write_off": 1, "restore": 1, "return_payout": 1, "receipt": 2, "refund": 2, "bank": 12,
}  # fmt: skip


class Storm:
    """The people, and one act of chance at a time; acts are called from any thread."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        day_set()
        policy()
        policy("jiebei", with_interest=True, cost_cap_enforced=False)
        self.people = [self._person(number) for number in range(PEOPLE)]
        self.lines = [[who.line, line_for(who.customer, "jiebei", limit="3000.00")] for who in self.people]
        for one in self.people:
            for other in self.people:
                if one is not other:
                    Friendship.objects.create(row_id=f"{one.customer.openid}-{other.customer.openid}",
                                              customer=one.customer, friend_openid=other.customer.openid,
                                              since_date=date(2025, 1, 1))  # fmt: skip
        self.tokens = [CustomerToken.objects.create(user=who.customer)[1] for who in self.people]
        self.told: Counter[str] = Counter()
        self._begin()

    def _person(self, number: int) -> Borrower:
        who = borrower(f"p{number}", number=f"62220202{number:09}00")
        who.customer.birth_date, who.customer.identity_verified_at = TODAY.replace(year=1990), NOW
        who.customer.save()
        return who

    def _begin(self) -> None:
        """Something of everything, so that the first acts already have what to fight over."""
        for who, lines in zip(self.people, self.lines, strict=True):
            who.draw("1000.00", days=1)
            who.draw("1200.00", plan="instalments", periods=3)
            who.draw("500.00", credit_line_id=lines[1].pk)
        turns(3)
        self.drawn_before = Loan.objects.count()
        for number in range(PEOPLE):
            dice = random.Random(f"{self.seed}-begin-{number}")
            for act in ("receipt", "repay", "offer", "offer"):
                self.told[f"{act} {getattr(self, f'_{act}')(number, dice)}"] += 1

    @cached_property
    def staff(self) -> list[StaffUser]:
        return [StaffUser.objects.create(username=name) for name in ("fang", "gu", "han")]

    def act(self, number: int) -> None:
        dice = random.Random(f"{self.seed}-{number}")
        name = dice.choices(list(ACTS), list(ACTS.values()))[0]
        try:
            outcome = getattr(self, f"_{name}")(dice.randrange(PEOPLE), dice)
        except DomainError as refused:
            outcome = refused.code
        except OperationalError as error:
            # An act of staff has no second try of its own; whoever did it is asked to send it again.
            if getattr(error.__cause__, "sqlstate", "") != "40P01":
                raise
            outcome = "deadlock"
        finally:
            connections.close_all()
        self.told[f"{name} {outcome}"] += 1

    # --- Customers, over HTTP ---

    def _post(self, who: int, path: str, body: dict[str, Any] | None = None, key: str = "") -> str:
        client = APIClient(raise_request_exception=False)
        device = self.people[who].device.fingerprint
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.tokens[who]}", HTTP_X_DEVICE_ID=device)
        key = key or uuid4().hex
        answer = client.post(f"/api/v1/{path}", body or {}, format="json", headers={"Idempotency-Key": key})
        if answer.status_code >= 500 and answer.json().get("code") != "try_again":
            raise AssertionError(f"{path}: {answer.status_code} {answer.content!r}")
        return str(answer.json().get("code", "done")) if answer.status_code >= 400 else "done"

    def _draw(self, who: int, dice: random.Random) -> str:
        line, days = dice.choice(self.lines[who]), str(dice.randint(1000, 1500))
        body = {"credit_line": str(line.pk), "amount": f"{days}.00", "plan": "single", "purpose": "daily",
                "bank_card": str(self.people[who].card.pk)}  # fmt: skip
        return self._post(who, "loans", body, dice.choice(["", f"again-{dice.randrange(8)}"]))

    def _of(self, rows: Any, dice: random.Random) -> Any:
        found = list(rows.order_by("pk"))
        if not found:
            raise DomainError
        return dice.choice(found)

    def _loan(self, who: int, dice: random.Random, *states: str) -> UUID:
        rows = Loan.objects.filter(customer=self.people[who].customer, state__in=states)
        found: UUID = self._of(rows, dice).pk
        return found

    def _repay(self, who: int, dice: random.Random) -> str:
        amount = f"{dice.randint(1, 60000) / 100:.2f}"
        return self._post(who, f"loans/{self._loan(who, dice, 'active')}/repayments", {"amount": amount})

    def _settle(self, who: int, dice: random.Random) -> str:
        return self._post(who, f"loans/{self._loan(who, dice, 'active')}/settlement")

    def _ahead(self, who: int, dice: random.Random) -> str:
        return self._post(who, f"loans/{self._loan(who, dice, 'active')}/prepayments", {"periods": 1})

    def _offer(self, who: int, dice: random.Random) -> str:
        friend = self.people[(who + dice.randrange(1, PEOPLE)) % PEOPLE].customer.openid
        amount = f"{dice.randint(100, 2000)}.00"
        return self._post(who, "credit-gifts", {"credit_line": str(self.lines[who][0].pk), "to": friend,
                                                "amount": amount})  # fmt: skip

    def _accept(self, who: int, dice: random.Random) -> str:
        gift = self._of(CreditGift.objects.filter(recipient=self.people[who].customer, state="offered"), dice)
        return self._post(who, f"credit-gifts/{gift.pk}/acceptance")

    def _revoke(self, who: int, dice: random.Random) -> str:
        gift = self._of(CreditGift.objects.filter(customer=self.people[who].customer), dice)
        return self._post(who, f"credit-gifts/{gift.pk}/revocation")

    # --- Staff ---

    def _edge(self) -> dict[str, Any]:
        return {"as_of": current_business_date(), "at": timezone.now(), "actor": Actor("staff", "7", "finance")}

    def _act(self) -> Act:
        return Act(Actor("staff", "7", "finance"), current_business_date(), timezone.now(), "as the bank says")

    def _freeze(self, who: int, dice: random.Random) -> str:
        credit_line_freeze(line_id=self.lines[who][0].pk, reason=FreezeReason.STAFF, **self._edge())
        return "done"

    def _unfreeze(self, who: int, dice: random.Random) -> str:
        credit_line_unfreeze(line_id=self.lines[who][0].pk, reason="looked at", **self._edge())
        return "done"

    def _late(self, who: int, dice: random.Random) -> str:
        loan = self._loan(who, dice, "active", "settled", "written_off")
        correction.repayment_enter_late(loan_id=loan, amount=Decimal(f"{dice.randint(100, 20000) / 100:.2f}"),
                                        effective_date=TODAY, act=self._act())  # fmt: skip
        return "done"

    def _reverse(self, who: int, dice: random.Random) -> str:
        paid = self._of(Repayment.objects.filter(customer=self.people[who].customer, reversed_date=None), dice)
        correction.repayment_reverse(repayment_id=paid.pk, act=self._act())
        return "done"

    def _write_off(self, who: int, dice: random.Random) -> str:
        correction.loan_write_off(loan_id=self._loan(who, dice, "active"), act=self._act())
        return "done"

    def _restore(self, who: int, dice: random.Random) -> str:
        correction.write_off_reverse(loan_id=self._loan(who, dice, "written_off"), act=self._act())
        return "done"

    def _return_payout(self, who: int, dice: random.Random) -> str:
        correction.payout_return(loan_id=self._loan(who, dice, "active", "settled"), act=self._act())
        return "done"

    def _receipt(self, who: int, dice: random.Random) -> str:
        receipt_enter(customer=self.people[who].customer, amount=Decimal(f"{dice.randint(100, 50000) / 100:.2f}"),
                      payer_name="王", bank_reference=uuid4().hex, received_date=TODAY, **self._edge())  # fmt: skip
        return "done"

    def _refund(self, who: int, dice: random.Random) -> str:
        """Asked for once; two others agree at the same moment."""
        person, edge = self.people[who], {"as_of": current_business_date(), "at": timezone.now()}
        asked = approval_request(
            kind="refund", customer=person.customer, reason="statement", user=self.staff[0],
            payload={"bank_card": str(person.card.pk), "amount": f"{dice.randint(100, 9000) / 100:.2f}"}, **edge,
        )  # fmt: skip

        def agree(user: StaffUser) -> bool:
            try:
                approval_approve(approval_id=asked.pk, user=user, **edge)
            except DomainError:
                return False
            finally:
                connections.close_all()
            return True

        with ThreadPoolExecutor(2) as pool:
            agreed = list(pool.map(agree, self.staff[1:]))
        if sum(agreed) > 1:
            raise AssertionError(f"the refund {asked.pk} was agreed to twice")
        return "done" if any(agreed) else "refused"

    # --- Machines ---

    def _bank(self, who: int, dice: random.Random) -> str:
        payouts_advance(at=timezone.now(), as_of=current_business_date())
        sandbox_callbacks_deliver(at=timezone.now(), as_of=current_business_date())
        return "done"

    def night(self) -> None:
        """Closes a day while the others go on."""
        try:
            days_close(through=current_business_date(), steps=STEPS)
        except StepBusy:
            self.told["night busy"] += 1
        finally:
            connections.close_all()


def storm(count: int, seed: int) -> str:
    """`count` acts of 64 threads; raises where something of the list above happened."""
    logging.disable(logging.CRITICAL)
    with pg.throwaway_postgres() as server:
        database_use(server.database_create("storm"))
        connection.settings_dict["OPTIONS"]["pool"] |= {"max_size": THREADS * 2 + 8, "timeout": 120}
        call_command("migrate", verbosity=0)
        found = Storm(seed)
        _ = found.staff
        database_leave()
        blow(found, count)
        problems = afterwards(found)
        told = ", ".join(f"{name} {times}" for name, times in sorted(found.told.items()))
        database_leave()
    if problems:
        raise AssertionError("\n".join([told, *problems]))
    return f"{count} acts by {THREADS} threads and {DAYS} nights: {told}"


def blow(storm: Storm, count: int) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = []
        for number in range(count):
            jobs.append(pool.submit(storm.act, number))
            if number % (count // DAYS or 1) == count // DAYS // 2:
                jobs.append(pool.submit(storm.night))
        for job in jobs:
            job.result()


def afterwards(storm: Storm) -> list[str]:
    """What does not hold, in words."""
    for _ in range(40):
        storm._bank(0, random.Random(0))
        if not Payout.objects.filter(state__in=UNDECIDED).update(next_attempt_at=timezone.now(), claimed_until=None):
            break
    problems = [str(fault) for fault in faults()]
    over = CreditLine.objects.filter(used_amount__gt=F("limit_amount") - F("gifted_amount") + F("received_amount"))
    problems += [f"{line}: more used than there is" for line in over]
    counts = {
        "refunds and their payouts": (Refund.objects.count(), Payout.objects.filter(loan=None).count()),
        "refunds and agreed requests": (
            Refund.objects.count(), Approval.objects.filter(kind="refund", state="approved").count()
        ),
        "loans and accepted requests": (
            Loan.objects.count() - storm.drawn_before,
            IdempotencyRecord.objects.filter(request_path="POST /api/v1/loans", response_code=202).count(),
        ),
        "loans paid out and their entries": (
            Loan.objects.exclude(start_date=None).count(), JournalEntry.objects.filter(kind="disbursement").count()
        ),
    }  # fmt: skip
    return problems + [f"{name}: {one} and {other}" for name, (one, other) in counts.items() if one != other]
