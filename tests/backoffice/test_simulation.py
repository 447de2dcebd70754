"""R58: the table of a simulation in the back office."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.backoffice.test_pages import staff
from weilidai.lib.models import SimulationFigure, SimulationRun

LIST = "/admin/lib/simulationrun/"
pytestmark = [pytest.mark.django_db, pytest.mark.req("R58")]


@pytest.fixture
def run() -> SimulationRun:
    made = SimulationRun.objects.create(
        created_at=datetime(2026, 11, 1, tzinfo=UTC), people_count=1234, seed=7, first_date=date(2025, 10, 1),
        last_date=date(2026, 9, 30), assumptions_sha256="a" * 64, duration_seconds=300,
    )  # fmt: skip
    for position, (code, measured, within) in enumerate(
        (("fund_raises", "0.88", True), ("proofs_raise", "0.8", False), ("overdue_share", "0.02", None)), start=1
    ):
        SimulationFigure.objects.create(
            run=made, position=position, code=code, requirement="R0", unit="share", low=Decimal("0.87"),
            high=Decimal("0.87"), tolerance=Decimal("0.05"), measured=Decimal(measured), observations_count=99,
            least_count=60, is_within=within,
        )  # fmt: skip
    return made


def test_without_a_run_the_list_says_how_to_make_one() -> None:
    assert "manage.py simulate" in staff("auditor").get(LIST).content.decode()


def test_the_list_counts_and_the_page_has_the_table(run: SimulationRun) -> None:
    client = staff("risk_analyst")
    listed = client.get(LIST)
    assert "manage.py simulate" not in listed.content.decode()
    [row] = listed.context["cl"].result_list
    assert (row.n_within, row.n_outside, row.n_unjudged) == (1, 1, 1)
    chinese = client.get(f"{LIST}{run.pk}/change/").content.decode()
    for text in ("提供两项资产证明后获得提额的占比", "87 % ± 5 %", "88 %", "容差内", "容差外", "样本太少，不作判断"):
        assert text in chinese
    english = client.get(f"{LIST}{run.pk}/change/", headers={"accept-language": "en"}).content.decode()
    assert "Raised after two asset proofs" in english


def test_it_is_for_those_who_answer_for_the_figures(run: SimulationRun) -> None:
    assert [staff(role).get(LIST).status_code for role in ("supervisor", "auditor", "collector", "finance")] == [
        200, 200, 403, 403,
    ]  # fmt: skip


def test_nobody_writes_into_it(run: SimulationRun) -> None:
    client = staff("supervisor")
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{run.pk}/delete/", {"post": "yes"}).status_code == 403
