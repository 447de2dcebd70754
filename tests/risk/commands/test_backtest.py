from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from risk.models import BacktestRun
from tests.risk.backtests import analyst, decided, scorecard_draft
from tests.risk.builders import AS_OF, AT
from weilidai.lib.business_date import business_date_set

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policies"), pytest.mark.req("R33")]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("backtest", *arguments, "--staff", "ann", stdout=out)
    return out.getvalue()


def test_the_command_judges_to_the_end_and_prints_figures_and_speed() -> None:
    business_date_set(AS_OF, at=AT)
    decided("alice")
    analyst()
    scorecard_draft()
    told = run("scorecard")
    assert "judged: 1\n" in told
    assert "1 decisions, " in told
    assert BacktestRun.objects.get().period_to == AS_OF
    assert (AS_OF - BacktestRun.objects.get().period_from).days == 89


@pytest.mark.parametrize(
    "arguments",
    [["terms"], ["scorecard", "--to", "2027-01-01"], ["scorecard", "--one-in", "0"]],
)  # fmt: skip
def test_a_wrong_question_is_told(arguments: list[str]) -> None:
    business_date_set(AS_OF, at=AT)
    analyst()
    scorecard_draft()
    with pytest.raises(CommandError) as error:
        run(*arguments)
    assert str(error.value)


def test_an_unknown_member_of_staff_is_told() -> None:
    with pytest.raises(CommandError):
        run("scorecard")
