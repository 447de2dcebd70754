"""The night: run once, twice, late, broken off or after ten missed days, the books are the same."""

import os
import subprocess
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Notification
from loans import ledger as chart
from loans.end_of_day.run import DayAhead, Step, StepBusy, day_close, day_to_close_by_clock, days_close
from loans.end_of_day.steps import STEPS
from loans.models import DelinquencyFact, JournalEntry, ProductAccrual
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan, close_through, day, faults, ledger, repay
from weilidai.lib.business_date import current_business_date
from weilidai.lib.models import BusinessDay, JobRun


def accruals() -> list[tuple[date, str, Decimal, Decimal]]:
    rows = ProductAccrual.objects.exclude(amount=0).order_by("business_date", "kind")
    return [(row.business_date, row.kind, row.amount, row.cumulative_amount) for row in rows]


def test_each_night_books_the_interest_of_its_day(alice: Borrower):
    active_loan(alice)
    close_through(day(1), steps=STEPS)
    assert accruals() == [
        (day(0), "interest", Decimal("0.40"), Decimal("0.40")),
        (day(1), "interest", Decimal("0.40"), Decimal("0.80")),
    ]
    assert ledger(chart.INTEREST_RECEIVABLE) == Decimal("0.80")
    assert faults() == []


def test_the_business_date_moves_by_one_day(alice: Borrower):
    assert close_through(TODAY, steps=STEPS) == [TODAY]
    assert current_business_date() == day(1)
    assert BusinessDay.objects.get(date=TODAY).state == BusinessDay.State.CLOSED


def test_closing_a_closed_day_again_is_refused_and_changes_nothing(alice: Borrower):
    active_loan(alice)
    close_through(day(2), steps=STEPS)
    before = accruals()
    with pytest.raises(DayAhead):
        close_through(day(2), steps=STEPS)
    day_close(day(2), steps=STEPS)
    assert accruals() == before


def test_ten_missed_days_give_the_same_books_as_never_having_been_down(alice: Borrower):
    active_loan(alice)
    assert close_through(day(9), steps=STEPS) == [day(number) for number in range(10)]
    assert [row[2] for row in accruals()] == [Decimal("0.40")] * 10
    assert ledger(chart.INTEREST_RECEIVABLE) == Decimal("4.00")
    assert faults() == []


def test_a_repayment_on_the_next_date_does_not_change_the_night_that_is_still_running(alice: Borrower):
    loan = active_loan(alice)

    def repay_meanwhile(_day: date, _progress: Any) -> dict[str, Any]:
        repay(alice, loan, "500.40", current_business_date())
        return {}

    days_close(through=TODAY, steps=(Step("customer", "customer", repay_meanwhile), *STEPS))
    assert accruals() == [(TODAY, "interest", Decimal("0.40"), Decimal("0.40"))]
    close_through(day(1), steps=STEPS)
    # 500.00 x 0.0004 for the second day
    assert accruals()[-1] == (day(1), "interest", Decimal("0.20"), Decimal("0.60"))
    assert faults() == []


def test_a_step_that_broke_is_run_again_and_the_done_ones_are_not(alice: Borrower):
    ran: list[str] = []

    def good(_day: date, _progress: Any) -> dict[str, Any]:
        ran.append("good")
        return {"n": 1}

    def broken(_day: date, _progress: Any) -> dict[str, Any]:
        ran.append("broken")
        raise RuntimeError("the disk is full")

    steps = (Step("good", "good", good), Step("broken", "broken", broken))
    with pytest.raises(RuntimeError):
        days_close(steps=steps)
    failed = JobRun.objects.get(job="end_of_day.broken")
    assert (failed.state, failed.error) == (JobRun.State.FAILED, "RuntimeError: the disk is full")
    # Customers went on meanwhile, on the next date.
    assert current_business_date() == day(1)
    mended = (steps[0], Step("broken", "broken", good))
    assert days_close(steps=mended) == [TODAY]
    assert ran == ["good", "broken", "good"]
    assert JobRun.objects.get(job="end_of_day.broken").attempts == 2


def test_a_step_in_living_hands_is_left_alone_and_one_in_dead_hands_is_taken_over(alice: Borrower):
    from django.utils import timezone

    row = JobRun.objects.create(
        job="end_of_day.invitations",
        business_date=TODAY,
        state=JobRun.State.RUNNING,
        claimed_by="another:1",
        heartbeat_at=timezone.now(),
    )
    with pytest.raises(StepBusy):
        close_through(TODAY, steps=STEPS)
    JobRun.objects.filter(pk=row.pk).update(heartbeat_at=NOW)
    assert close_through(TODAY, steps=STEPS) == [TODAY]


