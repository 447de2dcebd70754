"""R27, R56, R23, R24: the monthly round of raises at its edges, late, twice, killed, in parallel."""

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Notification
from risk.models import (
    AssetMonth,
    CreditLine,
    FreezeReason,
    GreenAct,
    LimitRaise,
    LimitRaisePolicy,
    LineChange,
    LineState,
    LoanTape,
    PolicyState,
    ProductTerms,
    Tier,
)
from risk.rules.raises import FundHeld, fund_share, green_points, green_share
from risk.services.credit_line import credit_line_freeze
from risk.services.limit_raises import JOB, LEASE, limit_raises_advance, limit_raises_begin
from risk.services.policy import content_check
from risk.services.presets import presets_load
from tests.risk.builders import LAYERS, SHANGHAI, approved_line
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.models import AuditEvent, JobRun

MONTH = date(2026, 12, 1)
AT = datetime(2026, 12, 1, 1, tzinfo=SHANGHAI)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _presets(db: None) -> None:
    presets_load(as_of=date(2026, 11, 20))


def holds(line: CreditLine, fund: str, wealth: str = "1000.00", month: date = date(2026, 11, 1)) -> None:
    AssetMonth.objects.filter(customer=line.customer, month=month).delete()
    AssetMonth.objects.create(
        customer=line.customer, row_id=f"{line.pk}-{month}", month=month, current_fund_mean_amount=Decimal(fund),
        wealth_products_amount=Decimal(wealth), deposits_amount=Decimal(0), ecny_wallet_amount=Decimal(0),
        card_limit_amount=Decimal(0), card_debt_amount=Decimal(0),
    )  # fmt: skip


def acts(line: CreditLine, act: str, count: int, start: int = 0) -> None:
    at = datetime(2026, 11, 10, 9, tzinfo=SHANGHAI)
    GreenAct.objects.bulk_create(
        GreenAct(customer=line.customer, row_id=f"{line.pk}-{act}-{n}", at=at, date=at.date(), act=act, quantity=1)
        for n in range(start, start + count)
    )


def small(line: CreditLine, limit: str = "1000.00") -> CreditLine:
    CreditLine.objects.filter(pk=line.pk).update(limit_amount=Decimal(limit))
    return CreditLine.objects.get(pk=line.pk)


def run_month(month: date = MONTH, at: datetime = AT) -> dict[str, int]:
    limit_raises_begin(month=month)
    while limit_raises_advance(at=at):
        pass
    counts: dict[str, int] = {}
    for run in JobRun.objects.filter(job=JOB, business_date=month):
        for name, count in run.result["counts"].items():
            counts[name] = counts.get(name, 0) + count
    return counts


def limit_of(line: CreditLine) -> Decimal:
    return CreditLine.objects.get(pk=line.pk).limit_amount


@pytest.mark.req("R27")
@pytest.mark.parametrize(
    ("fund", "wealth", "share"),
    [
        ("10000.00", "0.01", "0.2"),
        ("9999.99", "50000.00", "0"),
        ("10000.00", "0.00", "0"),
        ("250000.00", "1.00", "0.2"),
    ],
)
def test_the_fund_counts_from_its_minimum_and_with_a_wealth_product(fund: str, wealth: str, share: str) -> None:
    held = FundHeld(Decimal(fund), Decimal(wealth))
    assert fund_share(held, Decimal("10000.00"), Decimal("0.2")) == Decimal(share)


@pytest.mark.req("R27")
def test_who_is_not_known_to_hold_anything_is_owed_nothing() -> None:
    assert fund_share(None, Decimal("10000.00"), Decimal("0.2")) == 0


@pytest.mark.req("R56")
@pytest.mark.parametrize(("points", "share"), [(0, "0"), (99, "0"), (100, "0.02"), (199, "0.02"), (200, "0.04"),
                                               (499, "0.08"), (500, "0.1"), (90_000, "0.1")])  # fmt: skip
def test_points_count_by_full_steps_up_to_the_most(points: int, share: str) -> None:
    assert green_share(points, 100, Decimal("0.02"), Decimal("0.1")) == Decimal(share)


@pytest.mark.req("R56")
def test_each_act_counts_once_and_a_kind_without_worth_for_nothing() -> None:
    assert green_points({"transit": 3, "cycling": 2, "unknown": 9}, {"transit": 2, "cycling": 3}) == 12
    assert green_points({}, {"transit": 2}) == 0


