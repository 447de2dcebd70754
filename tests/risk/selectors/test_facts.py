from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Consent, Customer
from risk.models import ActivityDay, AssetMonth, BureauReport, ScoreReading
from risk.rules.facts import CustomerFacts
from risk.selectors.facts import facts_gather, months_before, months_between
from risk.selectors.policy import terms_current
from tests.risk.builders import (
    AS_OF,
    AT,
    SHANGHAI,
    auxiliary_create,
    behaviour_create,
    customer_create,
    login_create,
    payment_create,
)

pytestmark = pytest.mark.usefixtures("policies")
D = Decimal


@pytest.fixture
def alice() -> Customer:
    customer = customer_create()
    for code in ("credit_report", "third_party_data"):
        Consent.objects.create(customer=customer, code=code, granted_at=AT)
    return customer


def facts(customer: Customer, as_of: date = AS_OF) -> CustomerFacts:
    return facts_gather(customer, terms_current("weilidai", as_of), as_of)


def test_a_customer_nobody_reported_on_has_unknown_facts_and_six_empty_months(alice: Customer) -> None:
    known = facts(alice)
    assert (known.score, known.payment_amount_12m, known.friends_count, known.assets_amount) == (None,) * 4
    assert (known.device_changes_90d, known.bureau_age_days, known.auxiliary) == (None, None, ())
    assert [(m.month, m.days, m.opens) for m in known.activity] == [
        ("2026-05", 31, 0), ("2026-06", 30, 0), ("2026-07", 31, 0),
        ("2026-08", 31, 0), ("2026-09", 30, 0), ("2026-10", 31, 0),
    ]  # fmt: skip


def test_facts_take_a_bounded_number_of_queries(
    alice: Customer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    behaviour_create(alice)
    terms = terms_current("weilidai", AS_OF)
    with django_assert_max_num_queries(15):
        facts_gather(alice, terms, AS_OF)


@pytest.mark.req("R2")
def test_the_newest_score_not_after_the_date_counts(alice: Customer) -> None:
    for n, (score, day) in enumerate(
        [(600, AS_OF), (599, AS_OF - timedelta(days=1)), (800, AS_OF + timedelta(days=1))]
    ):
        ScoreReading.objects.create(customer=alice, row_id=str(n), name="wechat_pay", score=score, as_of=day)
    ScoreReading.objects.create(customer=alice, row_id="z", name="zhima", score=700, as_of=AS_OF)
    assert facts(alice).score == 600
    assert facts(alice, AS_OF - timedelta(days=1)).score == 599


@pytest.mark.req("R4")
def test_only_the_six_complete_months_before_count(alice: Customer) -> None:
    for n, day in enumerate((date(2026, 4, 30), date(2026, 5, 1), date(2026, 10, 31), date(2026, 11, 1))):
        ActivityDay.objects.create(
            customer=alice, row_id=str(n), date=day, opens=10 + n, minutes=1, friends=n, active_groups=n
        )
    assert [m.opens for m in facts(alice).activity] == [11, 0, 0, 0, 0, 12]
    assert facts(alice).friends_count == 3


@pytest.mark.req("R4")
@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        (date(2026, 10, 31), date(2026, 4, 1), date(2026, 9, 1)),
        (date(2026, 11, 1), date(2026, 5, 1), date(2026, 10, 1)),
        (date(2027, 1, 1), date(2026, 7, 1), date(2026, 12, 1)),
    ],
)
def test_the_running_month_is_never_complete(day: date, first: date, last: date) -> None:
    months = months_before(day, 6)
    assert (months[0], months[-1], len(months)) == (first, last, 6)


@pytest.mark.req("R15", "R17")
def test_payments_of_365_days_are_summed_by_kind(alice: Customer) -> None:
    for row, kind, amount, day in (
        ("a", "payment", "0.10", AS_OF),
        ("b", "payment", "0.20", AS_OF - timedelta(days=364)),
        ("c", "payment", "1000.00", AS_OF - timedelta(days=365)),
        ("d", "payment", "1000.00", AS_OF + timedelta(days=1)),
        ("e", "red_packet_sent", "66.60", AS_OF),
        ("f", "red_packet_received", "8.80", AS_OF),
        ("g", "card_repayment", "1200.00", AS_OF),
    ):
        payment_create(alice, row, kind, amount, day)
    known = facts(alice)
    assert (known.payment_amount_12m, known.payment_count_12m) == (D("0.30"), 2)
    assert (known.red_packets_sent_amount_12m, known.red_packets_received_amount_12m) == (D("66.60"), D("8.80"))
    assert known.card_repayment_amount_12m == D("1200.00")


def test_other_movements_without_payments_are_zero_payments(alice: Customer) -> None:
    payment_create(alice, "a", "salary", "9000.00", AS_OF)
    assert (facts(alice).payment_amount_12m, facts(alice).payment_count_12m) == (D("0.00"), 0)


