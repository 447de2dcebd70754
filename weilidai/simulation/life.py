"""Quarters lived through with the services customers and staff use and the nights that beat would ring for.

What people do stands in an agenda by day; between two days with something in it only nights pass, closed by the same
catch-up that closes the days after an outage.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from accounts.models import Customer
from accounts.services.device import device_touch
from loans.end_of_day.run import days_close
from loans.end_of_day.steps import STEPS
from loans.models import Loan, LoanPlan, LoanState
from loans.selectors.position import loan_position
from loans.selectors.quote import Request
from loans.services.loan import loan_request
from loans.services.repayment import repayment_make
from risk.models import AppealImage, CreditLine, InvitationBatch, LineState, ProofKind
from risk.services.appeal import appeal_submit
from risk.services.application import application_start
from risk.services.assessment import application_assess
from risk.services.asset_proof import asset_proof_submit
from risk.services.invitation import invitations_issue
from risk.tasks import limit_raises_advance_task, rate_review_advance_task
from weilidai.demo.applicant import papers_give, sign_and_verify
from weilidai.demo.bank import payouts_settle
from weilidai.demo.life import noon
from weilidai.lib.audit import Actor
from weilidai.lib.errors import DomainError
from weilidai.simulation.assumptions import Assumptions
from weilidai.simulation.behaviour import Behaviour, month_end, other_city
from weilidai.simulation.desk import Desk, officer_create, picture
from weilidai.simulation.people import Member, months_from, months_of

MAIN, OTHER = "weilidai", "jintiao"
HOUSE = Actor.system("simulation")
# The order of a day.
JOBS, DESK, ACTS, BANK, REPAYMENTS, EVENING = range(6)
Act = Callable[[date], None]


class Life:
    """`people` live from the first day to the last; every die is a person's own."""

    def __init__(self, people: list[Member], *, last: date, seed: int, assumed: Assumptions) -> None:
        self.a, self.seed = assumed, seed
        self.first: date = assumed.life["first_day"]
        self.last, self.months = last, months_of(self.first, last)
        self.people = {one.openid: one for one in people}
        self.customers: dict[str, Customer] = {}
        self.behaviour = Behaviour(
            people, seed=seed, first_day=self.first, history_months=assumed.life["history_months"]
        )
        self.desk = Desk(self.people, officer_create())
        self._agenda: list[tuple[date, int, int, Act]] = []
        self._asked: set[tuple[date, int]] = set()
        self._order = 0
        # Draws the house gave nothing for, by the code of the refusal.
        self.refused: Counter[str] = Counter()

    # --- Days ----------------------------------------------------------------------------------------------------

    def live(self, watch: Callable[[int, int], None] = lambda done, total: None) -> None:
        """From the first day to the night of the last one, which begins the next quarter."""
        self.customers = {row.openid: row for row in Customer.objects.all()}
        self._plan()
        today, total = self.first, (self.last - self.first).days + 1
        while self._agenda:
            day, _rank, _order, act = heapq.heappop(self._agenda)
            if day > today:
                self._nights(through=day - timedelta(days=1))
                today = day
                watch((day - self.first).days, total)
            act(day)
        self._nights(through=self.last)
        self._jobs(self.last + timedelta(days=1))
        watch(total, total)

    def _nights(self, through: date) -> None:
        days_close(through=through, steps=STEPS)

    def _at(self, day: date, rank: int, act: Act) -> None:
        """Puts something into the agenda, unless the life is over by then."""
        if day <= self.last:
            self._order += 1
            heapq.heappush(self._agenda, (day, rank, self._order, act))

    def _once(self, day: date, rank: int, act: Act) -> None:
        """What is done once a day, however many ask for it."""
        if (day, rank) not in self._asked:
            self._asked.add((day, rank))
            self._at(day, rank, act)

    def _plan(self) -> None:
        self.behaviour.trips = self._trips()
        for month in self.months:
            if month > self.first:
                self._at(month, JOBS, self._jobs)
            self._at(max(month, self.first), JOBS, self._invite)
            self._at(month_end(month), EVENING, self._month_report)
        for one in self.people.values():
            self._at(one.arrival, ACTS, partial(self._apply, one, MAIN))
            if one.tries_jintiao:
                self._at(one.arrival, ACTS, partial(self._apply, one, OTHER))

    def _trips(self) -> dict[tuple[int, date], str]:
        found = {}
        for one in self.people.values():
            dice = one.dice(self.seed, "trips")
            for month in self.months:
                if dice.random() < self.a.trips["month"]:
                    found[one.number, month] = other_city(one, dice)
        return found

    def _jobs(self, day: date) -> None:
        """Reviews and raises that the night began, as the workers of beat do them."""
        while rate_review_advance_task() or limit_raises_advance_task():
            continue

    def _invite(self, day: date) -> None:
        """The white list of the month: whoever will apply in it."""
        end = month_end(day.replace(day=1))
        arriving = [one for one in self.people.values() if day <= one.arrival <= end]
        for product in (MAIN, OTHER):
            openids = [one.openid for one in arriving if product == MAIN or one.tries_jintiao]
            if openids:
                invitations_issue(
                    openids=openids, product=product, source=InvitationBatch.Source.STAFF, reason="simulation",
                    actor=HOUSE, as_of=day, expires_date=end,
                )  # fmt: skip

    def _month_report(self, day: date) -> None:
        """The feeds of the month come in; logins from elsewhere freeze lines (R36), some of them appeal (R39)."""
        month = day.replace(day=1)
        self.behaviour.month_deliver(month)
        for one in self.people.values():
            dice = one.dice(self.seed, f"appeal-{month}")
            if (one.number, month) in self.behaviour.trips and dice.random() < self.a.trips["appeal"]:
                after = timedelta(days=1 + dice.randint(*self.a.trips["appeal_after_days"]))
                self._at(day + after, ACTS, partial(self._appeal, one))

    # --- Credit granted ------------------------------------------------------------------------------------------

    def _apply(self, one: Member, product: str, day: date) -> None:
        customer, at = self.customers[one.openid], noon(day)
        actor = Actor.of(customer)
        device = device_touch(
            customer=customer, fingerprint=f"{one.openid}-phone", user_agent="simulation", ip=None, at=at
        )
        application = application_start(
            customer=customer, product=product, actor=actor, as_of=day, at=at, ecny_wallet_consent=one.wallet_consent
        )
        if not customer.is_identity_verified:
            customer = self.customers[one.openid] = papers_give(customer, day, at)
        sign_and_verify(application, customer, device, day, at)
        decision = application_assess(application_id=application.pk, customer=customer, actor=actor, as_of=day, at=at)
        if decision.outcome == "approved":
            self._line_begin(one, product, day)
        elif decision.outcome == "referred":
            self._once(day + timedelta(days=1), DESK, self._desk)

    def _desk(self, day: date) -> None:
        before = set(CreditLine.objects.values_list("customer__openid", "product_id"))
        self.desk.referrals_decide(day, noon(day))
        self.desk.proofs_decide(day, noon(day))
        for openid, product in sorted(set(CreditLine.objects.values_list("customer__openid", "product_id")) - before):
            self._line_begin(self.people[openid], product, day)

    def _line_begin(self, one: Member, product: str, day: date) -> None:
        """What a person with a new line will do with it; savings and proofs with the main product only."""
        dice, b = one.dice(self.seed, f"borrowing-{product}"), self.a.borrowing
        if dice.random() < b["first_draw"]:
            self._at(day + timedelta(days=dice.randint(0, 3)), ACTS, partial(self._draw, one, product))
        for month in self.months:
            later = month + timedelta(days=dice.randrange(28))
            if dice.random() < b["draw_month"] and later > day + timedelta(days=3):
                self._at(later, ACTS, partial(self._draw, one, product))
        if product == MAIN:
            self._save(one, day)
            self._proofs(one, day)

    def _save(self, one: Member, day: date) -> None:
        dice, s = one.dice(self.seed, "savings"), self.a.savers
        if one.kind.occupation == "student" and dice.random() < 0.5:
            return
        if dice.random() < s["share"]:
            month = months_from(day, 1 + dice.randint(s["month_first"], s["month_last"]))[-1]
            fund, products = (dice.randrange(low, high) for low, high in (s["fund_amount"], s["wealth_amount"]))
            self.behaviour.savings[one.number] = (month, fund, products)

    def _proofs(self, one: Member, day: date) -> None:
        dice, p = one.dice(self.seed, "proofs"), self.a.proofs
        fate, both = dice.random(), p["both_savers" if one.number in self.behaviour.savings else "both"]
        kinds = list(ProofKind.values) if fate < both else list(ProofKind.values)[:1]
        if fate >= both + p["one"] or one.kind.occupation == "student":
            return
        other_name, when = dice.random() < p["other_name"], day + timedelta(days=dice.randint(*p["days_after"]))
        for kind in kinds:
            if other_name or dice.random() < p["unreadable"]:
                self.desk.bad_papers.add((one.number, kind))
            self._at(when, ACTS, partial(self._prove, one, kind))
            when += timedelta(days=dice.randint(*p["days_between"]))

    def _prove(self, one: Member, kind: str, day: date) -> None:
        line = self._line(one, MAIN)
        if line is None or line.state != LineState.ACTIVE:
            # Papers are taken for a line in use; the person tries again.
            self._at(day + timedelta(days=15), ACTS, partial(self._prove, one, kind))
            return
        customer = self.customers[one.openid]
        asset_proof_submit(
            line_id=line.pk, customer=customer, kind=kind, image=picture(f"{self.seed}-{one.number}-{kind}"),
            actor=Actor.of(customer), as_of=day, at=noon(day),
        )  # fmt: skip
        self._once(day + timedelta(days=2), DESK, self._desk)

    def _line(self, one: Member, product: str) -> CreditLine | None:
        lines = CreditLine.objects.filter(customer__openid=one.openid, product=product)
        return lines.exclude(state=LineState.CLOSED).first()

    def _appeal(self, one: Member, day: date) -> None:
        customer = self.customers[one.openid]
        for line in CreditLine.objects.filter(customer=customer, state=LineState.FROZEN).order_by("product_id"):
            name = f"{self.seed}-{one.number}-{day}-{line.product_id}"
            appeal_submit(
                line_id=line.pk, customer=customer, statement="出差", actor=Actor.of(customer), as_of=day, at=noon(day),
                files={kind: picture(f"{name}-{kind}") for kind in AppealImage.Kind.values},
            )  # fmt: skip

    # --- Credit used ---------------------------------------------------------------------------------------------

    def _draw(self, one: Member, product: str, day: date) -> None:
        line = self._line(one, product)
        dice, b = one.dice(self.seed, f"draw-{product}-{day}"), self.a.borrowing
        if line is None or line.state != LineState.ACTIVE or self._has_stopped(one, day):
            return
        low, high = b["amount_share"]
        hundreds = int(line.available_amount * Decimal(str(round(dice.uniform(low, high), 4))) // 100)
        if not hundreds:
            return
        amount, customer = Decimal(hundreds * 100), self.customers[one.openid]
        card = customer.bank_cards.first()
        try:
            loan_request(
                customer=customer, credit_line_id=line.pk, request=self._request(dice, amount),
                bank_card_id=card.pk if card else None, purpose=dice.choice(b["purposes"]),
                device=customer.devices.first(), as_of=day, at=noon(day), actor=Actor.of(customer),
            )  # fmt: skip
        except DomainError as refused:
            # Over the cap or the household's room: a person asks for what the house does not give.
            self.refused[refused.code] += 1
            return
        self._once(day, BANK, self._bank)

    def _request(self, dice: random.Random, amount: Decimal) -> Request:
        if amount >= 1000 and dice.random() < self.a.borrowing["instalments"]:
            periods = dice.choice(self.a.borrowing["periods"])
            return Request(amount=amount, plan=LoanPlan.INSTALMENTS, days=None, periods=periods)
        return Request(amount=amount, plan=LoanPlan.SINGLE, days=dice.choice(self.a.borrowing["days"]), periods=None)

    def _bank(self, day: date) -> None:
        payouts_settle(as_of=day, at=noon(day))
        loans = Loan.objects.filter(start_date=day, state=LoanState.ACTIVE).select_related("customer")
        for loan in loans.order_by("customer__openid", "product_id").prefetch_related("instalments"):
            self._repayments_plan(self.people[loan.customer.openid], loan)

    def _repayments_plan(self, one: Member, loan: Loan) -> None:
        dice = one.dice(self.seed, f"repaying-{loan.product_id}-{loan.start_date}")
        for row in sorted(loan.instalments.all(), key=lambda row: row.number):
            day = self._payday(one, dice, row.due_date, single=loan.plan == LoanPlan.SINGLE)
            if not self._has_stopped(one, day):
                self._at(max(day, row.start_date), REPAYMENTS, partial(self._repay, loan.pk))

    def _payday(self, one: Member, dice: random.Random, due: date, *, single: bool) -> date:
        r = self.a.repaying
        careless = one.dice(self.seed, "careless").random() < r["careless_generous" if one.generous else "careless"]
        if dice.random() < r["careless_late" if careless else "prompt_late"]:
            return due + timedelta(days=dice.randint(*r["late_days"]))
        return due - timedelta(days=dice.randint(1, 5)) if single and dice.random() < r["early"] else due

    def _has_stopped(self, one: Member, day: date) -> bool:
        """Whether the person has stopped paying for good by then."""
        dice, r = one.dice(self.seed, "stops"), self.a.repaying
        stops = dice.random() < r["stops_generous" if one.generous else "stops"]
        return stops and day >= one.arrival + timedelta(days=dice.randint(20, 240))

    def _repay(self, loan_id: Any, day: date) -> None:
        loan = Loan.objects.select_related("customer").get(pk=loan_id)
        if loan.state != LoanState.ACTIVE:
            return
        position = loan_position(loan, day)
        amount = position.debt_amount if loan.plan == LoanPlan.SINGLE else position.due_amount
        if amount > 0:
            repayment_make(
                loan_id=loan.pk, customer=loan.customer, amount=amount, as_of=day, at=noon(day),
                actor=Actor.of(loan.customer),
            )  # fmt: skip
