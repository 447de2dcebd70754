"""R27, R56, R23, R24: the monthly round of raises at its edges, late, twice, killed, in parallel."""

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Notification, StaffUser
from risk.errors import FourEyesRequired
from risk.models import (
    AssetMonth,
    CreditLine,
    FreezeReason,
    GreenAct,
    LimitRaise,
    LimitRaisePolicy,
    LimitRaiseRun,
    LineChange,
    LineState,
    LoanTape,
    PolicyState,
    ProductTerms,
    RunState,
    Tier,
)
from risk.rules.raises import FundHeld, fund_share, green_points, green_share
from risk.services import line_run
from risk.services.credit_line import credit_line_freeze
from risk.services.limit_raises import (
    limit_raises_advance,
    limit_raises_begin,
    limit_raises_discard,
    limit_raises_release,
    raises_dry_run_begin,
)
from risk.services.policy import content_check
from risk.services.presets import presets_load
from tests.risk.builders import LAYERS, SHANGHAI, approved_line
from weilidai.lib.business_date import business_date_set
from weilidai.lib.errors import FieldInvalid, TransitionRefused
from weilidai.lib.models import AuditEvent, JobRun, StateChange
from weilidai.lib.partitions import ranges_of

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


SOURCES_AND_WHY = ("lines", "fund", "green", "tier", "frozen", "overdue", "nothing_owed", "no_room", "no_terms")


def begin(month: date = MONTH) -> LimitRaiseRun:
    return limit_raises_begin(month=month, as_of=month, at=AT)


def work() -> None:
    while limit_raises_advance(at=AT):
        pass


def run_month(month: date = MONTH) -> dict[str, int]:
    run = begin(month)
    work()
    return counted(run)


def counted(run: LimitRaiseRun) -> dict[str, int]:
    summary = LimitRaiseRun.objects.get(pk=run.pk).summary
    return {name: summary[name] for name in SOURCES_AND_WHY if name in summary}


def again(run: LimitRaiseRun) -> dict[str, int]:
    """The same run done once more, as if nobody had written down that its ranges are done."""
    ranges_of(run.job, run.month).update(state=JobRun.State.PENDING)
    LimitRaiseRun.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    work()
    return counted(run)


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
    assert again(begin()) == {"lines": 1, "nothing_owed": 1}
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
    assert again(begin()) == {"lines": 2, "nothing_owed": 1, "no_room": 1}
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
def test_the_household_cap_bounds_a_raise_and_its_dry_run_also_of_lines_in_two_ranges(
    monkeypatch: pytest.MonkeyPatch, admin_user: StaffUser
) -> None:
    monkeypatch.setattr(line_run, "RANGE_LINES", 1)
    line, other = small(approved_line()), approved_line("alice2")
    CreditLine.objects.filter(pk=other.pk).update(customer=line.customer, limit_amount=Decimal("198500.00"),
                                                  product_id="jiebei", tier="vip")  # fmt: skip
    holds(line, "10000.00")
    dry = raises_dry_run_begin(month=MONTH, user=admin_user, as_of=MONTH, at=AT)
    work()
    assert run_month() == counted(dry) == {"lines": 2, "fund": 1, "no_room": 1}
    runs = LimitRaiseRun.objects.values_list("summary", flat=True)
    assert runs.get(pk=dry.pk) == runs.get(is_dry_run=False)
    assert (limit_of(line), limit_of(other)) == (Decimal(1500), Decimal(198500))


@pytest.mark.req("R23")
@pytest.mark.parametrize(("opened", "tier"), [(date(2026, 8, 1), "quality"), (date(2026, 8, 2), "new")])
def test_six_months_in_use_earn_the_better_tier_between_quarters(opened: date, tier: str) -> None:
    line = small(approved_line())
    CreditLine.objects.filter(pk=line.pk).update(opened_date=opened, daily_rate=Decimal("0.0005"))
    month = date(2027, 2, 1)
    counts = run_month(month)
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
        assert again(begin(month)) == {"lines": 1, "nothing_owed": 1}


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
def test_a_dry_run_shows_the_distribution_and_writes_nothing(admin_user: StaffUser) -> None:
    line, other = small(approved_line()), small(approved_line("bob"))
    holds(line, "10000.00")
    acts(line, "reforestation", 10)
    before = AuditEvent.objects.filter(action="credit_line.change").count()
    business_date_set(date(2026, 12, 20), at=AT)
    out = StringIO()
    call_command("limit_raises", "--dry-run", admin_user.username, "--month", "2026-12-01", stdout=out)
    run = LimitRaiseRun.objects.get()
    assert (run.is_dry_run, run.state, run.started_by) == (True, RunState.DONE, admin_user)
    assert run.summary == {
        "lines": 2, "raised": 1, "fund": 1, "green": 1, "nothing_owed": 1, "amount:fund": 150_000,
        "amount:green": 10_000, "limit_before": 200_000, "limit_after": 360_000, "raise:0": 1, "raise:3": 1,
        "before:2": 2, "after:2": 1, "after:4": 1,
    }  # fmt: skip
    assert "raised: 1" in out.getvalue()
    assert limit_of(line) == limit_of(other) == Decimal(1000)
    assert LimitRaise.objects.count() == Notification.objects.filter(kind__startswith="limit_raised").count() == 0
    assert AuditEvent.objects.filter(action="credit_line.change").count() == before
    # What was foreseen is what the round then does.
    assert run_month() == counted(run)
    assert limit_of(line) == Decimal(2600)


