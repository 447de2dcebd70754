"""What the variables say of a life, to the last bit the same alone and in company, now and in any order of delivery."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from accounts.models import Customer
from risk.feeds.summaries import months_mark, summaries_build, summaries_mark_all
from risk.models import (
    ActivityDay,
    AssetMonth,
    BehaviourMonth,
    BureauReport,
    Friendship,
    GreenAct,
    LoginEvent,
    PaymentEvent,
)
from risk.selectors.variables import batch_variables, customer_variables
from risk.variables.compute import Values

pytestmark = [pytest.mark.django_db, pytest.mark.req("R16")]
AS_OF = date(2026, 11, 20)
D = Decimal
_number = iter(range(10**9))


def person(openid: str = "alice") -> Customer:
    return Customer.objects.get_or_create(openid=openid)[0]


def store(model: Any, **columns: Any) -> Any:
    row = model(row_id=f"r{next(_number)}", **{"customer": person(), **columns})
    row.save()
    months_mark(model, [row])
    return row


def pay(day: date, amount: str, kind: str = "payment", *, hour: int = 12, **columns: Any) -> Any:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 8)
    return store(PaymentEvent, at=at, date=day, kind=kind, amount=D(amount),
                 **{"category": "food", "counterparty": "shop", "channel": "card", **columns})  # fmt: skip


def value(name: str, as_of: date = AS_OF) -> Decimal | None:
    return customer_variables(person(), as_of, [name])[name]


def back(days: int) -> date:
    return AS_OF - timedelta(days=days)


@pytest.mark.parametrize(("days_ago", "counts"), [(0, True), (29, True), (30, False)])
def test_a_window_of_days_ends_on_the_date_and_has_its_length(days_ago: int, counts: bool):
    pay(back(days_ago), "10.05")
    assert value("payment_amount_sum_30d") == (D("10.05") if counts else D(0))
    assert value("payment_count_sum_30d") == (1 if counts else 0)


@pytest.mark.parametrize(
    ("day", "one_month", "three_months"),
    [(date(2026, 10, 31), 1, 1), (date(2026, 10, 1), 1, 1), (date(2026, 9, 30), 0, 1), (date(2026, 8, 1), 0, 1),
     (date(2026, 7, 31), 0, 0), (date(2026, 11, 1), 0, 0)],
)  # fmt: skip
def test_a_window_of_months_holds_complete_months_only(day: date, one_month: int, three_months: int):
    pay(day, "1.00")
    assert (value("payment_count_sum_1m"), value("payment_count_sum_3m")) == (one_month, three_months)


def test_what_happened_later_is_not_seen():
    pay(AS_OF + timedelta(days=1), "5.00")
    pay(AS_OF, "3.00")
    assert value("payment_amount_sum_7d") == D("3.00")
    assert value("payment_amount_sum_7d", AS_OF + timedelta(days=1)) == D("8.00")


def test_a_missing_history_is_not_a_zero():
    assert value("payment_amount_sum_90d") is None
    assert value("login_count_sum_90d") is None
    pay(back(100), "5.00")
    assert value("payment_amount_sum_90d") == 0
    assert value("salary_amount_sum_90d") == 0
    assert value("login_count_sum_90d") is None
    assert value("payment_amount_mean_active_90d") is None


@pytest.mark.parametrize(
    ("day", "known"), [(date(2025, 11, 21), True), (date(2025, 11, 1), True), (date(2025, 10, 31), False)]
)
def test_the_reach_is_the_longest_window(day: date, known: bool):
    pay(day, "5.00")
    assert value("payment_amount_sum_12m") == (D("5.00") if known else None)
    assert value("payment_amount_sum_7d") == (0 if known else None)


@pytest.mark.parametrize(
    ("day", "counts"),
    [(date(2026, 11, 20), 1), (date(2026, 11, 1), 1), (date(2026, 10, 31), 0), (date(2026, 11, 21), 0)],
)
def test_the_month_so_far_ends_on_the_date(day: date, counts: int):
    pay(date(2026, 6, 1), "1.00")
    pay(day, "5.00")
    assert value("payment_count_sum_mtd") == counts


def test_statistics_of_a_window():
    for day, amount in ((1, "10.00"), (1, "20.00"), (3, "0.01")):
        pay(back(day), amount)
    assert value("payment_amount_max_day_7d") == D("30.00")
    assert value("payment_active_days_7d") == 2
    # 30.01 over two days, rounded down to the fen
    assert value("payment_amount_mean_active_7d") == D("15.00")
    assert value("counterparty_count_sum_7d") == 2


def test_shares_have_six_places_rounded_down_and_none_without_a_base():
    pay(back(1), "10.00")
    pay(back(20), "20.00")
    assert value("payment_amount_share_7d_30d") == D("0.333333")
    assert value("salary_amount_share_7d_30d") is None


def test_rhythm():
    for days_ago in (2, 3, 4, 10):
        pay(back(days_ago), "1.00")
    assert value("payment_days_since_last") == 2
    assert value("payment_longest_run_90d") == 3
    assert value("salary_days_since_last") is None
    for month in (5, 6, 10):
        pay(date(2026, month, 15), "12.00")
    assert value("payment_active_months_6m") == 3
    assert value("payment_active_months_12m") == 3
    assert value("payment_amount_best_month_12m") == D("12.00")
    assert value("payment_amount_worst_month_12m") == 0
    # Three months of 12 around a mean of 3: (3 × 9 + 9 × 3) ÷ 12 ÷ 3
    assert value("payment_amount_variation_12m") == D("1.5")


def test_a_trend_is_the_slope_beside_the_mean():
    """12 equal months do not move; 1, 2 … 6 yuan rise by 1 a month around a mean of 3.50."""
    for month, amount in enumerate(("1.00", "2.00", "3.00", "4.00", "5.00", "6.00"), start=5):
        pay(date(2026, month, 15), amount)
    assert value("payment_amount_trend_6m") == D("0.285714")
    assert value("payment_count_trend_6m") == 0
    assert value("salary_amount_trend_6m") is None
    pay(date(2026, 5, 16), "98.00")
    # 99, 2, 3 … 6 yuan: Σwx = -455, 12 × -455 ÷ (70 × 119), rounded down
    assert value("payment_amount_trend_6m") == D("-0.655463")


def test_quotients_that_are_no_ratio_have_their_own_unit():
    pay(back(1), "10.00")
    pay(back(2), "0.01")
    assert value("ticket_size_30d") == D("5.005")
    assert value("spending_of_salary_30d") is None


def test_no_feed_makes_a_value_wrap_round():
    """The largest amounts the feeds let in, many on one day: counted up to the limit, never negative."""
    rows = [PaymentEvent(
        row_id=f"r{next(_number)}", customer=person(), at=datetime(2026, 11, 19, 4, tzinfo=UTC), date=back(1),
        kind="payment", amount=D("9999999999999.99"), category="food", counterparty="x", channel="card",
    ) for _ in range(10_000)]  # fmt: skip
    PaymentEvent.objects.bulk_create(rows)
    months_mark(PaymentEvent, rows)
    pay(back(1), "0.01", "salary")
    assert value("payment_amount_sum_7d") == D("100000000000.00")
    assert value("spending_of_salary_30d") == D(9 * 10**12)
    assert value("payment_amount_share_7d_30d") == 1
    values = batch_variables([person().pk], AS_OF)
    assert [n for n, v in zip(values.names, values.numbers[0], strict=True) if v < 0] == []


@pytest.mark.parametrize(("hour", "night"), [(21, 0), (22, 1), (23, 1), (0, 1), (5, 1), (6, 0)])
def test_the_night_is_that_of_shanghai(hour: int, night: int):
    pay(back(1), "50.00", hour=hour)
    assert value("night_count_sum_7d") == night


@pytest.mark.parametrize(
    ("amount", "big", "small"), [("999.99", 0, 0), ("1000.00", 1, 0), ("10.00", 0, 0), ("9.99", 0, 1)]
)
def test_big_and_small_spending(amount: str, big: int, small: int):
    pay(back(1), amount)
    assert (value("big_count_sum_7d"), value("small_count_sum_7d")) == (big, small)


@pytest.mark.req("R17")
def test_red_packets_sent_and_received():
    pay(back(1), "30.00", "red_packet_sent")
    pay(back(1), "20.00", "red_packet_received")
    assert value("red_sent_of_received_30d") == D("1.5")


@pytest.mark.req("R18")
def test_changes_of_device_count_from_the_last_login_before():
    for days_ago, device in ((80, "a"), (40, "a"), (39, "b"), (1, "a")):
        at = datetime(2026, 11, 20, 4, tzinfo=UTC) - timedelta(days=days_ago)
        store(LoginEvent, at=at, date=back(days_ago), device=device, ip="192.0.2.1", city="深圳")
    assert value("device_change_count_sum_90d") == 2
    assert value("device_change_count_sum_7d") == 1
    assert value("city_change_count_sum_90d") == 0


def test_a_login_that_comes_late_changes_what_followed_it():
    at = datetime(2026, 11, 19, 4, tzinfo=UTC)
    store(LoginEvent, at=at, date=back(1), device="b", ip="192.0.2.1", city="x")
    assert value("device_change_count_sum_7d") == 0
    store(LoginEvent, at=at - timedelta(days=50), date=back(51), device="a", ip="192.0.2.1", city="x")
    assert value("device_change_count_sum_7d") == 1


@pytest.mark.req("R20")
def test_levels_hold_until_the_next_and_need_their_consent():
    from accounts.models import Consent

    for month, wealth, wallet in ((date(2026, 4, 1), "100.00", "1.00"), (date(2026, 11, 1), "300.00", "7.00")):
        store(AssetMonth, month=month, wealth_products_amount=D(wealth), ecny_wallet_amount=D(wallet),
              current_fund_mean_amount=D(50), deposits_amount=D(0), card_limit_amount=D(1000),
              card_debt_amount=D(250))  # fmt: skip
    assert value("wealth_products_last") == D("300.00")
    assert value("assets_age_days") == 19
    assert value("wealth_products_change_180d") == D("200.00")
    assert value("wealth_products_mean_365d") == D("200.00")
    assert value("wealth_products_mean_90d") == D("300.00")
    assert value("card_utilisation") == D("0.25")
    assert value("ecny_balance_last") is None
    Consent.objects.create(customer=person(), code="ecny_wallet", granted_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert value("ecny_balance_last") == D("7.00")


def random_life(openid: str, dice: random.Random) -> None:
    customer = person(openid)
    rows: list[Any] = []
    for _ in range(60):
        day = back(dice.randrange(0, 420))
        rows.append(PaymentEvent(
            row_id=f"r{next(_number)}", customer=customer, at=datetime(day.year, day.month, day.day, 3, tzinfo=UTC),
            date=day, kind=dice.choice(["payment", "salary", "transfer_out", "red_packet_sent"]),
            amount=D(dice.randrange(1, 10**6)) / 100, category=dice.choice(["food", "rent", "odd"]),
            counterparty=dice.choice("abc"), channel=dice.choice(["balance", "card", "ecny"])))  # fmt: skip
        rows.append(ActivityDay(row_id=f"r{next(_number)}", customer=customer, date=back(dice.randrange(0, 420)),
                                opens=dice.randrange(9), minutes=dice.randrange(99), friends=dice.randrange(300),
                                active_groups=dice.randrange(9)))  # fmt: skip
    rows.append(Friendship(row_id=f"r{next(_number)}", customer=customer, friend_openid="x", since_date=back(50),
                           until_date=back(3)))  # fmt: skip
    rows.append(GreenAct(row_id=f"r{next(_number)}", customer=customer, date=back(5), act="transit", quantity=D(2),
                         at=datetime(2026, 11, 15, tzinfo=UTC)))  # fmt: skip
    rows.append(BureauReport(row_id=f"r{next(_number)}", customer=customer, as_of=back(9), open_accounts=2,
                             debts_amount=D("99.99"), monthly_due_amount=D(5), worst_dpd_24m=3, inquiries_6m=1,
                             on_deny_list=False))  # fmt: skip
    dice.shuffle(rows)
    for row in rows:
        row.save()
        months_mark(type(row), [row])


def same(one: Values, row: int, other: Values, other_row: int) -> bool:
    return bool(
        np.array_equal(one.numbers[row], other.numbers[other_row])
        and np.array_equal(one.missing[row], other.missing[other_row])
    )


def test_one_customer_has_the_same_values_alone_and_in_any_company():
    dice = random.Random(7)
    names = [f"p{n}" for n in range(12)]
    for name in names:
        random_life(name, dice)
    keys = [person(name).pk for name in names]
    together = batch_variables(keys, AS_OF)
    backwards = batch_variables(keys[::-1], AS_OF)
    for number, key in enumerate(keys):
        alone = batch_variables([key], AS_OF)
        assert same(alone, 0, together, number)
        assert same(alone, 0, backwards, len(keys) - 1 - number)
    assert not together.missing.all()
    assert together.numbers.dtype == np.int64


def test_late_rows_and_a_build_from_nothing_end_in_the_same_summaries():
    dice = random.Random(3)
    random_life("alice", dice)
    summaries_build()
    before = batch_variables([person().pk], AS_OF)
    pay(back(200), "77.77")
    assert BehaviourMonth.objects.filter(is_stale=True).count() == 1
    after = batch_variables([person().pk], AS_OF)
    assert not same(before, 0, after, 0)
    kept = dict(BehaviourMonth.objects.values_list("month", "packed"))
    BehaviourMonth.objects.all().delete()
    assert summaries_mark_all() >= len(kept)
    summaries_build()
    assert {m: bytes(p) for m, p in BehaviourMonth.objects.values_list("month", "packed")} == {
        m: bytes(p) for m, p in kept.items()
    }
    assert same(after, 0, batch_variables([person().pk], AS_OF), 0)


def test_a_summary_of_another_layout_is_built_anew():
    pay(back(1), "5.00")
    summaries_build()
    BehaviourMonth.objects.update(layout_version=0, packed=b"")
    assert value("payment_amount_sum_7d") == D("5.00")