@pytest.mark.req("R27")
def test_a_raise_is_given_once_told_once_and_kept_with_its_evidence() -> None:
    line = small(approved_line())
    holds(line, "10000.00")
    assert run_month() == {"lines": 1, "fund": 1}
    raised = LimitRaise.objects.get()
    # A fifth of 500 to 8 000 yuan, down to a whole hundred.
    assert (raised.amount, raised.new_limit_amount, limit_of(line)) == (Decimal(1500), Decimal(2500), Decimal(2500))
    assert raised.evidence == {"fund_mean": "10000.00", "wealth_products": "1000.00"}
    assert LineChange.objects.filter(credit_line=line, reason="limit_raise:fund").count() == 1
    assert AuditEvent.objects.filter(action="credit_line.change", subject_id=str(line.pk)).count() == 1
    assert Notification.objects.get(kind="limit_raised_fund").params["limit"] == "2500.00"

    assert limit_raises_advance(at=AT) == 0
    JobRun.objects.filter(job=JOB).delete()
    assert run_month() == {"lines": 1, "nothing_owed": 1}
    holds(line, "20000.00", month=date(2026, 12, 1))
    assert run_month(date(2027, 1, 1)) == {"lines": 1, "nothing_owed": 1}
    assert (limit_of(line), LimitRaise.objects.count()) == (Decimal(2500), 1)


@pytest.mark.req("R27")
def test_only_the_month_that_has_just_ended_counts() -> None:
    line = small(approved_line())
    holds(line, "1.00")
    holds(line, "90000.00", month=date(2026, 10, 1))
    holds(line, "90000.00", month=date(2026, 12, 1))
    assert run_month() == {"lines": 1, "nothing_owed": 1}


@pytest.mark.req("R56")
def test_green_points_raise_the_limit_by_what_they_are_worth_more_than_before() -> None:
    line = small(approved_line())
    acts(line, "reforestation", 10)
    acts(line, "walking", 99)
    assert run_month() == {"lines": 1, "green": 1}
    assert limit_of(line) == Decimal(1100)
    assert LimitRaise.objects.get().evidence == {"points": 199}
    acts(line, "walking", 1, start=99)
    assert run_month(date(2027, 1, 1)) == {"lines": 1, "green": 1}
    # Two steps are worth 300 yuan, of which 100 have been given.
    assert limit_of(line) == Decimal(1300)


@pytest.mark.req("R27", "R25")
def test_a_raise_never_leaves_the_tier() -> None:
    line = small(approved_line(), "7900.00")
    holds(line, "10000.00")
    assert run_month() == {"lines": 1, "fund": 1}
    assert limit_of(line) == Decimal(8000)
    other = small(approved_line("bob"), "8000.00")
    holds(other, "10000.00")
    JobRun.objects.filter(job=JOB).delete()
    assert run_month() == {"lines": 2, "nothing_owed": 1, "no_room": 1}
    assert limit_of(other) == Decimal(8000)


@pytest.mark.req("R27", "R50")
def test_a_student_stays_at_the_students_limit() -> None:
    line = small(approved_line())
    line.customer.registered_occupation = "student"
    line.customer.save()
    holds(line, "10000.00")
    assert run_month() == {"lines": 1, "no_room": 1}
    assert limit_of(line) == Decimal(1000)


@pytest.mark.req("R27", "R36")
def test_frozen_closed_and_overdue_lines_are_passed_over() -> None:
    frozen, late, closed = (small(approved_line(name)) for name in ("frozen", "late", "closed"))
    for line in (frozen, late, closed):
        holds(line, "10000.00")
    credit_line_freeze(line_id=frozen.pk, reason=FreezeReason.UNUSUAL_PLACE, actor=LAYERS, as_of=MONTH, at=AT, note="x")
    CreditLine.objects.filter(pk=closed.pk).update(state=LineState.CLOSED)
    tape(late, unpaid=date(2026, 11, 30))
    assert run_month() == {"lines": 2, "frozen": 1, "overdue": 1}
    assert {limit_of(line) for line in (frozen, late, closed)} == {Decimal(1000)}


def tape(line: CreditLine, unpaid: date) -> None:
    LoanTape.objects.create(
        loan_id=line.pk, customer=line.customer, credit_line=line, product_id=line.product_id,
        business_date=date(2026, 11, 21), state="active", plan="single", start_date=date(2026, 11, 21), due_date=unpaid,
        principal_amount=100, outstanding_principal_amount=100, unpaid_due_date=unpaid, daily_rate=Decimal("0.0004"),
    )  # fmt: skip


@pytest.mark.req("R27")
def test_what_falls_due_on_the_day_itself_is_not_overdue() -> None:
    line = small(approved_line())
    holds(line, "10000.00")
    tape(line, unpaid=MONTH)
    assert run_month() == {"lines": 1, "fund": 1}


@pytest.mark.req("R54")
def test_the_household_cap_bounds_a_raise() -> None:
    line, other = small(approved_line()), approved_line("alice2")
    CreditLine.objects.filter(pk=other.pk).update(customer=line.customer, limit_amount=Decimal("198500.00"),
                                                  product_id="jiebei", tier="vip")  # fmt: skip
    holds(line, "10000.00")
    run_month()
    assert limit_of(line) == Decimal(1500)


