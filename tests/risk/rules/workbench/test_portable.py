"""The capacity dimension in the platform's own variables: values, bins, points scaled to the weight."""

from decimal import Decimal
from typing import Any

import pytest

from risk.rules.reasons import REASON_CODES
from risk.rules.scorecard import bin_points
from risk.rules.workbench.card import CardInvalid
from risk.rules.workbench.clients import Client
from risk.rules.workbench.portable import REASONS, dimension_variables, platform_values
from risk.variables.catalogue import described

pytestmark = pytest.mark.req("R15", "R17")
D = Decimal


def client(**values: Any) -> Client:
    plain: dict[str, Any] = {
        "client_id": "1", "limit": D(20000), "status": (D(0),) * 6, "bills": (D(5000),) * 6, "paid": (D(100),) * 6,
        "bad": 0,
    }  # fmt: skip
    return Client(**{**plain, **values})


def test_a_file_is_told_in_variables_of_the_catalogue() -> None:
    found = platform_values(client(status=(D(2), D(-1), D(0), D(0), D(0), D(0)), paid=(D(300), *(D(100),) * 5)))
    assert set(found) == set(REASONS) <= set(described())
    assert set(REASONS.values()) <= REASON_CODES
    assert found["card_utilisation"] == D("0.25")
    assert found["worst_dpd_24m"] == 60
    assert found["card_repayment_amount_share_1m_3m"] == D("0.6")
    assert found["card_repayment_amount_share_3m_6m"] == D("0.625")
    assert found["card_repayment_active_months_6m"] == 6


@pytest.mark.parametrize(
    ("paid", "trend"),
    [((D(100),) * 6, D(0)), ((D(600), D(500), D(400), D(300), D(200), D(100)), D("0.2857")),
     ((D(100), D(200), D(300), D(400), D(500), D(600)), D("-0.2857"))],
)  # fmt: skip
def test_the_trend_is_the_catalogues_slope_as_a_share_of_the_mean(paid: tuple[Decimal, ...], trend: Decimal) -> None:
    assert platform_values(client(paid=paid))["card_repayment_amount_trend_6m"] == trend


def test_what_is_not_known_is_missing_and_never_nought() -> None:
    found = platform_values(client(limit=None, status=(None,) * 6, paid=(None,) * 6))
    assert set(found.values()) == {None}
    idle = platform_values(client(paid=(D(0),) * 6))
    assert idle["card_repayment_amount_share_1m_3m"] is None
    assert idle["card_repayment_active_months_6m"] == 0


def entry(
    points: str, low: str | None = None, high: str | None = None, name: str = "card_utilisation"
) -> dict[str, Any]:
    return {"points": points, "within": {name: [low, high]} if low or high else {}}


def fitted(**changes: Any) -> dict[str, Any]:
    use = {
        "name": "card_utilisation", "of": ["card_utilisation"], "missing": {"points": "90"},
        # As a tree may hand them over: not in order.
        "bins": [entry("-10", "0.8"), entry("30", None, "0.4"), entry("10", "0.4", "0.8")],
    }  # fmt: skip
    months = {
        "name": "card_repayment_active_months_6m", "of": ["card_repayment_active_months_6m"],
        "missing": {"points": "-50"},
        "bins": [entry("0", None, "3", "card_repayment_active_months_6m"),
                 entry("20", "3", None, "card_repayment_active_months_6m")],
    }  # fmt: skip
    return {"variables": [{**use, **changes}, months]}


def test_points_rise_from_nought_to_the_weight_and_bounds_stay() -> None:
    use, months = dimension_variables(fitted(), D(20))
    assert [row.get("below") for row in use["bins"]] == ["0.4", "0.8", None]
    assert [row["points"] for row in use["bins"]] == ["13.33", "6.66", "0.00"]
    assert [row["points"] for row in months["bins"]] == ["0.00", "6.67"]
    assert sum(max(D(row["points"]) for row in one["bins"]) for one in (use, months)) == 20
    # Unknown is never better than the best bin, nor worse than the worst.
    assert (use["missing"], months["missing"]) == ("13.33", "0.00")
    assert bin_points(use, D("0.4")) == D("6.66")
    assert use["reason"] == "debts_elsewhere"


def test_a_variable_with_one_bin_says_nothing_and_is_left_out() -> None:
    assert [one["name"] for one in dimension_variables(fitted(bins=[entry("5")]), D(20))] == [
        "card_repayment_active_months_6m"
    ]


@pytest.mark.parametrize(
    "changes",
    [{"of": ["status_09"]}, {"of": ["card_utilisation", "worst_dpd_24m"]}],
)
def test_what_no_live_customer_has_cannot_be_put_into_a_scorecard(changes: dict[str, Any]) -> None:
    with pytest.raises(CardInvalid):
        dimension_variables(fitted(**changes), D(20))


def test_a_fit_that_tells_nobody_apart_is_refused() -> None:
    card = {"variables": [{**fitted()["variables"][0], "bins": [entry("1", None, "0.4"), entry("1", "0.4")]}]}
    with pytest.raises(CardInvalid):
        dimension_variables(card, D(20))
