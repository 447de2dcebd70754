"""What came out of a life, from its rows: one function per figure. They know nothing of how people were made up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Min, Sum

from accounts.models import Occupation
from loans.models import DelinquencyFact, Loan, LoanState
from loans.selectors.portfolio import WHOLE_BOOK, npl_lines
from risk.models import (
    Appeal,
    AppealState,
    AssetMonth,
    AssetProof,
    CreditLine,
    Decision,
    LineChange,
    LineState,
    ProofState,
    RateReview,
)
from risk.rules.decision import decide
from risk.rules.facts import facts_load
from risk.rules.rate_review import FLOOR, FROZEN
from risk.rules.variables import variables_compute
from risk.selectors.approvals import DECIDED, MEETS_ALL, approvals_window, funnel
from risk.selectors.coverage import Reach, coverage
from weilidai.simulation.behaviour import months_back

HOUSING_FUND, RED_PACKETS, DEVICE_CHANGES = "housing_fund_complete", "red_packet_gap", "device_changes"
RED_PACKET_GAP = Decimal("0.3")
FUND_MEAN, RAISE_MONTHS, ON_TIME_MONTHS, BAD_DAYS = Decimal(10_000), 3, 6, 90
ANSWERED = (AppealState.GRANTED, AppealState.REFUSED, AppealState.LAPSED)


@dataclass(frozen=True)
class Span:
    """The days that were lived, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class Measured:
    """A figure and on how many observations it rests, the smaller group where two are compared; None: no figure."""

    value: Decimal | None
    observations: int


def share(part: int, whole: int) -> Measured:
    return Measured(Decimal(part) / whole if whole else None, whole)


def _compared(one: tuple[int, int], other: tuple[int, int]) -> Measured:
    """The share of the one over the share of the other, each (part, whole)."""
    least = min(one[1], other[1])
    if not (least and other[0]):
        return Measured(None, least)
    return Measured(Decimal(one[0]) * other[1] / (Decimal(one[1]) * other[0]), least)


def _tally(rows: Iterable[tuple[bool, bool]]) -> tuple[tuple[int, int], tuple[int, int]]:
    """(part, whole) of those that belong to a group and of the others, from (belongs, counts)."""
    counted = Counter(rows)
    inside, outside = ((counted[group, True], counted[group, True] + counted[group, False]) for group in (True, False))
    return inside, outside


# --- Granted -----------------------------------------------------------------------------------------------------


def approval_share(span: Span, product: str) -> Measured:
    """Approved of those who meet every visible rule (R7)."""
    found = approvals_window(span.last, (span.last - span.first).days + 1).get(product)
    return share(found.approved, found.decided) if found else Measured(None, 0)


def condition_share(span: Span, product: str, condition: str) -> Measured:
    """Applicants who meet one visible rule (R8)."""
    found = next((step for step in funnel(span.first, span.last) if step.product == product), None)
    return share(getattr(found, condition), found.applicants) if found else Measured(None, 0)


def housing_fund_ratio(span: Span, product: str) -> Measured:
    """Approvals with twelve months of housing fund over those without, of those who meet every visible rule (R6)."""
    rows = Decision.objects.filter(
        MEETS_ALL, DECIDED, product=product, business_date__gte=span.first, business_date__lte=span.last
    )
    return _compared(*_tally(_with_housing_fund(rows.values_list("inputs", "outcome").iterator(chunk_size=500))))


def _with_housing_fund(rows: Iterable[tuple[dict[str, Any], str]]) -> Iterable[tuple[bool, bool]]:
    for inputs, outcome in rows:
        yield bool(_values(inputs)[HOUSING_FUND]), outcome == "approved"


def _values(inputs: dict[str, Any]) -> dict[str, Decimal | None]:
    """What a decision took its points from."""
    policy = inputs["policy"]
    auxiliary, months = policy["scorecard"]["definition"]["auxiliary"], policy["terms"]["housing_fund_months"]
    return variables_compute(facts_load(inputs["facts"]), auxiliary, months)