@pytest.mark.req("R23")
@pytest.mark.parametrize(("opened", "tier"), [(date(2026, 8, 1), "quality"), (date(2026, 8, 2), "new")])
def test_six_months_in_use_earn_the_better_tier_between_quarters(opened: date, tier: str) -> None:
    line = small(approved_line())
    CreditLine.objects.filter(pk=line.pk).update(opened_date=opened, daily_rate=Decimal("0.0005"))
    month, at = date(2027, 2, 1), datetime(2027, 2, 1, 1, tzinfo=SHANGHAI)
    counts = run_month(month, at)
    line = CreditLine.objects.get(pk=line.pk)
    assert line.tier == tier
    if tier == "new":
        assert counts == {"lines": 1, "nothing_owed": 1}
        assert (line.limit_amount, line.daily_rate) == (Decimal(1000), Decimal("0.0005"))
    else:
        assert counts == {"lines": 1, "tier": 1}
        assert (line.limit_amount, line.daily_rate) == (Decimal(8000), Decimal("0.00035"))
        assert line.penalty_share == Decimal("0.3")
        assert Notification.objects.get(kind="limit_raised_tier").params["rate"] == "0.0350"
        JobRun.objects.filter(job=JOB).delete()
        assert run_month(month, at) == {"lines": 1, "nothing_owed": 1}


@pytest.mark.req("R24")
@pytest.mark.parametrize(("assets", "tier"), [("500000.00", "vip"), ("499999.99", "new")])
def test_half_a_million_earns_the_best_tier(assets: str, tier: str) -> None:
    line = small(approved_line())
    holds(line, "0.00", wealth=assets)
    run_month()
    assert CreditLine.objects.get(pk=line.pk).tier == tier


@pytest.mark.req("R28", "R23")
def test_in_the_first_month_of_a_quarter_the_review_looks_at_the_tiers() -> None:
    line = small(approved_line())
    CreditLine.objects.filter(pk=line.pk).update(opened_date=date(2026, 1, 5))
    run_month(date(2027, 1, 1))
    assert CreditLine.objects.get(pk=line.pk).tier == "new"


@pytest.mark.req("R27")
def test_a_killed_partition_is_taken_over_after_its_lease_and_gives_the_same() -> None:
    line = small(approved_line())
    holds(line, "10000.00")
    limit_raises_begin(month=MONTH)
    JobRun.objects.filter(job=JOB).update(state=JobRun.State.RUNNING, heartbeat_at=AT)
    assert limit_raises_advance(at=AT + LEASE) == 0
    assert limit_raises_advance(at=AT + LEASE + timedelta(seconds=1)) == 1
    assert (limit_of(line), JobRun.objects.get(job=JOB).attempts) == (Decimal(2500), 1)


@pytest.mark.req("R27")
def test_a_dry_run_counts_and_writes_nothing() -> None:
    line = small(approved_line())
    holds(line, "10000.00")
    before = AuditEvent.objects.count()
    out = StringIO()
    call_command("limit_raises", "--dry-run", "--month", "2026-11-01", stdout=out)
    assert "lines: 1" in out.getvalue()
    assert (limit_of(line), LimitRaise.objects.count(), AuditEvent.objects.count()) == (Decimal(1000), 0, before)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fund_share": Decimal("1.01")},
        {"green_step_points": 0},
        {"green_points": {"flying": 3}},
        {"green_points": {"transit": -1}},
        {"green_points": {"transit": 1.5}},
        {"green_points": [1]},
    ],
)
def test_a_draft_that_makes_no_sense_is_told(wrong: dict[str, Any]) -> None:
    policy = LimitRaisePolicy(version=2, state=PolicyState.DRAFT, **wrong)
    with pytest.raises(FieldInvalid):
        content_check(policy)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_raise_each_line_once() -> None:
    lines = [small(approved_line(f"c{number}")) for number in range(6)]
    for line in lines:
        holds(line, "10000.00")
    limit_raises_begin(month=MONTH)
    run = JobRun.objects.get(job=JOB)
    for number, line in enumerate(sorted(lines, key=lambda row: row.pk)):
        ends = {"first": str(line.pk), "last": str(line.pk)}
        JobRun.objects.create(job=JOB, business_date=MONTH, partition=f"x{number}", result=ends)

    def work() -> None:
        try:
            while limit_raises_advance(at=AT):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert JobRun.objects.filter(job=JOB).exclude(state=JobRun.State.DONE).count() == 0
    assert run.partition == "000000"
    assert {limit_of(line) for line in lines} == {Decimal(2500)}
    assert LimitRaise.objects.count() == len(lines)


def test_the_presets_know_the_tiers_this_file_speaks_of() -> None:
    terms = ProductTerms.objects.get(product_id="weilidai")
    assert set(Tier.objects.filter(terms=terms).values_list("code", flat=True)) == {"new", "quality", "vip"}
