"""Loans as customers see them: figures on a date, schedules, and how fast money went out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import ceil
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects

from accounts.models import Customer
from loans.maths.delinquency import bucket_of
from loans.maths.schedule import ScheduleRow
from loans.maths.state import InstalmentPosition, next_due_of, position_of
from loans.maths.terms import LoanTerms
from loans.models import CostDisclosure, Loan, LoanState, OfferState, Rearrangement, RearrangementOffer
from loans.selectors.position import loan_book, loan_terms
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.money import ZERO


@dataclass(frozen=True)
class LoanFigures:
    """A loan on a business date; all zero while the money is on its way."""

    days_past_due: int = 0
    bucket: str = bucket_of(0)
    outstanding_principal: Decimal = ZERO
    debt_amount: Decimal = ZERO
    due_amount: Decimal = ZERO
    penalty_unpaid: Decimal = ZERO
    next_due_date: date | None = None
    next_due_amount: Decimal | None = None


@dataclass(frozen=True)
class LoanSeen:
    """A loan as it stands on a date: its figures, the new schedule in force, and the one it is offered."""

    loan: Loan
    figures: LoanFigures
    rearrangement: Rearrangement | None
    offer: RearrangementOffer | None


@dataclass(frozen=True)
class ScheduleLine:
    """One due date as it stands: what was disclosed, what is charged and paid by now."""

    row: ScheduleRow
    now: InstalmentPosition | None

    @property
    def is_settled(self) -> bool:
        """Paid up; a due date that was replaced is so only where nothing of it went on."""
        if self.now is None or self.now.outstanding_principal or self.now.unpaid:
            return False
        return self.now.replaced_on is None or self.now.principal_paid == self.row.principal


def customer_loans(customer: Customer) -> QuerySet[Loan]:
    """The customer's own, with what the figures need; their events are not read where a tally tells."""
    return Loan.objects.filter(customer=customer).select_related("payout", "tally", "voucher_demand")


def loan_forms(loan: Loan) -> list[CostDisclosure]:
    """The cost disclosure forms of a loan, newest first: one of the drawdown, one of each rearrangement."""
    newer = CostDisclosure.objects.filter(rearrangement__loan=loan).order_by("-rearrangement__version")
    return [*newer, loan.disclosure]


def loan_get(customer: Customer, loan_id: UUID) -> Loan:
    """Raises `ObjectNotFound` for anybody else's."""
    loan = customer_loans(customer).filter(pk=loan_id).first()
    if loan is None:
        raise ObjectNotFound
    return loan


def loan_figures(loan: Loan, on: date) -> LoanFigures:
    if loan.start_date is None or loan.state == LoanState.FAILED:
        return LoanFigures()
    # A payout confirmed while the day changed starts on the later day: figures never look before the start.
    day = max(on, loan.start_date)
    book = loan_book(loan, day)
    position, upcoming = position_of(book), next_due_of(book)
    return LoanFigures(
        days_past_due=position.days_past_due,
        bucket=position.bucket,
        outstanding_principal=position.outstanding_principal,
        debt_amount=position.debt_amount,
        due_amount=position.due_amount,
        penalty_unpaid=position.penalty_unpaid,
        next_due_date=upcoming.due_date if upcoming else None,
        next_due_amount=upcoming.amount if upcoming else None,
    )


def loans_seen(loans: Iterable[Loan], on: date) -> list[LoanSeen]:
    """The loans as they stand on the date; a statement for all of them for each thing that is read."""
    rows = list(loans)
    started = [loan for loan in rows if loan.start_date is not None and getattr(loan, "tally", None) is None]
    prefetch_related_objects(started, "events")
    newest = _rearrangements([loan for loan in rows if loan.rearranged_date is not None])
    offers = _open_offers([loan for loan in rows if loan.state == LoanState.ACTIVE], on)
    return [LoanSeen(loan, loan_figures(loan, on), newest.get(loan.pk), offers.get(loan.pk)) for loan in rows]


def _rearrangements(loans: list[Loan]) -> dict[UUID, Rearrangement]:
    """The newest of each loan that was not undone."""
    if not loans:
        return {}
    found = Rearrangement.objects.filter(loan__in=loans, event__reversed_by__isnull=True).order_by("version")
    return {row.loan_id: row for row in found}


def _open_offers(loans: list[Loan], on: date) -> dict[UUID, RearrangementOffer]:
    """What can still be answered on the date; a loan has one at most."""
    if not loans:
        return {}
    waiting = RearrangementOffer.objects.filter(loan__in=loans, state=OfferState.OPEN, expires_date__gte=on)
    return {row.loan_id: row for row in waiting}


@dataclass(frozen=True)
class LoanSchedule:
    """The due dates in force, and those a rearrangement replaced. `version` 0 was agreed at drawdown."""

    version: int
    rows: list[ScheduleLine]
    former: list[ScheduleLine]


def loan_schedule(loan: Loan, on: date) -> LoanSchedule:
    """Due dates of a loan; before the payout, or where it failed, those its form disclosed."""
    if loan.start_date is None or loan.state == LoanState.FAILED:
        return LoanSchedule(0, [ScheduleLine(row, None) for row in disclosed_terms(loan).schedule], [])
    book = loan_book(loan, max(on, loan.start_date))
    now = {row.number: row for row in position_of(book).instalments}
    closed = book.brought.closed if book.brought else ()
    return LoanSchedule(
        book.terms.version,
        [ScheduleLine(row, now[row.number]) for row in book.terms.schedule],
        [ScheduleLine(item.row, now[item.row.number]) for item in closed],
    )


def disclosed_terms(loan: Loan) -> LoanTerms:
    """The terms as if the money had gone out on the day it was asked for."""
    preview = Loan(**{field.attname: getattr(loan, field.attname) for field in Loan._meta.concrete_fields})
    preview.start_date = loan.start_date or loan.requested_date
    return loan_terms(preview)


def payout_times(since: datetime) -> dict[str, Any]:
    """Seconds from request to money out of loans requested since then: count, p50, p95 (R14); None without any."""
    rows = Loan.objects.filter(requested_at__gte=since, disbursed_at__isnull=False)
    pairs = rows.order_by().values_list("requested_at", "disbursed_at")
    seconds = sorted((paid - asked).total_seconds() for asked, paid in pairs.iterator(chunk_size=2000) if paid)
    return {"count": len(seconds), "p50": _percentile(seconds, 50), "p95": _percentile(seconds, 95)}


def _percentile(ordered: list[float], percent: int) -> float | None:
    """The nearest rank: a figure that was really measured."""
    if not ordered:
        return None
    return ordered[ceil(len(ordered) * percent / 100) - 1]
