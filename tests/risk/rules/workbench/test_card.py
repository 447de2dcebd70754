import math
from decimal import Decimal

import numpy as np
import pytest

from risk.rules.workbench.bins import binning_fit, codes_of
from risk.rules.workbench.card import (
    SCALE,
    CardInvalid,
    capacity_spread,
    card_check,
    client_score,
    points_of_log_odds,
    probability_of_default,
)
from risk.rules.workbench.fairness import age_band, group_rows, sex_group

pytestmark = [pytest.mark.req("R15", "R17")]


def entry(points, capacity):
    return {"points": points, "capacity": capacity}


def small_card(**changes):
    variable = {
        "name": "limit × paid_min",
        "of": ["limit", "paid_min"],
        "bins": [
            {"within": {"limit": [None, "100"]}, **entry("-10.10", "0.00")},
            {"within": {"limit": ["100", None], "paid_min": [None, "5"]}, **entry("0.20", "10.30")},
            {"within": {"limit": ["100", None], "paid_min": ["5", None]}, **entry("9.70", "20.00")},
        ],
        "missing": entry("0.00", "10.10"),
    }
    return {"schema": 1, "scale": SCALE, "base_points": "500.00", "variables": [variable]} | changes


@pytest.mark.parametrize(
    ("limit", "paid", "points"),
    [("99.99", "9", "489.90"), ("100", "4.99", "500.20"), ("100", "5", "509.70"), (None, "5", "500.00")],
)
def test_points_are_the_exact_sum_and_a_bound_belongs_to_the_bin_above(limit, paid, points):
    score = client_score(small_card(), {"limit": limit and Decimal(limit), "paid_min": Decimal(paid)})
    assert score.points == Decimal(points)
    assert isinstance(score.points, Decimal)


def test_the_scale_doubles_the_odds_every_pdo():
    assert probability_of_default(SCALE, Decimal(600)) == (Decimal(1) / 31).quantize(Decimal("0.000001"))
    assert probability_of_default(SCALE, Decimal(640)) == (Decimal(1) / 61).quantize(Decimal("0.000001"))
    back = points_of_log_odds(SCALE, Decimal(3))
    assert float(probability_of_default(SCALE, back)) == pytest.approx(1 / (1 + math.exp(3)), abs=1e-6)


def test_capacity_runs_from_0_to_exactly_20():
    spread = capacity_spread([[Decimal(-3), Decimal(4)], [Decimal(1), Decimal(1)], [Decimal(0), Decimal("0.7")]])
    assert sum(max(each) for each in spread) == 20
    assert all(min(each) == 0 for each in spread)
    with pytest.raises(CardInvalid):
        capacity_spread([[Decimal(1)]])


@pytest.mark.parametrize("broken", ["sex", "float", "sum", "schema"])
def test_a_scorecard_that_must_not_be_used_is_refused(broken):
    card = small_card()
    card_check(card)
    if broken == "sex":
        card["variables"][0]["of"] = ["sex"]
    if broken == "float":
        card["variables"][0]["missing"]["points"] = 0.1
    if broken == "sum":
        card["variables"][0]["bins"][2]["capacity"] = "19.99"
    if broken == "schema":
        card["schema"] = 2
    with pytest.raises(CardInvalid):
        card_check(card)


def test_tree_bins_cover_everybody_once_and_the_unknown_apart():
    rng = np.random.default_rng(3)
    columns = {"a": np.round(rng.normal(size=4000), 2), "b": np.round(rng.normal(size=4000), 2)}
    bad = ((columns["a"] < 0.31) & (columns["b"] > 0)).astype(np.int64)
    columns["a"][:50] = np.nan
    binning = binning_fit(("a", "b"), columns, bad, leaves=4, least=100)
    codes = codes_of(binning, columns)
    assert (codes[:50] == len(binning.cells)).all()
    counts = np.bincount(codes[50:], minlength=binning.size)
    assert counts[-1] == 0
    assert counts[:-1].min() >= 100
    bounds = {bound for cell in binning.cells for bound in cell.within.get("a", ()) if bound is not None}
    assert any(Decimal("0.30") < bound <= Decimal("0.31") for bound in bounds)


@pytest.mark.req("R25")
def test_groups_are_compared_at_the_cut_off():
    points = np.array([1.0, 2, 3, 4, 5, 6])
    bad = np.array([1, 0, 0, 1, 0, 0])
    female, male = group_rows("sex", ["male"] * 3 + ["female"] * 3, points, bad, 3.0)
    assert (female.count, female.approved, female.defaults, female.impact) == (3, 3, 1, 1.0)
    assert (male.approval_share, male.default_rate, male.mean_points) == (1 / 3, 1 / 3, 2.0)
    assert male.impact == pytest.approx(1 / 3)
    assert male.auc == 1.0
    assert group_rows("sex", ["male"] * 6, points, None, 3.0)[0].default_rate is None


def test_groups_by_hand():
    assert [age_band(age) for age in ("17", "18", "24", "25", "54", "55", "90", "x", None)] == [
        "unknown", "18–24", "18–24", "25–34", "45–54", "55+", "55+", "unknown", "unknown",
    ]  # fmt: skip
    assert [sex_group(sex) for sex in ("1", "2", "3", None)] == ["male", "female", "unknown", "unknown"]
