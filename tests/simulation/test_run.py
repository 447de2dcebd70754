"""A few people for some days through the real code: the same seed gives the same table, nobody else's data is near."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import Customer
from loans.models import Loan, LoanState
from risk.models import Appeal, AssetProof, CreditLine, Decision, LimitRaiseRun, RateReview, RunState
from tests.risk.builders import customer_create
from weilidai.lib.business_date import business_date_set
from weilidai.lib.models import BusinessDay, JobRun, SimulationFigure, SimulationRun
from weilidai.management.commands import simulate as command
from weilidai.simulation.assumptions import Assumptions, assumptions
from weilidai.simulation.measures import Measured, Span
from weilidai.simulation.people import members
from weilidai.simulation.run import Result, SandboxNeeded, SimulationRefused, last_day, result_store, simulate
from weilidai.simulation.seed import CLAIMS, Claim

pytestmark = [pytest.mark.django_db, pytest.mark.req("R58")]
PEOPLE, SEED = 4, 5
FIRST, LAST = date(2025, 12, 28), date(2026, 1, 2)
Table = list[tuple[Claim, Measured]]


def eager() -> Assumptions:
    """Everybody applies, borrows and proves in the first days."""
    usual = assumptions()
    return replace(
        usual,
        life=usual.life | {"first_day": FIRST, "arrival_months": [1.0]},
        borrowing=usual.borrowing | {"first_draw": 1.0, "days": [2], "instalments": 0.0},
        proofs=usual.proofs | {"both": 1.0, "days_after": [1, 2], "days_between": [0, 1]},
    )


class Undone(Exception):
    """Takes a life back."""


@cache
def lived(seed: int) -> tuple[Table, dict[str, int]]:
    """The figures of a life that is taken back, and what it had left behind by its end."""
    left: list[Any] = []
    try:
        with transaction.atomic():
            result = simulate(people=PEOPLE, last=LAST, seed=seed, assumed=eager())
            left = [list(result.figures), _counts()]
            raise Undone
    except Undone:
        return left[0], left[1]


def _counts() -> dict[str, int]:
    return {
        "nights": BusinessDay.objects.filter(state=BusinessDay.State.CLOSED).count(),
        "tapes": JobRun.objects.filter(job="end_of_day.tape", partition="", state=JobRun.State.DONE).count(),
        "rounds": LimitRaiseRun.objects.filter(state=RunState.DONE).count(),
        "decisions": Decision.objects.filter(answers=None).count(),
        "lines": CreditLine.objects.count(),
        "settled": Loan.objects.filter(state=LoanState.SETTLED).count(),
        "proofs": AssetProof.objects.exclude(reviewed_by=None).count(),
        "reviews": RateReview.objects.filter(quarter=date(2026, 1, 1)).count(),
    }


def test_people_go_through_the_services_and_the_nights_through_all_steps() -> None:
    figures, counts = lived(SEED)
    assert (counts["nights"], counts["tapes"], counts["rounds"]) == (6, 6, 1)
    assert counts["decisions"] >= PEOPLE
    assert min(counts.values()) > 0
    assert [claim for claim, _ in figures] == list(CLAIMS)


def test_the_same_seed_gives_the_same_table() -> None:
    assert lived.__wrapped__(SEED) == lived(SEED)


@pytest.mark.req("R36", "R39")
def test_a_login_from_elsewhere_freezes_and_is_appealed_against() -> None:
    far = eager()
    far = replace(far, trips=far.trips | {"month": 1.0, "appeal": 1.0, "appeal_after_days": [0, 0]})
    simulate(people=3, last=date(2026, 1, 1), seed=SEED, assumed=far)
    assert CreditLine.objects.exists()
    assert set(CreditLine.objects.values_list("state", "frozen_reason")) == {("frozen", "unusual_place")}
    assert Appeal.objects.filter(received_date=date(2026, 1, 1)).count() == CreditLine.objects.count()


def test_another_seed_gives_other_people() -> None:
    one, other = (members(50, last=LAST, seed=seed, assumed=eager()) for seed in (SEED, SEED + 1))
    assert sum(a == b for a, b in zip(one, other, strict=True)) == 0


def test_a_larger_population_has_the_same_first_people() -> None:
    assert members(20, last=LAST, seed=SEED, assumed=eager())[:7] == members(7, last=LAST, seed=SEED, assumed=eager())


def test_it_refuses_a_database_with_customers() -> None:
    customer_create("alice")
    with pytest.raises(SimulationRefused):
        simulate(people=1, last=LAST, seed=SEED)
    assert list(Customer.objects.values_list("openid", flat=True)) == ["alice"]


def test_it_refuses_a_database_in_which_a_day_was_closed() -> None:
    business_date_set(FIRST, at=timezone.now())
    BusinessDay.objects.update(state=BusinessDay.State.CLOSED)
    with pytest.raises(SimulationRefused):
        simulate(people=1, last=LAST, seed=SEED)


def test_it_asks_no_real_institution(settings: LazySettings) -> None:
    settings.PROVIDERS = settings.PROVIDERS | {"face": settings.PROVIDERS["face"] | {"kind": "http"}}
    with pytest.raises(SandboxNeeded):
        simulate(people=1, last=LAST, seed=SEED)


def test_four_quarters_end_a_year_after_the_first_day() -> None:
    first: date = assumptions().life["first_day"]
    assert last_day(4) == first.replace(year=first.year + 1) - (date(2026, 1, 2) - date(2026, 1, 1))


def result(value: Any = None, observations: int = 0) -> Result:
    figures = tuple((claim, Measured(value, observations)) for claim in CLAIMS)
    return Result(people=7, seed=3, span=Span(FIRST, LAST), assumed=assumptions(), figures=figures)


def test_the_table_is_stored_row_by_row_with_its_judgement() -> None:
    run = result_store(result(Decimal("0.91"), 100_000), at=timezone.now(), seconds=12)
    assert (run.people_count, run.seed, run.first_date, run.last_date, run.duration_seconds) == (7, 3, FIRST, LAST, 12)
    assert run.assumptions_sha256 == assumptions().fingerprint
    assert list(run.figures.order_by("position").values_list("code", flat=True)) == [claim.code for claim in CLAIMS]
    judged = dict(run.figures.values_list("code", "is_within"))
    assert (judged["fund_raises"], judged["housing_fund_ratio"], judged["overdue_share"]) == (True, False, None)
    assert run.figures.get(code="proofs_raise").measured == Decimal("0.91")


def test_a_table_without_anybody_judges_nothing() -> None:
    run = result_store(result(), at=timezone.now(), seconds=1)
    assert set(run.figures.values_list("is_within", "measured")) == {(None, None)}


def test_the_command_prints_what_it_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def told(**values: Any) -> Result:
        asked.update(values)
        return result()

    monkeypatch.setattr(command, "simulate", told)
    out = StringIO()
    call_command("simulate", "--people", "9", "--quarters", "2", "--seed", "4", "--here", stdout=out)
    assert (asked["people"], asked["last"], asked["seed"]) == (9, last_day(2), 4)
    assert SimulationFigure.objects.filter(run=SimulationRun.objects.get()).count() == len(CLAIMS)
    for text in ("R27", "87 % ± 6 %", "零钱通月均满 1 万元", "样本太少"):
        assert text in out.getvalue()


def test_the_command_says_why_it_refuses() -> None:
    customer_create("alice")
    with pytest.raises(CommandError, match="没有客户"):
        call_command("simulate", "--people", "3", "--here", stdout=StringIO())


@pytest.mark.parametrize("arguments", [("--people", "0"), ("--quarters", "0")])
def test_nobody_and_no_time_give_no_table(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        call_command("simulate", *arguments, "--here", stdout=StringIO())
    assert not SimulationRun.objects.exists()