@pytest.mark.req("R27")
def test_raises_go_by_themselves_unless_the_policy_wants_a_second_person(admin_user: StaffUser) -> None:
    line = small(approved_line())
    holds(line, "10000.00")
    assert begin().state == RunState.RUNNING
    LimitRaiseRun.objects.all().delete()
    LimitRaisePolicy.objects.update(needs_release=True)
    run = begin()
    assert begin().pk == run.pk
    work()
    assert limit_of(line) == Decimal(1000)
    raises_dry_run_begin(month=MONTH, user=admin_user, as_of=MONTH, at=AT)
    work()
    edge: dict[str, Any] = {"run_id": run.pk, "reason": "seen", "as_of": MONTH, "at": AT}
    with pytest.raises(FourEyesRequired):
        limit_raises_release(user=admin_user, **edge)
    second = StaffUser.objects.create(username="second")
    limit_raises_release(user=second, **edge)
    with pytest.raises(TransitionRefused):
        limit_raises_release(user=second, **edge)
    work()
    done = LimitRaiseRun.objects.get(pk=run.pk)
    assert (limit_of(line), done.state, done.released_by) == (Decimal(2500), RunState.DONE, second)
    assert list(StateChange.objects.filter(subject_id=str(run.pk)).order_by("id").values_list("new", flat=True)) == [
        "waiting", "running", "done",
    ]  # fmt: skip


@pytest.mark.req("R27")
def test_what_a_month_that_was_given_up_owed_the_next_one_owes(admin_user: StaffUser) -> None:
    LimitRaisePolicy.objects.update(needs_release=True)
    line = small(approved_line())
    acts(line, "reforestation", 10)
    run = begin()
    limit_raises_discard(run_id=run.pk, user=admin_user, reason="not now", as_of=MONTH, at=AT)
    work()
    assert limit_of(line) == Decimal(1000)
    LimitRaisePolicy.objects.update(needs_release=False)
    assert run_month(date(2027, 1, 1)) == {"lines": 1, "green": 1}


@pytest.mark.req("R54", "R27")
def test_two_lines_of_one_person_share_the_room_of_the_law() -> None:
    line, other, third = small(approved_line()), approved_line("alice2"), approved_line("alice3")
    own = {"customer": line.customer}
    CreditLine.objects.filter(pk=other.pk).update(limit_amount="198400.00", product_id="jiebei", tier="vip", **own)
    CreditLine.objects.filter(pk=third.pk).update(limit_amount="100.00", product_id="jintiao", **own)
    holds(line, "10000.00")
    run_month()
    assert [limit_of(one) for one in (line, other, third)] == [1500, 198_400, 100]


@pytest.mark.req("R27")
def test_a_line_whose_tier_is_offered_no_more_is_passed_over_and_holds_up_nobody() -> None:
    line, other = small(approved_line()), small(approved_line("bob"))
    holds(line, "10000.00")
    holds(other, "10000.00")
    Tier.objects.filter(terms__product="jiebei", code="new").delete()
    CreditLine.objects.filter(pk=line.pk).update(product_id="jiebei")
    assert run_month() == {"lines": 2, "fund": 1, "no_terms": 1}


@pytest.mark.req("R27")
def test_a_line_opened_since_the_month_began_waits_for_the_next() -> None:
    line = small(approved_line())
    holds(line, "10000.00")
    CreditLine.objects.filter(pk=line.pk).update(opened_date=MONTH)
    run = begin()
    work()
    assert LimitRaiseRun.objects.get(pk=run.pk).summary == {}
    CreditLine.objects.filter(pk=line.pk).update(opened_date=MONTH - timedelta(days=1))
    assert again(run) == {"lines": 1, "fund": 1}


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
def test_workers_side_by_side_raise_each_line_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_run, "RANGE_LINES", 1)
    lines = [small(approved_line(f"c{number}")) for number in range(6)]
    for line in lines:
        holds(line, "10000.00")
    run = begin()

    def run_one() -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work()
    assert LimitRaiseRun.objects.get(pk=run.pk).state == RunState.DONE
    assert {limit_of(line) for line in lines} == {Decimal(2500)}
    assert LimitRaise.objects.count() == len(lines)


def test_the_presets_know_the_tiers_this_file_speaks_of() -> None:
    terms = ProductTerms.objects.get(product_id="weilidai")
    assert set(Tier.objects.filter(terms=terms).values_list("code", flat=True)) == {"new", "quality", "vip"}
