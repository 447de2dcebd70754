"""Runs of reviews and of raises in the back office: rehearsed by one person, let go by another (R27, R28, R56)."""

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import StaffUser
from accounts.roles import roles_sync
from risk.models import CreditLine, LimitRaisePolicy, LimitRaiseRun, RateReviewPolicy, RateReviewRun
from risk.services.limit_raises import limit_raises_advance, limit_raises_begin
from risk.services.rate_review import rate_review_advance, rate_review_begin
from tests.loans.builders import line_for
from tests.risk.builders import customer_create
from tests.risk.services.test_limit_raises import AT, MONTH, holds
from weilidai.lib.business_date import business_date_set
from weilidai.lib.models import JobRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policies")]
EN = {"accept-language": "en"}
SENT = {"_form_submitted": "on"}
OCTOBER = date(2026, 10, 1)


@pytest.fixture(autouse=True)
def line(policies: None) -> CreditLine:
    business_date_set(date(2026, 12, 5), at=AT)
    found = line_for(customer_create(), limit="1000.00")
    CreditLine.objects.filter(pk=found.pk).update(opened_date=date(2026, 9, 15))
    holds(found, "10000.00")
    return found


def staff(role: str, name: str) -> Client:
    roles_sync()
    user = StaffUser.objects.get_or_create(username=name, defaults={"is_staff": True})[0]
    user.groups.add(Group.objects.get(name=role))
    client = Client(headers=EN)
    client.force_login(user)
    return client


def page(client: Client, name: str, *keys: object) -> str:
    answer = client.get(reverse(f"admin:{name}", args=keys))
    assert answer.status_code == 200
    return answer.content.decode()


def post(client: Client, name: str, *keys: object, **data: str) -> int:
    return client.post(reverse(f"admin:{name}", args=keys), {**SENT, **data}).status_code


@pytest.mark.req("R27")
def test_a_month_is_rehearsed_by_one_person_and_let_go_by_another(line: CreditLine) -> None:
    LimitRaisePolicy.objects.update(needs_release=True)
    run = limit_raises_begin(month=MONTH, as_of=MONTH, at=AT)
    ann, sue = staff("risk_analyst", "ann"), staff("supervisor", "sue")
    assert "dry-run" in page(ann, "risk_limitraiserun_changelist")
    post(ann, "risk_limitraiserun_dry_run", month="2026-12-01")
    rehearsal = LimitRaiseRun.objects.get(is_dry_run=True)
    assert "0 of 1 ranges of lines done" in page(ann, "risk_limitraiserun_change", rehearsal.pk)
    limit_raises_advance(at=AT)
    limit_raises_advance(at=AT)
    text = page(ann, "risk_limitraiserun_change", rehearsal.pk)
    for shown in ("Lines by raise of the limit, yuan", "u20132,000", "¥ 2,500", "before: ¥ 1,000", "+150.00 %"):
        assert shown in text
    assert CreditLine.objects.get().limit_amount == 1000

    waiting = page(ann, "risk_limitraiserun_change", run.pk)
    assert "waits for its release" in waiting
    assert f"../../{rehearsal.pk}/change/" in waiting
    assert reverse("admin:risk_limitraiserun_release", args=[run.pk]) in waiting
    post(ann, "risk_limitraiserun_release", run.pk, reason="looks right")
    assert LimitRaiseRun.objects.get(pk=run.pk).state == "waiting"
    post(sue, "risk_limitraiserun_release", run.pk, reason="looks right")
    assert LimitRaiseRun.objects.get(pk=run.pk).state == "running"
    while limit_raises_advance(at=AT):
        pass
    assert CreditLine.objects.get().limit_amount == 2500
    done = page(sue, "risk_limitraiserun_change", run.pk)
    assert "month_from=2026-12-01&amp;month_to=2026-12-01" in done
    assert reverse("admin:risk_limitraiserun_release", args=[run.pk]) not in done


@pytest.mark.req("R28")
def test_a_quarter_is_rehearsed_and_can_be_given_up() -> None:
    RateReviewPolicy.objects.update(needs_release=True)
    run = rate_review_begin(quarter=OCTOBER, as_of=OCTOBER, at=AT)
    assert run is not None
    ann = staff("risk_analyst", "ann")
    post(ann, "risk_ratereviewrun_dry_run", quarter="2026-10-01")
    while rate_review_advance(at=AT):
        pass
    rehearsal = RateReviewRun.objects.get(is_dry_run=True)
    text = page(ann, "risk_ratereviewrun_change", rehearsal.pk)
    for shown in ("Mean daily rate", "before: 0.0400 %", "Lines by change of the daily rate"):
        assert shown in text
    post(ann, "risk_ratereviewrun_discard", run.pk, reason="too soon")
    assert RateReviewRun.objects.get(pk=run.pk).state == "discarded"


@pytest.mark.req("R27")
def test_a_run_with_a_failed_range_says_what_failed() -> None:
    run = limit_raises_begin(month=MONTH, as_of=MONTH, at=AT)
    JobRun.objects.filter(job=run.job).update(state="failed", error="ArithmeticError: a bad row", attempts=3)
    text = page(staff("auditor", "otto"), "risk_limitraiserun_change", run.pk)
    assert "1 ranges failed and are tried again:" in text
    assert "ArithmeticError: a bad row" in text


@pytest.mark.req("R27")
@pytest.mark.parametrize(("role", "may"), [("auditor", 403), ("credit_officer", 403), ("risk_analyst", 302)])
def test_only_who_may_change_the_policy_rehearses(role: str, may: int) -> None:
    assert post(staff(role, "otto"), "risk_limitraiserun_dry_run", month="2026-12-01") == may
    assert LimitRaiseRun.objects.exists() == (may == 302)


@pytest.mark.req("R27")
@pytest.mark.parametrize("month", ["2026-11-01", "2026-12-02", "x", ""])
def test_only_this_month_and_the_next_can_be_rehearsed(month: str) -> None:
    data: dict[str, Any] = {"month": month}
    post(staff("risk_analyst", "ann"), "risk_limitraiserun_dry_run", **data)
    assert not LimitRaiseRun.objects.exists()
