"""When a figure counts as come out, and how it is read."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import override

from weilidai.lib.models import SimulationFigure
from weilidai.simulation.measures import Measured
from weilidai.simulation.seed import BY_CODE, CLAIMS, Claim, is_within
from weilidai.simulation.words import judged_word, measured_text, range_text, title_of

D = Decimal
pytestmark = pytest.mark.req("R58")


def claim(low: str | None, high: str | None, tolerance: str = "0.05", least: int = 10) -> Claim:
    edges = (None if edge is None else D(edge) for edge in (low, high))
    return Claim("c", "R0", "words", "share", *edges, D(tolerance), least, lambda span: Measured(None, 0))


@pytest.mark.parametrize(("of", "value", "observations", "judged"), [
    (claim("0.5", "0.5"), "0.45", 10, True),
    (claim("0.5", "0.5"), "0.449999", 10, False),
    (claim("0.5", "0.5"), "0.55", 10, True),
    (claim("0.5", "0.5"), "0.550001", 10, False),
    (claim("0.5", "0.5"), "0.5", 9, None),
    (claim("0.62", "0.75", "0"), "0.62", 10, True),
    (claim("0.62", "0.75", "0"), "0.619999", 10, False),
    (claim(None, "0.012", "0"), "0.012", 10, True),
    (claim(None, "0.012", "0"), "0.012001", 10, False),
    (claim(None, None), "0.5", 10, None),
    (claim("0.5", "0.5"), None, 10, None),
])  # fmt: skip
def test_a_figure_is_judged_by_its_range_its_tolerance_and_enough_observations(
    of: Claim, value: str | None, observations: int, judged: bool | None
) -> None:
    assert is_within(of, Measured(None if value is None else D(value), observations)) is judged


def test_the_figures_of_the_source_stand_as_it_has_them() -> None:
    said = {claim.code: (claim.requirement, claim.low, claim.high) for claim in CLAIMS}
    assert said["housing_fund_ratio"] == ("R6", D("1.40"), D("1.40"))
    assert said["fund_raises"] == ("R27", D("0.87"), D("0.87"))
    assert said["blue_collar_weilidai"] == ("R32", D("0.61"), D("0.61"))
    assert said["blue_collar_jintiao"] == ("R32", D("0.73"), D("0.73"))
    assert said["merchants_ahead"] == ("R32", D("0.18"), D("0.18"))
    assert said["proofs_raise"] == ("R38", D("0.92"), D("0.92"))
    assert said["npl_share"] == ("R53", None, D("0.012"))
    assert len(BY_CODE) == len(CLAIMS)


def figure(**values: Any) -> SimulationFigure:
    usual = {"code": "npl_share", "unit": "share", "low": None, "high": None, "tolerance": D(0), "is_within": None}
    return SimulationFigure(**{**usual, **values})


@pytest.mark.parametrize(("values", "said", "found"), [
    ({"low": D("0.87"), "high": D("0.87"), "tolerance": D("0.05"), "measured": D("0.881234")}, "87 % ± 5 %", "88.12 %"),
    ({"low": D("0.62"), "high": D("0.75"), "measured": None}, "62 % – 75 %", "–"),
    ({"high": D("0.012"), "measured": D("0.0101")}, "≤ 1.2 %", "1.01 %"),
    ({"low": D("0.5"), "measured": D("1")}, "≥ 50 %", "100 %"),
    ({"measured": D("0.03")}, "–", "3 %"),
    ({"unit": "ratio", "low": D("1.4"), "high": D("1.4"), "measured": D("1.3976")}, "1.4", "1.398"),
    ({"unit": "points", "low": D("0.18"), "high": D("0.18"), "tolerance": D("0.06"), "measured": D("0.19")},
     "+18.0 ± 6.0", "+19.0"),
    ({"unit": "daily_rate", "low": D("0.0003"), "high": D("0.0009"), "measured": D("0.000312")}, "0.03 % – 0.09 %",
     "0.0312 %"),
])  # fmt: skip
def test_figures_are_read_in_their_units(values: dict[str, Any], said: str, found: str) -> None:
    row = figure(**values)
    assert (range_text(row), measured_text(row)) == (said, found)


@pytest.mark.parametrize(("values", "chinese", "english"), [
    ({"is_within": True}, "容差内", "within"),
    ({"is_within": False}, "容差外", "outside"),
    ({"high": D(1)}, "样本太少，不作判断", "too few to judge"),
    ({}, "原文无此数字", "no figure in the source"),
])  # fmt: skip
def test_the_judgement_is_a_word_in_both_languages(values: dict[str, Any], chinese: str, english: str) -> None:
    for language, word in (("zh-hans", chinese), ("en", english)):
        with override(language):
            assert str(judged_word(figure(**values))) == word


def test_a_figure_that_is_measured_no_more_shows_its_code() -> None:
    assert title_of("gone") == "gone"
