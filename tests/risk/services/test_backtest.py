"""Back-tests of the three kinds of policy: what changes, for whom, what it meant; killed and taken up again."""

import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from risk.models import (
    BacktestChange,
    BacktestPartition,
    BacktestRun,
    CreditLine,
    Decision,
    PolicyState,
    Product,
    Scorecard,
    Screening,
    ScreeningPolicy,
)
from risk.services import backtest as service
from risk.services.backtest import backtest_advance, backtest_cancel, backtest_start, run_to_end
from risk.variables.catalogue import by_name
from tests.loans.builders import TODAY, borrower
from tests.loans.builders import policy as loan_policy
from tests.risk.backtests import (
    analyst,
    backtest,
    copies,
    decided,
    loan_on,
    pipeline_draft,
    scorecard_draft,
    terms_draft,
)
from tests.risk.builders import AS_OF, payment_create
from tests.support.stack import wait_until
from weilidai.lib.errors import FieldInvalid, TransitionRefused
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R33")]
D = Decimal


@pytest.fixture
def two(policies: None) -> tuple[Decision, Decision]:
    """Alice, approved, and Bob, refused for his score."""
    return decided("alice", id_number="440301199605010026"), decided("bob", score=550)


@pytest.mark.req("R15", "R25")
def test_a_higher_mark_refuses_alice_and_tells_what_her_loans_were(two: tuple[Decision, Decision]) -> None:
    alice, bob = two
    assert (alice.outcome, bob.outcome) == ("approved", "rejected")
    line = CreditLine.objects.get(application=alice.application)
    as_of = AS_OF + timedelta(days=100)
    loan_on(line, due=as_of - timedelta(days=31))
    loan_on(line, due=as_of - timedelta(days=91), principal="500.00")
    mark = str(alice.score + D("0.01"))
    run = backtest(scorecard_draft(approve_from=mark, top_score="100"), as_of=as_of)
    figures = run.figures
    assert (run.state, run.total_count, run.judged_count) == ("done", 2, 2)
    assert (figures["judged"], figures["changed"]) == (2, 1)
    assert figures["outcome:approved>rejected"] == figures["outcome:rejected>rejected"] == 1
    assert figures["group:sex:female:worse"] == figures["group:age:25–34:worse"] == 1
    assert figures["group:product:weilidai:judged"] == 2
    assert figures["limit_sum:old"] == int(alice.limit_amount * 100)
    assert (figures["loans:refused:count"], figures["loans:refused:principal"]) == (2, 150_000)
    assert (figures["loans:refused:over30"], figures["loans:refused:over90"]) == (2, 1)
    assert figures["loans:refused:npl"] == 50_000
    change = BacktestChange.objects.get()
    assert (change.decision, change.old_outcome, change.new_outcome) == (alice, "approved", "rejected")
    assert (change.direction, change.old_limit_amount, change.new_limit_amount) == ("worse", alice.limit_amount, None)


@pytest.mark.req("R25")
def test_drafted_terms_change_limits_of_their_own_product_only(two: tuple[Decision, Decision]) -> None:
    alice, _ = two
    draft = terms_draft(limit_ceiling_amount=D("500.00"))
    run = backtest(draft)
    assert run.product_id == "weilidai"
    assert run.figures["part:limit"] == 1
    change = BacktestChange.objects.get()
    assert (change.old_limit_amount, change.new_limit_amount) == (alice.limit_amount, D("500.00"))
    assert run.figures["limit_sum:new"] == 50_000
    Decision.objects.update(product=Product.objects.exclude(pk="weilidai").earliest("pk"))
    assert backtest(draft).total_count == 0


def test_what_was_not_kept_is_counted_and_named(two: tuple[Decision, Decision]) -> None:
    draft = scorecard_draft()
    name = next(iter(by_name()))
    draft.definition["dimensions"][0]["variables"][0]["name"] = name
    draft.save()
    run = backtest(draft)
    assert run.figures == {f"unjudged:variable_missing:{name}": 2}
    assert run.judged_count == 2
    assert not BacktestChange.objects.exists()


def test_a_decision_of_a_person_is_not_judged_again(two: tuple[Decision, Decision]) -> None:
    Decision.objects.filter(pk=two[1].pk).update(decided_by=analyst())
    assert backtest(scorecard_draft()).total_count == 1


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(AS_OF, AS_OF, 2), (AS_OF - timedelta(days=9), AS_OF - timedelta(days=1), 0),
     (AS_OF + timedelta(days=1), AS_OF + timedelta(days=1), 0)],
)  # fmt: skip
def test_only_the_dates_asked_for(two: tuple[Decision, Decision], first: date, last: date, found: int) -> None:
    run = backtest(scorecard_draft(), first, last)
    assert (run.state, run.total_count) == ("done", found)


