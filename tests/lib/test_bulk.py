"""Many rows in one statement: values arrive as they are, a second time changes nothing."""

from datetime import date
from typing import Any

import pytest

from accounts.models import Customer, Notification
from accounts.services.notification import Notice, notifications_send
from weilidai.lib import bulk

DAY = date(2026, 11, 20)

pytestmark = pytest.mark.django_db


def notices(count: int, **params: Any) -> list[Notice]:
    customer = Customer.objects.get_or_create(openid="alice")[0]
    return [Notice(customer.pk, "overdue" if n % 2 else "repayment_received", {"n": n, **params}, f"key-{n}")
            for n in range(count)]  # fmt: skip


@pytest.mark.parametrize("values_max", [30_000, 8, 1])
def test_each_row_arrives_whole_whatever_the_page(values_max: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "VALUES_MAX", values_max)
    assert notifications_send(notices(5, text='引号 " ’ %s'), business_date=DAY) == 5
    rows = list(Notification.objects.order_by("dedupe_key"))
    assert [row.params for row in rows] == [{"n": n, "text": '引号 " ’ %s'} for n in range(5)]
    assert [row.sms_due_at is not None for row in rows] == [False, True, False, True, False]
    assert {(row.customer.openid, row.business_date) for row in rows} == {("alice", DAY)}


def test_a_row_that_is_there_stays_and_is_not_counted():
    assert notifications_send(notices(3), business_date=DAY) == 3
    assert notifications_send(notices(5, changed=True), business_date=DAY) == 2
    assert Notification.objects.get(dedupe_key="key-0").params == {"n": 0}


def test_no_rows_are_no_statement():
    assert notifications_send([], business_date=DAY) == 0
