"""Approved decisions and what became of them, as known on a date."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from risk.models import CreditLine, Decision, LoanTape, Outcome
from risk.rules.workbench.own_loans import Person, TapeSpan, months_later, outcome
from risk.selectors.variable_use import values_kept

PAGE = 500


@dataclass(frozen=True)
class Definition:
    """Bad: ever more than `days` past due within `months` on book, as known at the end of `as_of`."""

    months: int
    days: int
    as_of: date


@dataclass
class Seen:
    """The people with a label, and how many were approved but have none."""

    people: list[Person]
    without_loan: int = 0
    too_young: int = 0


def loans_seen(definition: Definition) -> Seen:
    """Everybody approved early enough; who never took a loan, or has not had it long enough, is counted only."""
    seen = Seen([])
    for page in _pages(definition):
        spans = _spans([decision.application_id for decision in page], definition.as_of)
        for decision in page:
            own = spans.get(decision.application_id, [])
            bad = outcome(own, months=definition.months, days=definition.days, as_of=definition.as_of)
            if bad is not None:
                seen.people.append(_person(decision, bad))
            elif own:
                seen.too_young += 1
            else:
                seen.without_loan += 1
    return seen


def _pages(definition: Definition) -> Iterator[list[Decision]]:
    latest = months_later(definition.as_of, -definition.months)
    rows = Decision.objects.filter(outcome=Outcome.APPROVED, business_date__lte=latest).select_related("customer")
    last: UUID | None = None
    while page := list((rows.filter(pk__gt=last) if last else rows).order_by("pk")[:PAGE]):
        yield page
        last = page[-1].pk


def _spans(applications: list[UUID], as_of: date) -> dict[UUID, list[TapeSpan]]:
    lines = dict(CreditLine.objects.filter(application__in=applications).values_list("pk", "application_id"))
    rows = LoanTape.objects.filter(credit_line__in=list(lines), business_date__lte=as_of).order_by()
    columns = rows.values_list("credit_line_id", "business_date", "valid_to", "start_date", "unpaid_due_date", "state")
    found: dict[UUID, list[TapeSpan]] = defaultdict(list)
    for line, begins, ends, start, due, state in columns:
        # What became known after the date does not end what was known on it.
        known_end = ends if ends is not None and ends < as_of else None
        found[lines[line]].append(TapeSpan(begins, known_end, start, due, state == "written_off"))
    return found


def _person(decision: Decision, bad: int) -> Person:
    age = decision.customer.age_on(decision.business_date)
    return Person(str(decision.pk), values_kept(decision.inputs), decision.score, bad, "" if age is None else str(age))
