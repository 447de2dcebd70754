"""The proof of R59: nothing was ever charged beyond the cost disclosure form the loan was made on.

The terms are read from the form itself, whose hash is tested, and not from the loan: a loan whose rates were bent
later is compared with what its customer was shown.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from loans.books.fault import Fault
from loans.disclosure import digest
from loans.maths.cost import DAYS_PER_YEAR
from loans.maths.rearrangement import Agreed
from loans.maths.state import LoanPosition, position
from loans.maths.terms import LoanEvent, LoanTerms, Plan
from loans.models import Loan
from loans.selectors.earned import in_batches
from loans.selectors.position import last_event_date, loan_events, loan_terms
from weilidai.lib.money import ZERO

CHECK = "charged_as_disclosed"
NOTHING = Decimal(0)


def charged_as_disclosed(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """I10: per component, charged and paid are at most what the confirmed form allows, default included; with
    penalties the total stays within the form's cap.
    """
    kept = Q(repayments__reversed_date__isnull=True)
    names = ("interest", "fee", "penalty")
    sums: dict[str, Any] = {f"paid_{name}": Sum(f"repayments__{name}_amount", filter=kept) for name in names}
    asked = Loan.objects.all() if among is None else among
    loans = asked.filter(start_date__isnull=False).annotate(**sums).select_related("disclosure")
    for batch in in_batches(loans):
        for loan in batch:
            yield from _faults(loan)


def _faults(loan: Loan) -> Iterator[Fault]:
    form = loan.disclosure.content
    if digest(form) != loan.disclosure.sha256:
        yield Fault(CHECK, str(loan.pk), "the form is not the one that was confirmed")
        return
    events, bent = _events_as_shown(loan)
    yield from bent
    terms = form_terms(form, loan_terms(loan))
    on = last_event_date(events, terms.start)
    then = position(terms, events, on)
    later = position(terms, events, max(on, loan.figures_date or on))
    for name, charged, allowed in _pairs(loan, then, later):
        if charged > allowed:
            yield Fault(CHECK, str(loan.pk), f"{name}: charged {charged}, the form allows {allowed}")
    yield from _schedule_faults(loan, form)
    yield from _cap_faults(loan, form, then)


def _events_as_shown(loan: Loan) -> tuple[list[LoanEvent], list[Fault]]:
    """The loan's events, each rearrangement as its own form states it; and what of these forms does not hold."""
    events, faults = loan_events(loan), list[Fault]()
    if loan.rearranged_date is None:
        return events, faults
    forms = {str(row.event_id): row.disclosure for row in loan.rearrangements.select_related("disclosure")}
    shown: list[LoanEvent] = []
    for event in events:
        if event.agreed is None:
            shown.append(event)
            continue
        form = forms.get(event.key)
        if form is None or digest(form.content) != form.sha256:
            faults.append(Fault(CHECK, str(loan.pk), "the form of a rearrangement is not the one that was confirmed"))
            shown.append(event)
            continue
        agreed = Agreed.restored(form.content["agreed"])
        if agreed.daily_rate > loan.daily_rate:
            faults.append(Fault(CHECK, str(loan.pk), f"rearranged at {agreed.daily_rate}, above {loan.daily_rate}"))
        shown.append(replace(event, agreed=agreed))
    return shown, faults


def form_terms(form: dict[str, Any], agreed: LoanTerms) -> LoanTerms:
    """The terms the form states, for a loan paid out when `agreed` was. How a fee's base is called and whether early
    fees count into the cap is no figure of the form and stays as agreed.
    """
    rates = {charge["code"]: Decimal(charge["rate"]) for charge in (*form["charges"], *form["early_charges"])}
    default = form["cost_of_default"]
    return replace(
        agreed,
        plan=Plan(form["plan"]),
        principal=Decimal(form["principal"]),
        days=form["days"] or 0,
        periods=form["periods"] or 0,
        daily_rate=rates.get("interest", agreed.daily_rate),
        with_interest="interest" in rates,
        fee_rate=rates.get("fee", NOTHING),
        settlement_fee_rate=rates.get("settlement_fee", NOTHING),
        prepaid_fee_reduction=rates.get("prepaid_fee_discount", NOTHING),
        penalty_method=default["method"],
        penalty_share=Decimal(default["share"]),
        cost_cap_rate=None if form["cost_cap"] is None else Decimal(form["cost_cap"]),
    )


def _pairs(loan: Any, then: LoanPosition, later: LoanPosition) -> Iterator[tuple[str, Decimal, Decimal]]:
    yield "interest", loan.interest_settled_amount, then.interest_accrued
    yield "fees", loan.fee_charged_amount, later.fees_charged
    yield "settlement fee", loan.settlement_fee_amount, then.settlement_fee
    yield "penalty", loan.penalty_charged_amount, then.penalty_charged
    yield "interest paid", loan.paid_interest or ZERO, then.interest_accrued
    yield "fees paid", loan.paid_fee or ZERO, then.fees_charged + then.settlement_fee
    yield "penalty paid", loan.paid_penalty or ZERO, then.penalty_charged


def _schedule_faults(loan: Loan, form: dict[str, Any]) -> Iterator[Fault]:
    """The fee of each period is the one on the form."""
    shown = {row["number"]: Decimal(row["fee"]) for row in form["schedule"]}
    for row in loan_terms(loan).schedule:
        if row.fee > shown.get(row.number, NOTHING):
            yield Fault(
                CHECK, str(loan.pk), f"period {row.number}: fee {row.fee}, the form has {shown.get(row.number)}"
            )


def _cap_faults(loan: Loan, form: dict[str, Any], then: LoanPosition) -> Iterator[Fault]:
    """With a penalty the total is at most cap x principal x days / 365 (R54).

    A penalty already paid stays, also where a fee charged later took its room.
    """
    if form["cost_cap"] is None or loan.penalty_charged_amount <= loan.penalty_paid_amount:
        return
    cost = loan.interest_settled_amount + then.fees_charged + loan.penalty_charged_amount
    cap = Decimal(form["cost_cap"]) * then.exposure / DAYS_PER_YEAR
    if cost > cap:
        yield Fault(CHECK, str(loan.pk), f"total {cost} is above the cap of {cap:.2f}")
