"""New schedules put before customers who cannot pay, and what they and staff make of each offer (R54, R59)."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from accounts.models import StaffUser
from loans.maths.rearrangement import Agreed
from loans.models import Loan, LoanState, RearrangementOffer
from loans.services.approval import approval_approve, approval_reject, approval_request
from loans.services.rearrangement_answer import offer_confirm, offer_disclose, offer_refuse
from loans.services.repayment import repayment_make
from risk.models import LineState
from weilidai.demo import assumptions as a
from weilidai.demo.people import mood_of
from weilidai.lib.audit import Actor
from weilidai.lib.errors import DomainError

READ_FOR = timedelta(minutes=2)


class Relief:
    """One person asks, another agrees: the offers of `a.OFFERS` by the day `last`, each for another loan."""

    def __init__(self, *, last: date) -> None:
        self.last = last
        self.asking = StaffUser.objects.get(username="collector")
        self.agreeing = StaffUser.objects.get(username="supervisor")
        self.made: dict[a.OfferStory, RearrangementOffer] = {}

    def day(self, day: date, at: datetime) -> None:
        back = (self.last - day).days
        for story in a.OFFERS:
            if story.made_back == back:
                self._offer(story, day, at)
            if story.ended_back == back and story in self.made:
                ACTS[story.word](self, self.made[story], day, at)

    def _offer(self, story: a.OfferStory, day: date, at: datetime) -> None:
        """To the first whose loan the rules let have it."""
        for loan in self._in_difficulty():
            try:
                self.made[story] = self._propose(loan, story, day, at)
            except DomainError:
                # The system said no to this loan: the next one is asked for.
                continue
            return

    def _in_difficulty(self) -> Iterator[Loan]:
        """Loans of those who never pay, by their due dates; no loan is offered anything twice."""
        loans = Loan.objects.filter(
            state=LoanState.ACTIVE, credit_line__state=LineState.ACTIVE, rearrangement_offers__isnull=True
        )
        for loan in loans.select_related("customer").order_by("next_due_date", "customer__openid", "pk"):
            if mood_of(loan.customer.openid) >= a.REPAYS_ON_TIME_SHARE + a.REPAYS_LATE_SHARE:
                yield loan

    def _propose(self, loan: Loan, story: a.OfferStory, day: date, at: datetime) -> RearrangementOffer:
        begins = day + timedelta(days=story.begins_in)
        agreed = Agreed(
            periods=story.periods,
            first_due_date=begins + timedelta(days=30),
            daily_rate=loan.daily_rate * story.rate_share,
            waives_penalty=True,
        )
        terms = {name: str(value) for name, value in agreed.content().items()}
        asked = approval_request(
            kind="rearrange", customer=loan.customer, loan=loan, reason=story.why, user=self.asking, as_of=day, at=at,
            payload={**terms, "consent": "app", "consent_reference": "", "consent_reason": ""}, begins_date=begins,
        )  # fmt: skip
        approval_approve(approval_id=asked.pk, user=self.agreeing, as_of=day, at=at, note="符合纾困政策")
        return RearrangementOffer.objects.select_related("customer").get(approval=asked)

    def confirm(self, offer: RearrangementOffer, day: date, at: datetime) -> None:
        customer = offer.customer
        form = offer_disclose(offer_id=offer.pk, customer=customer, as_of=day, at=at)
        offer_confirm(
            offer_id=offer.pk, customer=customer, disclosure_id=form.pk, device=customer.devices.first(), as_of=day,
            at=at + READ_FOR,
        )  # fmt: skip

    def refuse(self, offer: RearrangementOffer, day: date, at: datetime) -> None:
        offer_refuse(offer_id=offer.pk, customer=offer.customer, answer="下周发工资，会一次还清", as_of=day, at=at)

    def pay(self, offer: RearrangementOffer, day: date, at: datetime) -> None:
        """The loan is no longer the one the offer was about."""
        repayment_make(
            loan_id=offer.loan_id, customer=offer.customer, amount=a.PAID_MEANWHILE, as_of=day, at=at,
            actor=Actor.of(offer.customer),
        )  # fmt: skip

    def withdraw(self, offer: RearrangementOffer, day: date, at: datetime) -> None:
        approval_reject(approval_id=offer.approval_id, user=self.agreeing, as_of=day, at=at, note="客户提供的材料不实")


ACTS = {"confirm": Relief.confirm, "refuse": Relief.refuse, "pay": Relief.pay, "withdraw": Relief.withdraw}
