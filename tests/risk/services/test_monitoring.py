"""R7, R8: the approval rate against its band, and the funnel, from the flags kept with each decision."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from risk.models import Alert, Decision, MonitoringPolicy, Outcome
from risk.selectors.approvals import (
    approvals_by_day,
    approvals_window,
    funnel,
    referral_backlog,
    score_distribution,
)
from risk.services.assessment import referral_decide
from risk.services.monitoring import approval_band_watch
from tests.risk.builders import (
    AS_OF,
    AT,
    assess,
    auxiliary_create,
    behaviour_create,
    customer_create,
    staff_create,
    verified,
)
from weilidai.lib.ids import uuid7

D = Decimal
ALL_MET = {"meets_score": True, "meets_real_name": True, "meets_age": True, "meets_activity": True}

pytestmark = pytest.mark.usefixtures("policies")


@pytest.fixture
def decision() -> Decision:
    customer = customer_create("alice")
    behaviour_create(customer)
    return assess(verified(customer))


def copies(decision: Decision, count: int, **values: Any) -> None:
    """The same decision again and again, with other flags, days or outcomes: what a month leaves behind."""
    names = [field.attname for field in Decision._meta.concrete_fields]
    plain = {name: getattr(decision, name) for name in names} | values
    Decision.objects.bulk_create(Decision(**plain | {"id": uuid7()}) for _ in range(count))


def window_of(approved: int, decided: int, decision: Decision) -> None:
    copies(decision, approved - 1)
    copies(decision, decided - approved, outcome=Outcome.REJECTED)


@pytest.mark.req("R7", "R8")
def test_a_decision_keeps_which_visible_rules_were_met() -> None:
    plain, low, idle = (customer_create(name) for name in ("plain", "low", "idle"))
    behaviour_create(plain)
    behaviour_create(low, score=599)
    behaviour_create(idle, opens=2)
    decisions = {customer.openid: assess(verified(customer)) for customer in (plain, low, idle)}
    flags = {name: [getattr(row, flag) for flag in ALL_MET] for name, row in decisions.items()}
    assert flags == {
        "plain": [True, True, True, True],
        "low": [False, True, True, True],
        "idle": [True, True, True, False],
    }


@pytest.mark.req("R7")
@pytest.mark.parametrize(("approved", "alerts"), [(61, 1), (62, 0), (75, 0), (76, 1)])
def test_the_ends_belong_to_the_band(decision: Decision, approved: int, alerts: int) -> None:
    window_of(approved, 100, decision)
    assert approval_band_watch(as_of=AS_OF, at=AT) == alerts
    assert Alert.objects.count() == alerts


@pytest.mark.req("R7")
@pytest.mark.parametrize(("decided", "alerts"), [(49, 0), (50, 1)])
def test_too_few_decisions_say_nothing(decision: Decision, decided: int, alerts: int) -> None:
    window_of(decided, decided, decision)
    assert approval_band_watch(as_of=AS_OF, at=AT) == alerts


@pytest.mark.req("R7")
def test_one_alert_a_product_and_day_while_it_is_outside(decision: Decision) -> None:
    window_of(90, 100, decision)
    copies(decision, 60, product_id="jiebei")
    assert approval_band_watch(as_of=AS_OF, at=AT) == 2
    assert approval_band_watch(as_of=AS_OF, at=AT) == 0
    assert set(Alert.objects.values_list("repeats", "customer")) == {(0, None)}
    assert approval_band_watch(as_of=AS_OF + timedelta(days=1), at=AT) == 2
    alert = Alert.objects.get(dedupe_key="approval_rate_band:weilidai:2026-11-20")
    assert (alert.rule, alert.layer) == ("approval_rate_band", "monitoring")
    assert (alert.evidence["rate"], alert.evidence["decisions"], alert.evidence["approved"]) == ("0.900000", 100, 90)


@pytest.mark.req("R7")
def test_the_window_is_thirty_days(decision: Decision) -> None:
    copies(decision, 60, business_date=date(2026, 10, 21))
    assert approvals_window(AS_OF, 30)["weilidai"].decided == 1
    copies(decision, 60, business_date=date(2026, 10, 22))
    assert approvals_window(AS_OF, 30)["weilidai"].decided == 61


@pytest.mark.req("R7")
def test_the_band_is_policy(decision: Decision) -> None:
    window_of(90, 100, decision)
    MonitoringPolicy.objects.update(approval_rate_max=D("0.95"))
    assert approval_band_watch(as_of=AS_OF, at=AT) == 0


@pytest.mark.req("R7")
def test_only_those_who_met_every_visible_rule_count(decision: Decision) -> None:
    copies(decision, 5, outcome=Outcome.REJECTED, meets_activity=False)
    copies(decision, 5, outcome=Outcome.REJECTED, meets_score=None, meets_activity=None)
    copies(decision, 5, outcome=Outcome.REFERRED)
    assert [(row.day, row.decided, row.approved, row.rate) for row in approvals_by_day(AS_OF, AS_OF)] == [
        (AS_OF, 1, 1, D(1))
    ]


@pytest.mark.req("R7")
def test_a_referral_counts_once_and_when_a_person_decided_it() -> None:
    customer = customer_create("bob")
    behaviour_create(customer)
    auxiliary_create(customer, "income_tax", state="contradicted")
    application = assess(verified(customer)).application
    assert approvals_window(AS_OF, 30) == {}
    assert referral_backlog(AT + timedelta(hours=3, minutes=59)) == [1, 0, 0, 0]
    assert referral_backlog(AT + timedelta(hours=4)) == [0, 1, 0, 0]
    assert referral_backlog(AT + timedelta(hours=72)) == [0, 0, 0, 1]
    later = AS_OF + timedelta(days=1)
    referral_decide(
        application_id=application.pk, outcome=Outcome.APPROVED, reason="fine", user=staff_create(), as_of=later, at=AT
    )
    assert [(row.day, row.decided, row.approved) for row in approvals_by_day(AS_OF, later)] == [(later, 1, 1)]
    steps = funnel(AS_OF, later)
    assert [(step.applicants, step.meets_all, step.approved) for step in steps] == [(1, 1, 1)]
    assert referral_backlog(AT) == [0, 0, 0, 0]


@pytest.mark.req("R8")
def test_the_funnel_is_the_share_of_applicants_in_one_query(decision: Decision) -> None:
    copies(decision, 84)
    copies(decision, 10, outcome=Outcome.REJECTED, meets_activity=False)
    copies(decision, 5, outcome=Outcome.REJECTED, meets_score=False)
    copies(decision, 7, meets_score=None, meets_real_name=None, meets_age=None, meets_activity=None)
    with CaptureQueriesContext(connection) as queries:
        steps = funnel(AS_OF, AS_OF)
    assert len(queries) == 1
    [step] = steps
    assert (step.applicants, step.without_flags, step.approved) == (100, 7, 85)
    shares = [step.share(name) for name in (*ALL_MET, "meets_all", "approved")]
    assert shares == [D("0.95"), D(1), D(1), D("0.9"), D("0.85"), D("0.85")]
    assert funnel(AS_OF + timedelta(days=1), AS_OF + timedelta(days=9)) == []


@pytest.mark.req("R15")
def test_scores_fall_into_bands_of_five_points(decision: Decision) -> None:
    Decision.objects.update(score="64.99")
    copies(decision, 2, score="65.00")
    copies(decision, 1, score="100.00")
    found = dict(score_distribution(AS_OF, AS_OF))
    assert (found[60], found[65], found[100], sum(found.values())) == (1, 2, 1, 4)
