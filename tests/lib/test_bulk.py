"""Many rows in one statement: values arrive as they are, a second time changes nothing."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Customer, Notification
from accounts.services.notification import Notice, notifications_send
from risk.models import CreditLine
from risk.services.presets import presets_load
from tests.risk.builders import AS_OF, approved_line
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


def test_rows_are_written_back_exactly_and_no_others():
    presets_load(as_of=AS_OF)
    first, second, third = (approved_line(name) for name in ("alice", "bob", "carol"))
    for line, amount, rate in ((first, "8000.00", "0.000333"), (second, "700.00", "0.000500")):
        line.limit_amount, line.daily_rate, line.tier = Decimal(amount), Decimal(rate), "quality"
    first.used_amount = Decimal("99.00")
    before = third.limit_amount

    assert bulk.rows_update([first, second], ["limit_amount", "daily_rate", "tier"]) == 2
    first, second, third = (CreditLine.objects.get(pk=line.pk) for line in (first, second, third))
    assert (first.limit_amount, first.daily_rate, first.tier) == (Decimal("8000.00"), Decimal("0.000333"), "quality")
    assert (second.limit_amount, second.daily_rate) == (Decimal("700.00"), Decimal("0.000500"))
    assert (first.used_amount, third.limit_amount, third.tier) == (Decimal("0.00"), before, "new")
    assert bulk.rows_update([], ["limit_amount"]) == 0


def test_an_empty_value_is_written_back():
    presets_load(as_of=AS_OF)
    line = approved_line()
    line.frozen_at, line.frozen_reason = None, "overdue"
    assert bulk.rows_update([line], ["frozen_at", "frozen_reason"]) == 1
    line = CreditLine.objects.get(pk=line.pk)
    assert (line.frozen_at, line.frozen_reason) == (None, "overdue")


def test_a_new_row_is_inserted_as_save_would():
    told = {"customer": Customer.objects.create(openid="alice"), "kind": "due_today", "params": {"text": '引号 " %s'}}
    row = Notification(**told, dedupe_key="one", business_date=DAY)
    assert bulk.row_insert(row)
    saved = Notification.objects.create(**told, dedupe_key="two", business_date=DAY)
    first, second = Notification.objects.get(pk=row.pk), Notification.objects.get(pk=saved.pk)
    assert (first.params, first.customer, first.business_date) == (second.params, second.customer, second.business_date)
    assert first.created_at is not None
    row.read_at = first.created_at
    row.save()
    assert Notification.objects.get(pk=row.pk).read_at == first.created_at


def test_a_row_that_a_constraint_forbids_is_refused_or_left_out():
    customer = Customer.objects.create(openid="alice")
    rows = [Notification(customer=customer, kind="x", dedupe_key=key, business_date=DAY) for key in ("a", "b", "a")]
    assert bulk.rows_save(rows[:2]) == 2
    assert not bulk.row_insert(rows[2], unless_there=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.row_insert(rows[2])
    assert sorted(Notification.objects.values_list("dedupe_key", flat=True)) == ["a", "b"]
