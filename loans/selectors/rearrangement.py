"""What a new schedule would mean for a loan in difficulty: the old one beside the new, its cost, what is given up."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from loans.errors import NothingToRearrange, RearrangementInvalid
from loans.maths.allocation import Component, Due
from loans.maths.book import Book
from loans.maths.cost import apr, check_cap, schedule_apr, schedule_exposure, schedule_irr
from loans.maths.dates import add_months
from loans.maths.rearrangement import Agreed, Brought
from loans.maths.schedule import ScheduleRow, total_cost
from loans.maths.state import LoanPosition, position_of, replay
from loans.maths.terms import EventKind, LoanEvent, LoanTerms
from loans.models import Loan, LoanState, Rearrangement
from loans.selectors.collection_policy import collection_figures_at
from loans.selectors.position import loan_events, loan_terms
from risk.models.product import RegulationParameter
from risk.selectors.policy import regulation
from weilidai.lib.money import ZERO


@dataclass(frozen=True)
class Proposal:
    """A rearrangement that was not made: the loan before and after it on the same day."""

    loan: Loan
    agreed: Agreed
    on: date
    old: Book
    new: LoanTerms
    before: LoanPosition
    after: LoanPosition

    @property
    def brought(self) -> Brought:
        if self.new.brought is None:
            raise ValueError("the terms of a rearrangement bring something forward")
        return self.new.brought

    @property
    def schedule(self) -> tuple[ScheduleRow, ...]:
        return self.new.schedule

    @property
    def old_rest(self) -> tuple[Due, ...]:
        """What is still to pay by the old schedule, fees of later periods at their full amounts."""
        dues = (self._old_due(row) for row in self.old.terms.schedule)
        return tuple(due for due in dues if due.total)

    def _old_due(self, row: ScheduleRow) -> Due:
        due = self.old.due(row)
        if self.old.has_started(row) or not due.principal:
            return due
        return replace(due, fee=row.fee - self.old.paid(row, Component.FEE))

    @property
    def principal(self) -> Decimal:
        return self.before.outstanding_principal

    @property
    def waived_claim(self) -> Decimal:
        """The claim that is given up: what was charged of it and what still waited for room."""
        return self.before.penalty_claim - self.after.penalty_claim + self.waived_amount

    @property
    def waived_amount(self) -> Decimal:
        """The part of it that was charged: a loss in the books."""
        return self.after.waived_amount - self.before.waived_amount

    @cached_property
    def own_rows(self) -> tuple[ScheduleRow, ...]:
        """The new rows without what they bring forward: what the new schedule itself costs."""
        first, *rest = self.schedule
        own = replace(first, interest=first.interest - self.brought.interest, fee=ZERO)
        return (own, *rest)

    @property
    def total_cost(self) -> Decimal:
        return total_cost(self.own_rows)

    @property
    def total_repayment(self) -> Decimal:
        """What the customer pays in all by the new schedule; a claim that was kept comes on top as it is charged."""
        return sum((row.total for row in self.schedule), ZERO) + self.after.penalty_unpaid

    @cached_property
    def apr(self) -> Decimal:
        return schedule_apr(self.on, self.own_rows)

    @cached_property
    def irr(self) -> Decimal:
        return schedule_irr(self.on, self.own_rows)

    @cached_property
    def life_apr(self) -> Decimal:
        """Over the whole life of the loan, should the new schedule be kept: what the cost cap looks at."""
        charged = self.after.interest_accrued + self.after.fees_charged + self.after.penalty_charged
        cost = charged - self.after.waived_amount + self.total_cost
        return apr(cost, self.before.exposure + schedule_exposure(self.on, self.own_rows))


def rearrangement_propose(loan: Loan, agreed: Agreed, on: date) -> Proposal:
    """The loan with that schedule from `on`.

    Raises NothingToRearrange, RearrangementInvalid (a field beyond what is allowed: no price is raised and no due date
    comes earlier), CostCapExceeded.
    """
    if loan.start_date is None or loan.state != LoanState.ACTIVE:
        raise NothingToRearrange
    old = replay(loan_terms(loan), loan_events(loan), on)
    book = old.book(on)
    before = position_of(book)
    if not before.outstanding_principal:
        raise NothingToRearrange
    _agreed_check(agreed, book)
    new = replay(loan_terms(loan), [*loan_events(loan), LoanEvent(on, EventKind.REARRANGEMENT, agreed=agreed)], on)
    found = Proposal(loan, agreed, on, book, new.terms, before, position_of(new.book(on)))
    check_cap(found.life_apr, new.terms.cost_cap_rate)
    return found


def _agreed_check(agreed: Agreed, book: Book) -> None:
    """Beyond the figures of the policy a value is a slip of the pen, not relief."""
    on, ahead = book.on, [row.due_date for row in book.terms.schedule if row.due_date > book.on]
    figures = collection_figures_at(on)
    if not on < agreed.first_due_date <= add_months(on, figures.relief_grace_months):
        detail = _("After the day it begins, and at most %(months)d months later")
        raise _invalid("first_due_date", detail % {"months": figures.relief_grace_months})
    if not max(len(ahead), 1) <= agreed.periods <= figures.relief_periods:
        detail = _("From %(least)d to %(most)d periods") % {
            "least": max(len(ahead), 1),
            "most": figures.relief_periods,
        }
        raise _invalid("periods", detail)
    if any(new < old for new, old in zip(agreed.due_dates, ahead, strict=False)):
        raise _invalid("first_due_date", _("No instalment may fall due earlier than it does now"))
    most = current_rate(book)
    if not ZERO <= agreed.daily_rate <= most:
        raise _invalid("daily_rate", _("At most the present rate of %(rate)s a day") % {"rate": f"{most:.6f}"})


def current_rate(book: Book) -> Decimal:
    """What outstanding principal bears a day now; 0 where a fee stands in place of interest."""
    return book.terms.daily_rate if book.terms.bears_interest else ZERO


def _invalid(field: str, detail: str) -> RearrangementInvalid:
    return RearrangementInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])


def standing_rearrangements(loan: Loan) -> QuerySet[Rearrangement]:
    """Those that were not undone, the newest first."""
    return Rearrangement.objects.filter(loan=loan, event__reversed_by__isnull=True).order_by("-version")


def class_floor(loan: Loan, proposal: Proposal) -> tuple[int, date]:
    """How many days past due the loan is classed as at least, and up to which day (R54).

    Whoever is rearranged again while under observation, or was that late already, is not classed better than that. The
    observation counts from the first new due date.
    """
    on = proposal.on
    again = int(regulation(RegulationParameter.Name.REARRANGED_AGAIN_DAYS, on))
    days = int(regulation(RegulationParameter.Name.REARRANGED_CLASS_DAYS, on))
    watched = standing_rearrangements(loan).filter(class_floor_until_date__gte=on).exists()
    if watched or proposal.before.days_past_due >= again:
        days = again
    watch = timedelta(days=int(regulation(RegulationParameter.Name.REARRANGED_WATCH_DAYS, on)))
    return days, proposal.agreed.first_due_date + watch
