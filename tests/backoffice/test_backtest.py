"""Back-tests in the back office: started on a draft, read as figures, followed to decisions, told at the approval."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import StaffUser
from accounts.roles import roles_sync
from risk.models import BacktestChange, BacktestRun, Decision, ProductTerms, Scorecard, ScreeningPolicy
from risk.services.backtest import run_to_end
from tests.risk.backtests import analyst, backtest, decided, pipeline_draft, scorecard_draft, terms_draft
from tests.risk.builders import AS_OF, AT
from weilidai.lib.business_date import business_date_set
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R33")]
EN = {"accept-language": "en"}
SENT = {"_form_submitted": "on"}
SPAN = {"period_from": AS_OF.isoformat(), "period_to": AS_OF.isoformat(), "sample_every": "1"}


def staff(role: str, name: str) -> Client:
    roles_sync()
    user = StaffUser.objects.get_or_create(username=name, defaults={"is_staff": True})[0]
    user.groups.add(Group.objects.get(name=role))
    client = Client(headers=EN)
    client.force_login(user)
    return client


@pytest.fixture
def alice(policies: None) -> Decision:
    business_date_set(AS_OF, at=AT)
    return decided("alice", id_number="440301199605010026")


@pytest.fixture
def ann(alice: Decision) -> Client:
    return staff("risk_analyst", "ann")


def page(client: Client, name: str, *keys: object) -> str:
    answer = client.get(reverse(f"admin:{name}", args=keys))
    assert answer.status_code == 200
    return answer.content.decode()


def stricter(alice: Decision) -> Scorecard:
    return scorecard_draft(approve_from=str(alice.score + 1), top_score="100")


def test_an_analyst_starts_one_and_reads_what_it_says(alice: Decision, ann: Client) -> None:
    draft = stricter(alice)
    url = reverse("admin:risk_scorecard_backtest", args=[draft.pk])
    assert "period_from" in ann.get(url).content.decode()
    answer = ann.post(url, {**SENT, **SPAN})
    run = BacktestRun.objects.get()
    assert answer.headers["Location"] == reverse("admin:risk_backtestrun_change", args=[run.pk])
    assert "this page follows by itself" in page(ann, "risk_backtestrun_change", run.pk)
    run_to_end(run)
    text = page(ann, "risk_backtestrun_change", run.pk)
    for shown in ("Would change", "100.0 %", "female", "No loan followed these decisions", "nothing is known"):
        assert shown in text
    assert f"?run__id__exact={run.pk}&amp;old_outcome=approved&amp;new_outcome=rejected" in text
    listed = ann.get(reverse("admin:risk_backtestchange_changelist"), {"run__id__exact": run.pk})
    assert reverse("admin:risk_decision_change", args=[alice.pk]) in listed.content.decode()
    exported = b"".join(ann.get("/admin/risk/backtestchange/export-csv/").streaming_content).decode()
    assert str(alice.pk) in exported


@pytest.mark.parametrize("old", [0, 1])
def test_the_list_of_changes_filters_by_outcome(alice: Decision, ann: Client, old: int) -> None:
    run = backtest(stricter(alice))
    query = {"run__id__exact": str(run.pk), "old_outcome": ("approved", "rejected")[old]}
    listed = ann.get(reverse("admin:risk_backtestchange_changelist"), query).content.decode()
    assert (reverse("admin:risk_decision_change", args=[alice.pk]) in listed) == (old == 0)
    change = BacktestChange.objects.get()
    assert "Approved → Rejected" in page(ann, "risk_backtestchange_changelist")
    assert page(ann, "risk_backtestchange_change", change.pk)


def test_each_kind_of_draft_has_its_page(alice: Decision, ann: Client) -> None:
    for draft in (terms_draft(limit_ceiling_amount="500.00"), pipeline_draft(debts_elsewhere={"debts_max": "1.00"})):
        run = backtest(draft)
        text = page(ann, "risk_backtestrun_change", run.pk)
        assert "By the draft" in text or "by the draft" in text
        assert ("Alerts asked for" in text) == isinstance(draft, ScreeningPolicy)
        assert ("Change of the limit, yuan" in text) == isinstance(draft, ProductTerms)
    assert "Back-test of" in page(ann, "risk_backtestrun_change", run.pk)


def test_the_approval_tells_of_the_newest_back_test_or_that_there_is_none(alice: Decision, ann: Client) -> None:
    sue = staff("supervisor", "sue")
    draft = stricter(alice)
    assert "No back-test of this draft" in page(sue, "risk_scorecard_activate", draft.pk)
    run = backtest(draft)
    told = page(sue, "risk_scorecard_activate", draft.pk)
    assert "1 of 1 decisions would change: 0 better and 1 worse" in told
    assert reverse("admin:risk_backtestrun_change", args=[run.pk]) in told
    assert "of another draft" not in told
    draft.definition["approve_from"] = "1"
    draft.save()
    assert "of another draft" in page(sue, "risk_scorecard_activate", draft.pk)


def test_a_wrong_span_is_told_and_starts_nothing(alice: Decision, ann: Client) -> None:
    url = reverse("admin:risk_scorecard_backtest", args=[stricter(alice).pk])
    wrong = {**SPAN, "period_to": (AS_OF + timedelta(days=1)).isoformat()}
    assert ann.post(url, {**SENT, **wrong}, follow=True).status_code == 200
    assert ann.post(url, {**SENT, **SPAN, "sample_every": "0"}).status_code == 200
    assert not BacktestRun.objects.exists()


def test_who_reads_and_who_starts(alice: Decision, ann: Client) -> None:
    draft = stricter(alice)
    run = backtest(draft)
    for role, sees in (("supervisor", 200), ("auditor", 200), ("credit_officer", 403), ("collector", 403)):
        client = staff(role, role)
        assert client.get(reverse("admin:risk_backtestrun_change", args=[run.pk])).status_code == sees
        assert client.get(reverse("admin:risk_backtestchange_changelist")).status_code == sees
        assert client.post(reverse("admin:risk_scorecard_backtest", args=[draft.pk]), SENT).status_code == 403
    assert BacktestRun.objects.count() == 1


def test_a_run_is_cancelled_with_a_reason(alice: Decision, ann: Client) -> None:
    url = reverse("admin:risk_scorecard_backtest", args=[stricter(alice).pk])
    ann.post(url, {**SENT, **SPAN})
    run = BacktestRun.objects.get()
    assert reverse("admin:risk_backtestrun_cancel", args=[run.pk]) in page(ann, "risk_backtestrun_change", run.pk)
    ann.post(reverse("admin:risk_backtestrun_cancel", args=[run.pk]), {**SENT, "reason": "wrong dates"})
    assert BacktestRun.objects.get().state == "cancelled"
    assert AuditEvent.objects.get(action="backtest.cancel").reason == "wrong dates"
    assert "Cancelled" in page(ann, "risk_backtestrun_change", run.pk)


def test_nothing_in_the_span_is_said_plainly(alice: Decision, ann: Client) -> None:
    yesterday = AS_OF - timedelta(days=1)
    run = backtest(stricter(alice), yesterday, yesterday, user=analyst(), at=timezone.now())
    assert "No decision was made on these dates" in page(ann, "risk_backtestrun_change", run.pk)