def occupation_coverage(span: Span, product: str, occupation: str) -> Measured:
    """Approved of the applicants of an occupation (R32)."""
    reached = coverage(span.first, span.last).get(product, {}).get(occupation, Reach())
    return share(reached.approved, reached.applicants)


def merchants_ahead(span: Span, product: str) -> Measured:
    """By how much more of the micro-merchants than of the salaried are approved (R32)."""
    found = coverage(span.first, span.last).get(product, {})
    merchants, salaried = (found.get(work, Reach()) for work in (Occupation.MICRO_MERCHANT, Occupation.SALARIED))
    least = min(merchants.applicants, salaried.applicants)
    if merchants.coverage is None or salaried.coverage is None:
        return Measured(None, least)
    return Measured(merchants.coverage - salaried.coverage, least)


def device_deductions_inside(span: Span, low: Decimal, high: Decimal) -> Measured:
    """Deductions for changes of device that cost what they should (R18), from the decisions made anew."""
    rows = Decision.objects.filter(business_date__gte=span.first, business_date__lte=span.last, answers__isnull=True)
    taken = []
    for inputs in rows.values_list("inputs", flat=True).iterator(chunk_size=500):
        adjustments = {row["code"]: -Decimal(row["points"]) for row in decide(inputs)["adjustments"]}
        if adjustments.get(DEVICE_CHANGES):
            taken.append(adjustments[DEVICE_CHANGES])
    return share(sum(low <= points <= high for points in taken), len(taken))


def student_limits_inside(span: Span, high: Decimal) -> Measured:
    """Lines of students whose first limit is no higher (R50)."""
    rows = Decision.objects.filter(outcome="approved", business_date__gte=span.first, business_date__lte=span.last)
    limits = rows.exclude(limit_amount=None).values_list("limit_amount", "inputs")
    inside = [limit <= high for limit, inputs in limits if limit is not None and inputs["facts"]["is_student"]]
    return share(sum(inside), len(inside))


# --- Changed -----------------------------------------------------------------------------------------------------


def tier_inside(
    span: Span, product: str, tier: str, limits: tuple[Decimal, Decimal], rates: tuple[Decimal, Decimal]
) -> Measured:
    """Lines of a tier whose limit and rate lie in its ranges (R22–R24); students have a limit of their own (R50)."""
    lines = CreditLine.objects.filter(product=product, tier=tier, application__isnull=False).select_related("customer")
    known = [line for line in lines if not line.customer.is_student]
    good = [limits[0] <= line.limit_amount <= limits[1] and rates[0] <= line.daily_rate <= rates[1] for line in known]
    return share(sum(good), len(good))


def fund_raises(span: Span, product: str) -> Measured:
    """People with a line whose fund and wealth product first reached the mark: raised within three months (R27).

    Who reached it too late for three whole months to be over is not counted.
    """
    opened = dict(_opened(product))
    first: dict[UUID, date] = dict(
        AssetMonth.objects.filter(current_fund_mean_amount__gte=FUND_MEAN, wealth_products_amount__gt=0)
        .order_by()
        .values_list("customer_id")
        .annotate(month=Min("month"))
    )
    waited = {
        person: month
        for person, month in first.items()
        if person in opened and opened[person] <= month and months_back(month, -1 - RAISE_MONTHS) <= _after(span)
    }
    raises = LineChange.objects.filter(
        credit_line__product=product, customer__in=waited, new_limit_amount__gt=F("old_limit_amount")
    )
    raised = {
        person
        for person, day in raises.values_list("customer_id", "business_date")
        if months_back(waited[person], -1) <= day < months_back(waited[person], -1 - RAISE_MONTHS)
    }
    return share(len(raised), len(waited))


def _after(span: Span) -> date:
    """The first of the month after the last day."""
    return months_back(span.last.replace(day=1), -1)


def _opened(product: str) -> Iterable[tuple[UUID, date]]:
    return CreditLine.objects.filter(product=product, application__isnull=False).values_list(
        "customer_id", "opened_date"
    )