def test_a_sample_is_the_same_at_every_run(two: tuple[Decision, Decision]) -> None:
    copies(two[0], 60)
    draft = scorecard_draft()
    first, second = backtest(draft, sample_every=3), backtest(draft, sample_every=3)
    assert first.pk != second.pk
    assert first.figures == second.figures
    assert 5 < first.total_count < 45


def test_killed_and_overtaken_workers_leave_the_same_figures(
    two: tuple[Decision, Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    copies(two[0], 20)
    monkeypatch.setattr(service, "PARTITION_ROWS", 5)
    draft = scorecard_draft(approve_from=str(two[0].score + 1), top_score="100")
    whole = backtest(draft)
    assert whole.partitions.count() == 5
    run = backtest_start(
        policy=draft, period_from=AS_OF, period_to=AS_OF, user=analyst(), as_of=AS_OF, at=timezone.now()
    )
    at = timezone.now()
    backtest_advance(at=at, run_id=run.pk)
    backtest_advance(at=at, run_id=run.pk)
    # One worker dies with its partition claimed, another comes back after its lease has passed to somebody else.
    dead = service._claim(at, run.pk)
    assert dead is not None
    slow = service._judged(dead)
    later = at + service.LEASE + timedelta(seconds=1)
    while backtest_advance(at=later, run_id=run.pk):
        pass
    service._partition_write(dead, *slow, later)
    run = BacktestRun.objects.get(pk=run.pk)
    assert run.state == "done"
    assert run.figures == whole.figures
    assert run.judged_count == whole.judged_count == 22
    assert run.changes.count() == whole.changes.count() == 21


def test_a_partition_that_kills_every_worker_ends_the_run(two: tuple[Decision, Decision]) -> None:
    run = backtest_start(
        policy=scorecard_draft(), period_from=AS_OF, period_to=AS_OF, user=analyst(), as_of=AS_OF, at=timezone.now()
    )
    backtest_advance(at=timezone.now())
    BacktestPartition.objects.update(attempts=service.ATTEMPTS_MAX)
    run = run_to_end(run)
    assert (run.state, run.error) == ("failed", "the worker died every time")


def test_the_same_question_still_open_is_not_asked_twice(two: tuple[Decision, Decision]) -> None:
    draft = scorecard_draft()
    values: dict[str, Any] = {
        "policy": draft, "period_from": AS_OF, "period_to": AS_OF, "user": analyst(), "as_of": AS_OF,
        "at": timezone.now(),
    }  # fmt: skip
    first = backtest_start(**values)
    assert backtest_start(**values).pk == first.pk
    assert AuditEvent.objects.filter(action="backtest.start").count() == 1
    backtest_cancel(run_id=first.pk, reason="wrong dates", user=analyst(), as_of=AS_OF, at=timezone.now())
    assert backtest_advance(at=timezone.now()) == 0
    assert backtest_start(**values).pk != first.pk
    with pytest.raises(TransitionRefused):
        backtest_cancel(run_id=first.pk, reason="again", user=analyst(), as_of=AS_OF, at=timezone.now())


def test_what_is_no_draft_or_no_span_is_refused(policies: None) -> None:
    draft, live = scorecard_draft(), Scorecard.objects.get(state=PolicyState.ACTIVE)
    values: dict[str, Any] = {"user": analyst(), "as_of": AS_OF, "at": timezone.now()}
    with pytest.raises(TransitionRefused):
        backtest_start(policy=live, period_from=AS_OF, period_to=AS_OF, **values)
    tomorrow = AS_OF + timedelta(days=1)
    for first, last in ((AS_OF, tomorrow), (AS_OF, AS_OF - timedelta(days=1))):
        with pytest.raises(FieldInvalid):
            backtest_start(policy=draft, period_from=first, period_to=last, **values)
    with pytest.raises(FieldInvalid):
        backtest_start(policy=draft, period_from=AS_OF, period_to=AS_OF, sample_every=0, **values)
    draft.definition["approve_from"] = "100"
    draft.save()
    with pytest.raises(FieldInvalid):
        backtest_start(policy=draft, period_from=AS_OF, period_to=AS_OF, **values)


@pytest.mark.req("R34")
def test_a_raised_threshold_takes_the_alert_away_and_keeps_the_loan() -> None:
    loan_policy()
    alice = borrower("alice")
    payment_create(alice.customer, "t1", "transfer_out", "6000.00", TODAY)
    alice.draw("1000.00")
    loan_on(alice.line, due=TODAY - timedelta(days=31), start=TODAY)
    kept = Screening.objects.get(event="loan")
    assert kept.verdict == "alert"
    run = backtest(pipeline_draft(TODAY, single_amount={"transfer_amount": "8000.00"}), TODAY, TODAY)
    assert run.figures["outcome:alert>pass"] == 1
    assert run.figures["alerts:old"] == run.figures["hits:single_amount:old"] == 1
    assert "hits:single_amount:new" not in run.figures
    assert run.figures["transfers:old"] == 1
    assert "transfers:new" not in run.figures
    assert run.figures["loans:kept:count"] == run.figures["loans:kept:over30"] == 1
    change = BacktestChange.objects.get()
    assert (change.screening, change.direction, change.new_acts) == (kept, "better", "")


@pytest.mark.req("R34")
def test_a_threshold_that_freezes_refuses_the_loan_and_another_span_is_not_guessed() -> None:
    loan_policy()
    alice = borrower("alice")
    payment_create(alice.customer, "t1", "transfer_out", "6000.00", TODAY)
    alice.draw("1000.00")
    loan_on(alice.line, due=None, start=TODAY)
    draft = pipeline_draft(TODAY)
    row = next(row for row in draft.definition["layers"] if row["layer"] == "single_amount")
    row["verdicts"]["single_transfer"] = "freeze"
    draft.save()
    run = backtest(draft, TODAY, TODAY)
    assert run.figures["outcome:alert>freeze"] == run.figures["loans:refused:count"] == 1
    ScreeningPolicy.objects.filter(pk=draft.pk).delete()
    run = backtest(pipeline_draft(TODAY, single_amount={"transfer_days": 30}), TODAY, TODAY)
    assert run.figures["unjudged:span_missing:single_amount"] == 1
    assert not run.changes.exists()


@pytest.mark.req("R33", "R21")
def test_the_layers_that_would_refuse_an_application_decide_it_again(two: tuple[Decision, Decision]) -> None:
    alice, _ = two
    draft = pipeline_draft(debts_elsewhere={"debts_max": "8999.99"})
    run = backtest(draft)
    assert run.figures["credit:approved>referred"] == 1
    assert run.figures["outcome:pass>refer"] == 2
    assert BacktestChange.objects.filter(decision=alice, new_acts="debts_elsewhere").count() == 1
    Decision.objects.filter(pk=alice.pk).update(
        inputs={name: value for name, value in alice.inputs.items() if name != "screening"}
    )
    assert backtest(draft).figures["unjudged:layers_missing:"] == 1


WORKER = """
import time
import django; django.setup()
from django.utils import timezone
from risk.services import backtest
backtest.PARTITION_ROWS, backtest.BATCH, judge = 10, 2, backtest.Judge.judge
# Slow enough to be met in the middle of a partition.
backtest.Judge.judge = lambda self, keys: (time.sleep(0.2), judge(self, keys))[1]
while backtest.backtest_advance(at=timezone.now()):
    pass
"""


def worker_start() -> "subprocess.Popen[bytes]":
    """A process of its own on this test's database."""
    values = connection.settings_dict
    url = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.Popen([sys.executable, "-c", WORKER], env=environment, stdout=subprocess.DEVNULL)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_leaves_the_figures_of_an_undisturbed_run(
    two: tuple[Decision, Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = two
    copies(alice, 120)
    copies(bob, 40)
    draft = scorecard_draft(approve_from=str(alice.score + D("0.01")), top_score="100")
    undisturbed = backtest(draft)
    monkeypatch.setattr("risk.services.backtest.PARTITION_ROWS", 10)
    run = backtest_start(policy=draft, period_from=AS_OF, period_to=AS_OF, user=analyst(), as_of=AS_OF,
                         at=timezone.now())  # fmt: skip
    worker = worker_start()
    wait_until(lambda: run.partitions.filter(is_done=True).exists(), seconds=90, what="the first partition")
    worker.kill()
    assert worker.wait() == -signal.SIGKILL
    assert run.partitions.filter(is_done=False, claimed_until__isnull=False).exists()
    # Whatever the dead worker had claimed is free once its lease is over: another takes it up.
    BacktestPartition.objects.filter(run=run, is_done=False).update(claimed_until=None)
    resumed = run_to_end(run)
    assert resumed.state == "done"
    assert (resumed.judged_count, resumed.figures) == (undisturbed.judged_count, undisturbed.figures)
    told = [row.changes.count() for row in (resumed, undisturbed)]
    assert told[0] == told[1] > 100