def test_a_step_of_a_process_of_this_machine_that_is_gone_is_taken_over_at_once(alice: Borrower):
    from django.utils import timezone

    from loans.end_of_day.run import _machine

    gone = subprocess.Popen(["true"])
    gone.wait()
    row = JobRun.objects.create(
        job="end_of_day.invitations", business_date=TODAY, state=JobRun.State.RUNNING,
        claimed_by=f"{_machine()}:{os.getppid()}", heartbeat_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(StepBusy):
        close_through(TODAY, steps=STEPS)
    JobRun.objects.filter(pk=row.pk).update(claimed_by=f"{_machine()}:{gone.pid}")
    assert close_through(TODAY, steps=STEPS) == [TODAY]


@pytest.mark.req("R53")
def test_a_loan_crosses_buckets_on_day_1_and_day_31_past_due_and_is_told_so(alice: Borrower):
    loan = active_loan(alice, days=2)
    close_through(day(34), steps=STEPS)
    facts = list(
        DelinquencyFact.objects.filter(loan=loan)
        .order_by("business_date")
        .values_list("business_date", "days_past_due", "bucket")
    )
    assert facts == [(day(3), 1, "1-30"), (day(33), 31, "31-60")]
    repay(alice, loan, "100.00", day(35))
    assert faults() == []


def test_an_overdue_loan_that_is_paid_goes_back_to_bucket_0(alice: Borrower):
    loan = active_loan(alice, days=2)
    close_through(day(4), steps=STEPS)
    from loans.selectors.position import loan_position

    repay(alice, loan, str(loan_position(loan, day(5)).debt_amount), day(5))
    close_through(day(5), steps=STEPS)
    last = DelinquencyFact.objects.filter(loan=loan).order_by("-business_date").first()
    assert last is not None
    assert (last.business_date, last.bucket) == (day(5), "0")
    assert faults() == []


@pytest.mark.req("R60")
def test_reminders_come_before_on_and_after_the_due_date_once_each(alice: Borrower):
    active_loan(alice, days=5)
    close_through(day(8), steps=STEPS)
    kinds = list(
        Notification.objects.filter(kind__in=["due_soon", "due_today", "overdue"])
        .order_by("business_date")
        .values_list("kind", "business_date")
    )
    assert kinds == [("due_soon", day(2)), ("due_today", day(5)), ("overdue", day(6)), ("overdue", day(8))]


@pytest.mark.req("R26")
def test_the_night_books_the_penalty_as_far_as_the_cap_leaves_room(alice: Borrower):
    active_loan(alice, days=30)
    close_through(day(31), steps=STEPS)
    # On the opening of day 32: 0.24 x 1000 x 32 / 365 - 12.80 = 8.24.
    assert ledger(chart.PENALTY_RECEIVABLE) == Decimal("8.24")
    assert faults() == []


def test_a_date_set_by_hand_waits_for_a_hand(alice: Borrower):
    assert day_to_close_by_clock(NOW.replace(year=2027)) is None


def test_a_day_that_follows_the_clock_is_due_once_the_clock_passed_it(alice: Borrower):
    BusinessDay.objects.update(follows_clock=True)
    # 15:59 UTC is 23:59 in Shanghai, still the same day; a minute later it is over.
    assert day_to_close_by_clock(NOW.replace(hour=15, minute=59)) is None
    assert day_to_close_by_clock(NOW.replace(hour=16, minute=0)) == TODAY


def test_the_commands_show_set_and_close(alice: Borrower, capsys: pytest.CaptureFixture[str]):
    call_command("business_date")
    assert capsys.readouterr().out.strip() == "2026-09-15"
    call_command("business_date", "--set", "2026-09-20")
    assert capsys.readouterr().out.strip() == "2026-09-20"
    call_command("end_of_day", "--through", "2026-09-21")
    assert capsys.readouterr().out.split() == ["closed", "2026-09-20", "closed", "2026-09-21"]
    with pytest.raises(CommandError):
        call_command("business_date", "--set", "2026-09-01")
    with pytest.raises(CommandError):
        call_command("end_of_day", "--through", "2026-09-20")


def test_entries_of_accruals_are_balanced_and_carry_their_day(alice: Borrower):
    active_loan(alice)
    close_through(day(0), steps=STEPS)
    entry = JournalEntry.objects.get(reference=f"accrual:weilidai:interest:{TODAY}")
    assert entry.effective_date == TODAY
    assert {(row.side, row.amount) for row in entry.postings.all()} == {
        ("debit", Decimal("0.40")),
        ("credit", Decimal("0.40")),
    }


def test_the_bell_closes_what_the_clock_says_is_over_and_is_silent_otherwise(
    alice: Borrower, monkeypatch: pytest.MonkeyPatch
):
    from loans import tasks

    active_loan(alice)
    BusinessDay.objects.update(follows_clock=True)
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW.replace(day=17))
    assert tasks.end_of_day_task() == ["2026-09-15", "2026-09-16"]
    assert tasks.end_of_day_task() == []
    assert faults() == []