@pytest.mark.req("R18")
def test_twelve_changes_and_none(alice: Customer) -> None:
    for n in range(13):
        login_create(alice, AT - timedelta(days=60 - n), f"d{n}", f"10.0.0.{n}")
    known = facts(alice)
    assert (known.device_changes_90d, known.ip_changes_90d, known.device_tenure_days) == (12, 12, 48)
    bob = customer_create("bob")
    for n in range(3):
        login_create(bob, AT - timedelta(days=n), "d0")
    assert (facts(bob).device_changes_90d, facts(bob).device_tenure_days) == (0, 2)


@pytest.mark.req("R18")
@pytest.mark.parametrize(("days_ago", "changes"), [(89, 1), (90, None)])
def test_a_change_counts_on_the_day_of_the_first_login_with_the_new_device(
    alice: Customer, days_ago: int, changes: int | None
) -> None:
    login_create(alice, AT - timedelta(days=120), "old")
    login_create(alice, AT - timedelta(days=days_ago), "new")
    assert facts(alice).device_changes_90d == changes


def test_switching_to_and_fro_are_two_changes(alice: Customer) -> None:
    for n, device in enumerate(("a", "b", "a")):
        login_create(alice, AT - timedelta(days=10 - n), device)
    assert (facts(alice).device_changes_90d, facts(alice).device_tenure_days) == (2, 10)


@pytest.mark.req("R20")
def test_the_wallet_is_read_with_consent_only(alice: Customer) -> None:
    behaviour_create(alice)
    assert facts(alice).ecny_wallet_amount is None
    consent = Consent.objects.create(customer=alice, code="ecny_wallet", granted_at=AT)
    assert facts(alice).ecny_wallet_amount == D("120.00")
    Consent.objects.filter(pk=consent.pk).update(withdrawn_at=AT)
    assert facts(alice).ecny_wallet_amount is None


@pytest.mark.req("R24")
def test_assets_are_fund_products_and_deposits_of_the_newest_month(alice: Customer) -> None:
    for n, month in enumerate((date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1))):
        AssetMonth.objects.create(
            customer=alice, row_id=str(n), month=month, current_fund_mean_amount=D(100 * (n + 1)),
            wealth_products_amount=D("20.00"), deposits_amount=D("3.00"), ecny_wallet_amount=D("999.00"),
            card_limit_amount=D("0.00"), card_debt_amount=D("0.00"),
        )  # fmt: skip
    assert facts(alice).assets_amount == D("223.00")
    assert facts(alice, date(2026, 10, 31)).assets_amount == D("123.00")


def test_the_newest_credit_report_not_after_the_date_counts(alice: Customer) -> None:
    values: dict[str, Any] = {
        "customer": alice, "open_accounts": 1, "monthly_due_amount": D(1), "inquiries_6m": 1, "on_deny_list": False,
    }  # fmt: skip
    for n, (day, debts) in enumerate([(AS_OF - timedelta(days=3), 5), (AS_OF + timedelta(days=1), 9)]):
        BureauReport.objects.create(row_id=str(n), as_of=day, debts_amount=D(debts), worst_dpd_24m=n, **values)
    known = facts(alice)
    assert (known.bureau_age_days, known.bureau_debts_amount, known.worst_dpd_24m) == (3, D("5.00"), 0)


@pytest.mark.req("R5", "R6")
def test_the_newest_reading_of_each_item_counts(alice: Customer) -> None:
    auxiliary_create(alice, "housing_fund", months=11, as_of=date(2026, 10, 1))
    auxiliary_create(alice, "housing_fund", months=12, as_of=date(2026, 11, 1))
    auxiliary_create(alice, "education", state="contradicted", as_of=date(2026, 11, 20))
    auxiliary_create(alice, "education", state="verified", as_of=date(2026, 11, 21))
    assert [(i.item, i.state, i.months, i.age_days) for i in facts(alice).auxiliary] == [
        ("education", "contradicted", 40, 0),
        ("housing_fund", "verified", 12, 19),
    ]


@pytest.mark.req("R3")
@pytest.mark.parametrize(("born", "age"), [(date(2008, 11, 20), 18), (date(2008, 11, 21), 17)])
def test_age_is_completed_years(born: date, age: int) -> None:
    assert facts(customer_create("young", birth_date=born)).age_years == age


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2026, 5, 20), date(2026, 11, 19), 5),
        (date(2026, 5, 20), date(2026, 11, 20), 6),
        (date(2025, 12, 31), date(2026, 6, 30), 5),
        (date(2026, 1, 1), date(2026, 1, 1), 0),
    ],
)
def test_months_between_counts_complete_months(start: date, end: date, months: int) -> None:
    assert months_between(start, end) == months


def test_a_login_of_the_night_belongs_to_its_own_day(alice: Customer) -> None:
    login_create(alice, datetime(2026, 11, 21, 0, 5, tzinfo=SHANGHAI), "late")
    assert facts(alice).device_changes_90d is None
