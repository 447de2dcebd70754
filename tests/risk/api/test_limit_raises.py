"""A customer reads what the monthly rounds raised the own line by, and nobody else's; staff see what it rests on."""

from uuid import uuid4

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import Notification
from risk.models import CreditLine, LimitRaise
from risk.services.limit_raises import limit_raises_advance, limit_raises_begin
from tests.backoffice.test_evidence import staff
from tests.risk.api.test_rate_reviews import client_of
from tests.risk.builders import approved_line
from tests.risk.services.test_limit_raises import AT, MONTH, holds

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R27", "R56")]


def test_the_history_of_the_own_line_and_the_notice():
    line = approved_line("alice")
    holds(line, "10000.00")
    limit_raises_begin(month=MONTH, as_of=MONTH, at=AT)
    limit_raises_advance(at=AT)
    [row] = client_of(line.customer).get(f"/api/v1/credit-lines/{line.pk}/limit-raises").json()["results"]
    assert (row["month"], row["raised_for"]) == ("2026-12-01", "fund")
    assert row["reason"] == "Current-money fund and a wealth product"
    before = line.limit_amount
    after = CreditLine.objects.get(pk=line.pk).limit_amount
    assert (row["new_limit"], row["amount"]) == (str(after), str(after - before))
    assert Notification.objects.filter(customer=line.customer, kind="limit_raised_fund").count() == 1
    raised = LimitRaise.objects.get()
    listed = staff("risk_analyst").get(reverse("admin:risk_limitraise_changelist"))
    assert listed.status_code == 200
    page = staff("risk_analyst").get(reverse("admin:risk_limitraise_change", args=[raised.pk]))
    assert "10000.00" in page.content.decode()
    assert staff("collector").get(reverse("admin:risk_limitraise_changelist")).status_code == 403


def test_other_peoples_unknown_and_anonymous():
    first, second = approved_line("alice"), approved_line("bob")
    path = f"/api/v1/credit-lines/{second.pk}/limit-raises"
    assert client_of(first.customer).get(path).status_code == 404
    assert client_of(first.customer).get(f"/api/v1/credit-lines/{uuid4()}/limit-raises").status_code == 404
    assert APIClient().get(path).status_code == 401
    assert client_of(second.customer).get(path).json()["results"] == []
