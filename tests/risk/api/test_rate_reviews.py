"""A customer reads what each quarter made of the own line, and of nobody else's."""

from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import Customer, CustomerToken
from risk.models import CreditLine
from tests.risk.services.test_rate_review import begin, lines_make, work

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R28")]


def client_of(customer: Customer) -> APIClient:
    client = APIClient()
    token = CustomerToken.objects.create(user=customer)[1]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_X_DEVICE_ID="phone", HTTP_ACCEPT_LANGUAGE="en")
    return client


def test_the_history_of_the_own_line():
    line = lines_make(2, on_time=1)[0]
    begin()
    work()
    client = client_of(line.customer)
    [row] = client.get(f"/api/v1/credit-lines/{line.pk}/rate-reviews").json()["results"]
    assert (row["quarter"], row["old_daily_rate"], row["new_daily_rate"]) == ("2026-10-01", "0.000450", "0.000430")
    assert (row["months_on_time"], row["old_tier"], row["new_tier"]) == (6, "new", "new")
    assert [reason["code"] for reason in row["reasons"]] == ["paid_on_time"]
    assert row["reasons"][0]["text"] == "You paid on time, month after month"


def test_other_peoples_unknown_and_anonymous():
    first, second = lines_make(2)
    path = f"/api/v1/credit-lines/{second.pk}/rate-reviews"
    assert client_of(first.customer).get(path).status_code == 404
    assert client_of(first.customer).get(f"/api/v1/credit-lines/{uuid4()}/rate-reviews").status_code == 404
    assert APIClient().get(path).status_code == 401
    assert client_of(second.customer).get(path).json()["results"] == []
    assert CreditLine.objects.count() == 2
