"""A loan with many events is read from its tally, and never from one that something happened after."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from loans.maths.state import position
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from loans.models import Loan, LoanTally
from loans.selectors.position import is_open, loan_book, loan_events, loan_position
from loans.services import figures
from loans.services.correction import repayment_enter_late, repayment_reverse
from loans.services.history import Act
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan, day, faults, repay
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_set


@pytest.fixture
def kept(alice: Borrower, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Loan:
    """1 000.00 with two repayments of 50.00; a tally is kept from the third event on."""
    # Statements are sent in full, so that it can be seen what they read.
    settings.DATABASE_PREPARE = False
    monkeypatch.setattr(figures, "TALLY_FROM", 3)
    loan = active_loan(alice)
    repay(alice, loan, "50.00", day(3))
    assert not LoanTally.objects.exists()
    repay(alice, loan, "50.00", day(5))
    return Loan.objects.get(pk=loan.pk)


def act(number: int) -> Act:
    return Act(Actor.system("test"), day(number), NOW + (day(number) - TODAY), "why")


def replayed(loan: Loan, number: int) -> object:
    return loan_position(Loan.objects.prefetch_related("events").get(pk=loan.pk), day(number))


def events_read(loan: Loan, number: int) -> bool:
    """Whether looking at the loan on that day reads its events, and what it sees is the replay."""
    row = Loan.objects.select_related("tally").get(pk=loan.pk)
    with CaptureQueriesContext(connection) as seen:
        position = loan_position(row, day(number))
    assert position == replayed(loan, number)
    return any("effective_date" in query["sql"] for query in seen)


@pytest.mark.req("R41")
def test_a_kept_tally_is_read_in_place_of_the_events(kept: Loan) -> None:
    assert kept.tally.sequence == 3
    assert [events_read(kept, number) for number in (5, 6, 60)] == [False, False, False]
    assert loan_position(kept, day(5)).outstanding_principal == Decimal("901.96")


@pytest.mark.req("R41")
def test_a_day_before_the_newest_event_is_replayed(kept: Loan) -> None:
    assert events_read(kept, 4)
    assert loan_position(kept, day(4)).outstanding_principal == Decimal("951.20")


@pytest.mark.req("R41")
def test_a_tally_something_happened_after_counts_no_more(alice: Borrower, kept: Loan, monkeypatch: pytest.MonkeyPatch):
    stale = Loan.objects.select_related("tally").get(pk=kept.pk)
    monkeypatch.setattr(figures, "TALLY_FROM", 100)
    repay(alice, kept, "50.00", day(7))
    assert LoanTally.objects.get().sequence == 3
    assert [fault for fault in faults() if fault.check == "loans_match_events"] == []
    assert events_read(kept, 7)
    assert loan_position(stale, day(7)) == replayed(kept, 7)


@pytest.mark.req("R41")
def test_late_payments_and_reversals_write_the_tally_anew(alice: Borrower, kept: Loan) -> None:
    business_date_set(day(8), at=NOW)
    late = repayment_enter_late(loan_id=kept.pk, amount=Decimal("100.00"), effective_date=day(1), act=act(8))
    assert LoanTally.objects.get().sequence == 4
    assert not events_read(kept, 8)
    repayment_reverse(repayment_id=late.pk, act=act(8))
    assert LoanTally.objects.get().sequence == 5
    assert not events_read(kept, 8)
    assert [fault for fault in faults() if fault.check == "loans_match_events"] == []


def test_a_tally_changed_by_hand_is_found(kept: Loan) -> None:
    tally = LoanTally.objects.get()
    tally.content["paid"]["principal"] = ["999.00"]
    tally.save()
    found = [fault for fault in faults() if fault.check == "loans_match_events"]
    assert [fault.detail for fault in found] == ["the tally of event 3 is not the replayed one"]


def test_the_customer_sees_the_same_from_the_tally_as_from_the_events(alice: Borrower, kept: Loan) -> None:
    client, path = alice.client(), f"/api/v1/loans/{kept.pk}"
    business_date_set(day(9), at=NOW)
    pages = (path, "/api/v1/loans", f"{path}/schedule", f"{path}/settlement")
    from_tally = [client.get(page).json() for page in pages]
    LoanTally.objects.all().delete()
    assert [client.get(page).json() for page in pages] == from_tally
    assert from_tally[0]["outstanding_principal"] == "901.96"
    assert loan_book(kept, day(9)).tally.last_date == loan_events(kept)[-1].effective_date


@pytest.mark.req("R43")
@pytest.mark.parametrize(("written_off", "opens"), [(False, True), (True, False)])
def test_a_period_paid_ahead_bears_interest_until_the_loan_is_written_off(written_off: bool, opens: bool):
    terms = LoanTerms(
        plan=Plan.INSTALMENTS, principal=Decimal("3000.00"), start=date(2026, 1, 31), daily_rate=Decimal("0.0004"),
        periods=3, fee_rate=Decimal("0.005"), with_interest=True,
    )  # fmt: skip
    day = date(2026, 2, 3)
    events = [LoanEvent(day, EventKind.REPAYMENT, Decimal("1018.60"))]
    if written_off:
        events.append(LoanEvent(day, EventKind.WRITE_OFF))
    after = position(terms, events, day)
    first = after.instalments[0]
    assert (first.outstanding_principal, first.scheduled_unpaid) == (Decimal(0), Decimal(0))
    assert is_open(first, after) is opens
    assert is_open(after.instalments[1], after)
