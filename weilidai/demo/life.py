"""Some weeks of lending, lived through with the services customers and staff use, day by day."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from accounts.models import Customer
from accounts.services.device import device_touch
from loans.end_of_day.run import days_close
from loans.end_of_day.steps import STEPS
from loans.models import Loan, LoanPlan, LoanState
from loans.selectors.position import loan_position
from loans.selectors.quote import Request
from loans.services.loan import loan_request
from loans.services.repayment import repayment_make
from risk.models import CreditLine, FreezeReason, InvitationBatch, LineState
from risk.services.application import application_start
from risk.services.assessment import application_assess
from risk.services.credit_line import credit_line_freeze
from risk.services.invitation import invitations_issue
from weilidai.demo import assumptions as a
from weilidai.demo.applicant import papers_give, sign_and_verify
from weilidai.demo.bank import payouts_settle
from weilidai.demo.people import mood_of
from weilidai.demo.relief import Relief
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import SHANGHAI
from weilidai.lib.chance import seeded
from weilidai.lib.errors import DomainError

PRODUCTS = ("weilidai", "weilidai", "weilidai", "jiebei", "jintiao")
STAFF = Actor.system("demo")


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), SHANGHAI)


class Life:
    """`rnd` decides who does what when; everything else is the real system's answer."""

    def __init__(self, *, first: date, last: date, seed: int) -> None:
        self.first, self.last = first, last
        self.rnd = seeded(seed)
        self.relief = Relief(last=last)

    def live(self, watch: Callable[[int, int], None]) -> None:
        """From `first` to `last`, closing every day but the last."""
        customers = list(Customer.objects.filter(openid__startswith="demo-").order_by("openid"))
        invited = [customer for customer in customers if self.rnd.random() < a.INVITED_SHARE]
        self._invite(invited)
        arrivals = self._arrivals(invited)
        total = (self.last - self.first).days
        for number in range(total + 1):
            day = self.first + timedelta(days=number)
            self._day(day, arrivals.get(day, []))
            if day < self.last:
                days_close(through=day, steps=STEPS)
            watch(number, total)

    def _invite(self, invited: list[Customer]) -> None:
        for product in dict.fromkeys(PRODUCTS):
            openids = [customer.openid for customer in invited if self._product(customer) == product]
            invitations_issue(
                openids=openids,
                product=product,
                source=InvitationBatch.Source.PRESCREENING,
                reason="预筛选",
                actor=STAFF,
                as_of=self.first,
                expires_date=self.last + timedelta(days=10),
            )

    def _product(self, customer: Customer) -> str:
        return PRODUCTS[int(customer.openid.split("-")[1]) % len(PRODUCTS)]

    def _arrivals(self, invited: list[Customer]) -> dict[date, list[Customer]]:
        """Most come in the first days, a few as late as today."""
        arrivals: dict[date, list[Customer]] = {}
        span = (self.last - self.first).days
        for customer in invited:
            if self.rnd.random() < a.APPLIES_SHARE:
                offset = min(int(self.rnd.expovariate(1 / 9)), span)
                arrivals.setdefault(self.first + timedelta(days=offset), []).append(customer)
        return arrivals

    def _day(self, day: date, arriving: list[Customer]) -> None:
        for customer in arriving:
            line = self._apply(customer, day)
            if line is not None and self.rnd.random() < a.DRAWS_SHARE:
                self._draw(customer, line, day)
        payouts_settle(as_of=day, at=noon(day))
        self._repay(day)
        self.relief.day(day, noon(day))
        if day == self.last - timedelta(days=2):
            self._freeze(day)

    def _apply(self, customer: Customer, day: date) -> CreditLine | None:
        at, actor = noon(day), Actor.of(customer)
        device = device_touch(
            customer=customer, fingerprint=f"{customer.openid}-phone", user_agent="demo", ip="10.0.0.1", at=at
        )
        try:
            application = application_start(
                customer=customer, product=self._product(customer), actor=actor, as_of=day, at=at
            )
            if self.rnd.random() < 0.1:
                return None
            customer = papers_give(customer, day, at)
            sign_and_verify(application, customer, device, day, at)
            application_assess(application_id=application.pk, customer=customer, actor=actor, as_of=day, at=at)
        except DomainError:
            # The system said no to a made-up person: that is part of the picture.
            return None
        return CreditLine.objects.filter(customer=customer, state=LineState.ACTIVE).first()

    def _draw(self, customer: Customer, line: CreditLine, day: date) -> None:
        share = Decimal(self.rnd.randrange(20, 90)) / 100
        amount = max(Decimal(100), (line.limit_amount * share / 100).quantize(Decimal(1)) * 100)
        card, days = customer.bank_cards.first(), self.rnd.choice((7, 14, 30, 30, 60))
        try:
            loan_request(
                customer=customer,
                credit_line_id=line.pk,
                request=Request(amount=amount, plan=LoanPlan.SINGLE, days=days, periods=None),
                bank_card_id=card.pk if card else None,
                purpose=self.rnd.choice(("daily", "education", "medical", "travel", "appliances")),
                device=customer.devices.first(),
                as_of=day,
                at=noon(day),
                actor=Actor.of(customer),
            )
        except DomainError:
            # Over the cost cap or the limit: the made-up person draws nothing.
            return

    def _repay(self, day: date) -> None:
        loans = Loan.objects.filter(state=LoanState.ACTIVE, due_date__lte=day + timedelta(days=2))
        for loan in loans.select_related("customer").prefetch_related("events").order_by("pk"):
            mood = mood_of(loan.customer.openid)
            on_time = mood < a.REPAYS_ON_TIME_SHARE
            late = mood < a.REPAYS_ON_TIME_SHARE + a.REPAYS_LATE_SHARE and loan.due_date is not None
            days_late = 4 + int(mood * 20)
            if on_time or (late and loan.due_date and day >= loan.due_date + timedelta(days=days_late)):
                self._repay_all(loan, day)

    def _repay_all(self, loan: Loan, day: date) -> None:
        repayment_make(
            loan_id=loan.pk,
            customer=loan.customer,
            amount=loan_position(loan, day).debt_amount,
            as_of=day,
            at=noon(day),
            actor=Actor.of(loan.customer),
        )

    def _freeze(self, day: date) -> None:
        for line in CreditLine.objects.filter(state=LineState.ACTIVE).order_by("pk"):
            if self.rnd.random() < a.FROZEN_SHARE:
                credit_line_freeze(
                    line_id=line.pk,
                    reason=FreezeReason.UNUSUAL_PLACE,
                    actor=STAFF,
                    as_of=day,
                    at=noon(day),
                    note="异地登录",
                )
