"""A quarter is reviewed once per line, by any number of workers, however often they are killed (R28, I5)."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Customer, Notification, StaffUser
from loans.books.rows_granted import FIGURES, lines_agree
from loans.end_of_day.run import days_close
from loans.end_of_day.steps import STEPS
from risk.errors import FourEyesRequired
from risk.models import (
    CreditLine,
    CustomerScore,
    LineChange,
    LoanTape,
    RateReview,
    RateReviewPolicy,
    RateReviewRun,
    RunState,
    Scorecard,
    Tier,
)
from risk.rules.reasons import reason_text
from risk.selectors.line_runs import RunProgress, run_progress
from risk.services import line_run, rate_review
from risk.services.rate_review import (
    dry_run_begin,
    rate_review_advance,
    rate_review_begin,
    rate_review_discard,
    rate_review_release,
)
from tests.loans.builders import line_for
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.business_date import business_date_set
from weilidai.lib.errors import TransitionRefused
from weilidai.lib.models import AuditEvent, JobRun
from weilidai.lib.partitions import ranges_of

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R28")]
Q4 = date(2026, 10, 1)
AT = datetime(2026, 10, 1, 1, tzinfo=UTC)
D = Decimal


def lines_make(count: int, *, on_time: int = 0) -> list[CreditLine]:
    """Lines at 0.045 % opened in September, the first `on_time` of them used and paid on time for half a year."""
    scorecard = Scorecard.objects.get()
    made = []
    for number in range(count):
        customer = Customer.objects.create(openid=f"p{number:04}")
        line = line_for(customer, rate="0.000450", limit="5000.00")
        CreditLine.objects.filter(pk=line.pk).update(opened_date=date(2026, 9, 15))
        CustomerScore.objects.create(customer=customer, scorecard=scorecard, as_of=date(2026, 9, 20), score=D(65))
        if number < on_time:
            LoanTape.objects.create(
                loan_id=customer.pk, customer=customer, credit_line=line, product_id="weilidai", state="active",
                business_date=date(2026, 3, 20), plan="single", start_date=date(2026, 3, 20),
                due_date=date(2026, 12, 31), principal_amount=D(100), outstanding_principal_amount=D(100),
                unpaid_due_date=date(2026, 12, 31), daily_rate=D("0.000450"),
            )  # fmt: skip
        made.append(CreditLine.objects.get(pk=line.pk))
    return made


def begin(**changes: Any) -> RateReviewRun:
    run = rate_review_begin(**{"quarter": Q4, "as_of": Q4, "at": AT, **changes})
    assert run is not None
    return run


def work() -> int:
    rounds = 0
    while rate_review_advance(at=AT):
        rounds += 1
    return rounds


def rates() -> list[str]:
    return [str(rate) for rate in CreditLine.objects.order_by("customer__openid").values_list("daily_rate", flat=True)]


def test_every_open_line_is_reviewed_once_and_its_customer_told():
    lines_make(5, on_time=2)
    run = begin()
    work()
    assert rates() == ["0.000430", "0.000430", "0.000450", "0.000450", "0.000450"]
    assert RateReview.objects.count() == 5
    assert LineChange.objects.filter(reason="rate_review").count() == 2
    assert AuditEvent.objects.filter(action="credit_line.change").count() == 2
    kinds = list(Notification.objects.filter(kind__startswith="rate_").values_list("kind", flat=True))
    assert sorted(kinds) == ["rate_lowered"] * 2 + ["rate_reviewed"] * 3
    done = RateReviewRun.objects.get(pk=run.pk)
    assert done.state == RunState.DONE
    assert done.summary == {
        "lines": 5, "change:-20": 2, "change:0": 3, "tier:new>new": 5, "reason:paid_on_time": 2, "reason:unchanged": 3,
        "rate_before": 2250, "rate_after": 2210, "limit_before": 2_500_000, "limit_after": 2_500_000,
    }  # fmt: skip


def test_the_books_know_the_new_figures_of_a_line_and_see_others():
    for line in lines_make(2, on_time=1):
        figures = {name: str(getattr(line, name)) for name in FIGURES}
        system = Actor.system("tests")
        audit_record(
            action="credit_line.open", actor=system, subject=line, at=AT, as_of=date(2026, 9, 15), after=figures
        )
    begin()
    work()
    assert list(lines_agree()) == []
    line = CreditLine.objects.exclude(daily_rate=D("0.000450"))[0]
    for changed in ({"daily_rate": D("0.000450")}, {"daily_rate": line.daily_rate, "tier": "other"}):
        CreditLine.objects.filter(pk=line.pk).update(**changed)
        assert [fault.subject for fault in lines_agree()] == [str(line.pk)]


def test_a_second_beginning_and_more_workers_change_nothing():
    lines_make(3, on_time=3)
    first = begin()
    work()
    assert begin().pk == first.pk
    assert work() == 0
    ranges_of(first.job, Q4).update(state=JobRun.State.PENDING)
    RateReviewRun.objects.filter(pk=first.pk).update(state=RunState.RUNNING)
    work()
    assert rates() == ["0.000430"] * 3
    assert RateReview.objects.count() == LineChange.objects.filter(reason="rate_review").count() == 3


def test_the_next_quarter_goes_on_from_there():
    lines_make(1, on_time=1)
    begin()
    work()
    january = date(2027, 1, 1)
    LoanTape.objects.update(unpaid_due_date=date(2027, 6, 30))
    begin(quarter=january, as_of=january)
    CustomerScore.objects.update(as_of=date(2026, 12, 20))
    work()
    assert rates() == ["0.000410"]


def test_ranges_cover_every_line_that_was_there_and_closed_ones_are_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(line_run, "RANGE_LINES", 2)
    lines = lines_make(7)
    CreditLine.objects.filter(pk=lines[3].pk).update(state="closed")
    CreditLine.objects.filter(pk=lines[4].pk).update(opened_date=Q4)
    run = begin()
    assert run_progress(run) == RunProgress(0, 3, 0, "")
    assert work() == 3
    assert RateReview.objects.count() == 5
    assert not RateReview.objects.filter(credit_line__in=[lines[3].pk, lines[4].pk]).exists()
    assert run_progress(run) == RunProgress(3, 3, 0, "")


def test_a_range_that_fails_is_told_keeps_no_other_waiting_and_is_done_in_the_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(line_run, "RANGE_LINES", 2)
    lines = lines_make(6, on_time=6)
    real = rate_review.batch_review

    def broken(run: RateReviewRun, some: Any) -> Any:
        if lines[0].pk in [line.pk for line in some]:
            raise ArithmeticError("a bad row")
        return real(run, some)

    monkeypatch.setattr(rate_review, "batch_review", broken)
    run = begin()
    for _ in range(2):
        with pytest.raises(ArithmeticError):
            work()
    assert RateReview.objects.count() == 4
    assert run_progress(run) == RunProgress(3, 4, 1, "ArithmeticError: a bad row")
    assert RateReviewRun.objects.get().state == RunState.RUNNING
    monkeypatch.setattr(rate_review, "batch_review", real)
    work()
    assert rates() == ["0.000430"] * 6
    assert RateReviewRun.objects.get().state == RunState.DONE


def test_two_lines_of_one_person_never_get_more_together_than_the_law_allows_nor_in_a_dry_run(
    monkeypatch: pytest.MonkeyPatch, admin_user: StaffUser
):
    monkeypatch.setattr(line_run, "RANGE_LINES", 1)
    first, second, third = lines_make(3)
    own = {"customer": first.customer}
    CreditLine.objects.filter(pk=first.pk).update(opened_date=date(2026, 1, 5))
    CreditLine.objects.filter(pk=second.pk).update(
        product_id="jiebei", limit_amount=D("190000.00"), tier="vip", daily_rate=D("0.0002"), **own
    )
    CreditLine.objects.filter(pk=third.pk).update(
        product_id="jintiao", limit_amount=D("100.00"), opened_date=date(2026, 1, 5), **own
    )
    dry = dry_run_begin(quarter=Q4, user=admin_user, as_of=Q4, at=AT)
    work()
    run = begin()
    work()
    assert RateReviewRun.objects.get(pk=dry.pk).summary == RateReviewRun.objects.get(pk=run.pk).summary
    found = CreditLine.objects.filter(**own).order_by("pk")
    assert [line.tier for line in found] == ["quality", "vip", "quality"]
    assert [line.limit_amount for line in found] == [D("8000.00"), D("190000.00"), D("2000.00")]


def test_a_line_whose_product_is_offered_no_more_stays_as_it_is_and_holds_up_nobody():
    lines = lines_make(2, on_time=2)
    Tier.objects.filter(terms__product="jiebei", code="new").delete()
    CreditLine.objects.filter(pk=lines[0].pk).update(product_id="jiebei")
    begin()
    work()
    assert rates() == ["0.000450", "0.000430"]
    assert RateReview.objects.get(credit_line=lines[0]).reasons == ["not_offered"]
    assert reason_text("not_offered")


def test_new_rates_hold_for_new_loans_only_and_scores_too_old_are_computed_anew():
    [line] = lines_make(1)
    CustomerScore.objects.update(as_of=date(2026, 8, 16), score=D(95))
    begin()
    work()
    score = CustomerScore.objects.get()
    assert score.as_of == Q4
    assert RateReview.objects.get().score == score.score != D(95)
    assert CreditLine.objects.get(pk=line.pk).daily_rate == D("0.000450")


@pytest.mark.parametrize(("as_of", "computed"), [(date(2026, 8, 17), False), (date(2026, 8, 16), True)])
def test_a_score_of_45_days_is_young_enough(as_of: date, computed: bool):
    lines_make(1)
    CustomerScore.objects.update(as_of=as_of)
    begin()
    work()
    assert (CustomerScore.objects.get().as_of == Q4) is computed


def test_a_dry_run_changes_nothing_and_shows_the_distribution(admin_user: StaffUser):
    lines_make(4, on_time=1)
    run = dry_run_begin(quarter=Q4, user=admin_user, as_of=Q4, at=AT)
    work()
    assert RateReviewRun.objects.get(pk=run.pk).summary["change:-20"] == 1
    assert rates() == ["0.000450"] * 4
    assert not RateReview.objects.exists()
    assert not Notification.objects.filter(kind__startswith="rate_").exists()


def test_a_quarter_that_needs_a_release_waits_for_a_second_person(admin_user: StaffUser):
    RateReviewPolicy.objects.update(needs_release=True)
    lines_make(1, on_time=1)
    run = begin()
    assert work() == 0
    dry_run_begin(quarter=Q4, user=admin_user, as_of=Q4, at=AT)
    work()
    edge: dict[str, Any] = {"run_id": run.pk, "reason": "seen", "as_of": Q4, "at": AT}
    with pytest.raises(FourEyesRequired):
        rate_review_release(user=admin_user, **edge)
    second = StaffUser.objects.create(username="second")
    rate_review_release(user=second, **edge)
    with pytest.raises(TransitionRefused):
        rate_review_release(user=second, **edge)
    work()
    assert rates() == ["0.000430"]


def test_a_waiting_quarter_can_be_given_up(admin_user: StaffUser):
    RateReviewPolicy.objects.update(needs_release=True)
    lines_make(1, on_time=1)
    run = begin()
    edge: dict[str, Any] = {"run_id": run.pk, "user": admin_user, "reason": "not now", "as_of": Q4, "at": AT}
    rate_review_discard(**edge)
    with pytest.raises(TransitionRefused):
        rate_review_release(**edge)
    assert (work(), rates()) == (0, ["0.000450"])
    assert AuditEvent.objects.get(action="rate_review.discard").reason == "not now"


def test_the_night_before_a_quarter_begins_it():
    lines_make(1)
    business_date_set(date(2026, 9, 29), at=AT)
    days_close(through=date(2026, 9, 29), steps=STEPS)
    assert not RateReviewRun.objects.exists()
    days_close(through=date(2026, 10, 2), steps=STEPS)
    assert [run.quarter for run in RateReviewRun.objects.all()] == [Q4]


def test_the_command_works_a_quarter_to_its_end(capsys: pytest.CaptureFixture[str]):
    lines_make(2, on_time=1)
    business_date_set(date(2026, 11, 20), at=AT)
    call_command("rate_review", "--quarter", "2026-10-01")
    assert "lines: 2" in capsys.readouterr().out.splitlines()
    assert RateReview.objects.count() == 2


def test_without_a_policy_nothing_is_reviewed():
    RateReviewPolicy.objects.all().delete()
    assert rate_review_begin(quarter=Q4, as_of=Q4, at=AT) is None


WORKER = """
import django; django.setup()
from django.utils import timezone
from risk.services import rate_review as r
while r.rate_review_advance(at=timezone.now()):
    pass
"""


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_killed_at_random_leave_the_same_as_undisturbed_ones(monkeypatch: pytest.MonkeyPatch):
    """Two workers on small ranges, killed again and again."""
    monkeypatch.setattr(line_run, "RANGE_LINES", 3)
    lines_make(120, on_time=60)
    run = begin()
    values = connection.settings_dict
    url = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WORKER], env=environment, cwd=os.getcwd())

    for _ in range(2):
        workers = [start(), start()]
        time.sleep(1.6)
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    while rate_review_advance(at=datetime.now(UTC)):
        pass
    assert RateReview.objects.count() == 120
    assert rates() == ["0.000430"] * 60 + ["0.000450"] * 60
    assert LineChange.objects.filter(reason="rate_review").count() == 60
    assert AuditEvent.objects.filter(action="credit_line.change").count() == 60
    assert Notification.objects.filter(kind__startswith="rate_").count() == 120
    done = RateReviewRun.objects.get(pk=run.pk)
    assert (done.state, done.summary["lines"]) == (RunState.DONE, 120)