def proofs_raise(span: Span, product: str) -> Measured:
    """People who gave proof of property and vehicle, both looked at: raised by them (R38)."""
    rows = AssetProof.objects.filter(credit_line__product=product).exclude(state=ProofState.SUBMITTED).order_by()
    lines = rows.values("credit_line").annotate(kinds=Count("kind", distinct=True), raised=Sum("raised_amount"))
    both = [row["raised"] > 0 for row in lines if row["kinds"] > 1]
    return share(sum(both), len(both))


def reviews_done(span: Span) -> Measured:
    """Of the lines open when a quarter began: those reviewed for it, once each (R28)."""
    due = done = 0
    for quarter in _quarters(span):
        lines = CreditLine.objects.filter(opened_date__lt=quarter).exclude(state=LineState.CLOSED)
        due += lines.count()
        done += RateReview.objects.filter(quarter=quarter, credit_line__in=lines).count()
    return share(done, due)


def _quarters(span: Span) -> Iterable[date]:
    """First days of the quarters that began after the first day, the one that follows the last day included."""
    month = span.first.replace(day=1)
    while month <= span.last:
        month = months_back(month, -1)
        if month.month % 3 == 1:
            yield month


def on_time_lowered(span: Span) -> Measured:
    """Reviews of lines six months in a row on time: the rate fell, or was the lowest of its tier (R29)."""
    rows = RateReview.objects.filter(months_on_time__gte=ON_TIME_MONTHS)
    reviews = rows.values_list("reasons", "old_daily_rate", "new_daily_rate")
    lowered = [new < old or FLOOR in reasons for reasons, old, new in reviews if FROZEN not in reasons]
    return share(sum(lowered), len(lowered))


def appeals_answered(span: Span) -> Measured:
    """Appeals whose third working day is over: answered, and not late (R39)."""
    due = Appeal.objects.filter(due_date__lte=span.last)
    return share(due.filter(state__in=ANSWERED, is_late=False).count(), due.count())


# --- Used --------------------------------------------------------------------------------------------------------


def npl_share(span: Span) -> Measured:
    """Principal more than 90 days past due of all principal, on the last evening (R53)."""
    whole = [line for line in npl_lines(span.last) if line.product == WHOLE_BOOK]
    loans = Loan.objects.filter(state=LoanState.ACTIVE).count()
    return Measured(whole[0].ratio if whole else None, loans)


def overdue_share(span: Span) -> Measured:
    """Principal past due of all principal, on the last evening."""
    whole = [line for line in npl_lines(span.last) if line.product == WHOLE_BOOK and line.total]
    loans = Loan.objects.filter(state=LoanState.ACTIVE).count()
    return Measured(whole[0].overdue / whole[0].total if whole else None, loans)


def daily_rate_mean(span: Span, product: str) -> Measured:
    """Of all loans paid out, weighted by principal (R30)."""
    rows = Loan.objects.filter(product=product, start_date__gte=span.first, start_date__lte=span.last)
    found = list(rows.values_list("principal_amount", "daily_rate"))
    principal = sum((amount for amount, _ in found), Decimal(0))
    weighted = sum((amount * rate for amount, rate in found), Decimal(0))
    return Measured(weighted / principal if principal else None, len(found))


def red_packet_bad_ratio(span: Span, days: int) -> Measured:
    """Loans ever more than `days` past due: share among those who send far more than they receive, over the others'
    (R17)."""
    rows = Decision.objects.filter(outcome="approved").values_list("customer_id", "inputs")
    generous = {person: _generous(inputs) for person, inputs in rows.iterator(chunk_size=500)}
    past, lent = _loans_past(days), _loans_lent(span)
    return _compared(*_tally((generous[person], loan in past) for loan, person in lent if person in generous))


def _loans_past(days: int) -> set[UUID]:
    facts = DelinquencyFact.objects.filter(days_past_due__gt=days)
    return set(facts.values_list("loan_id", flat=True))


def _loans_lent(span: Span) -> Iterable[tuple[UUID, UUID]]:
    loans = Loan.objects.filter(start_date__gte=span.first, start_date__lte=span.last)
    return loans.values_list("pk", "customer_id")


def _generous(inputs: dict[str, Any]) -> bool:
    gap = _values(inputs)[RED_PACKETS]
    return gap is not None and gap > RED_PACKET_GAP
