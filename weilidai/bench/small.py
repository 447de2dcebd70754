"""Single operations: a replay, a decision."""

from datetime import date, timedelta
from decimal import Decimal

from loans.maths.state import position
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from risk.models import Decision
from risk.services.assessment import decision_replay
from weilidai.bench.measure import Result, Sizes, rate

START = date(2026, 1, 1)


def replay_of_a_loan(sizes: Sizes) -> list[Result]:
    """A single-payment loan with 12 part payments, replayed, beside one multiplication with rounding."""
    terms = LoanTerms(Plan.SINGLE, Decimal("5000.00"), START, Decimal("0.0004"), days=365)
    events = [LoanEvent(START + timedelta(days=20 * n), EventKind.REPAYMENT, Decimal("100.00")) for n in range(1, 13)]
    on = START + timedelta(days=300)
    plain = rate(lambda: (Decimal("5000.00") * Decimal("0.0004") * 300).quantize(Decimal("0.01")))
    return [Result("replay", rate(lambda: position(terms, events, on)), "one multiplication", plain)]


def decision(sizes: Sizes) -> list[Result]:
    """A stored decision replayed by the pure rules, beside reading it from the database."""
    stored = Decision.objects.filter(decided_by__isnull=True).first()
    if stored is None:
        return [Result("decision", 0.0, "no decision is stored yet", 0.0)]
    read = rate(lambda: Decision.objects.get(pk=stored.pk))
    return [Result("decision", rate(lambda: decision_replay(stored)), "reading it", read)]
