"""R31: one amount under every product."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from risk.models import CreditLine, Invitation, InvitationBatch
from tests.loans.builders import TODAY, Borrower, policy


@pytest.fixture
def market(alice: Borrower) -> Borrower:
    """Alice has a line at one product, an invitation to the second, none to the third."""
    policy("jiebei", rate_max="0.000600", payout_target_seconds=7200)
    policy("jintiao", rate_max="0.000900", payout_target_seconds=3600)
    batch = InvitationBatch.objects.create(source="staff", product_id="jiebei", reason="x", created_by="x")
    Invitation.objects.create(
        batch=batch,
        product_id="jiebei",
        openid="alice",
        reason="x",
        issued_date=TODAY,
        expires_date=TODAY + timedelta(days=1),
    )
    return alice


def compared(who: Borrower, query: str) -> dict[str, Any]:
    answer = who.client().get(f"/api/v1/products/compare?{query}")
    assert answer.status_code == 200, answer.content
    return {row["product"]: row for row in answer.json()}


@pytest.mark.req("R31", "R30")
def test_cost_yearly_rate_and_time_to_money_side_by_side(market: Borrower) -> None:
    rows = compared(market, "amount=1000&days=30")
    assert {code: row["cost"] for code, row in rows.items()} == {
        "weilidai": "12.00",
        "jiebei": "18.00",
        "jintiao": "19.71",
    }
    assert {code: row["time_to_money_seconds"] for code, row in rows.items()} == {
        "weilidai": 15,
        "jiebei": 7200,
        "jintiao": 3600,
    }
    assert rows["weilidai"]["own_rate"]
    assert not rows["jintiao"]["own_rate"]
    assert rows["jintiao"]["daily_rate"] == "0.000657"
    assert rows["jintiao"]["apr"] == "0.239805"


@pytest.mark.req("R31")
def test_eligibility_names_the_first_obstacle(market: Borrower) -> None:
    rows = compared(market, "amount=1000&days=30")
    assert rows["weilidai"]["eligibility"] == {"eligible": True, "reason": None}
    assert rows["jiebei"]["eligibility"] == {"eligible": False, "reason": "score_below_minimum"}
    assert rows["jintiao"]["eligibility"] == {"eligible": False, "reason": "not_invited"}


@pytest.mark.req("R31")
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("amount=8000.01&days=30", "limit_exceeded"),
        ("amount=200000.01&days=30", "amount_out_of_range"),
        ("amount=1000&days=366", "days_out_of_range"),
        ("amount=999.99&periods=3", "instalment_minimum"),
        ("amount=1000&periods=4", "instalment_periods"),
    ],
)
def test_obstacles_of_the_own_product(market: Borrower, query: str, reason: str) -> None:
    assert compared(market, query)["weilidai"]["eligibility"] == {"eligible": False, "reason": reason}


@pytest.mark.req("R31")
def test_a_used_up_line_is_an_obstacle_and_instalments_are_compared(market: Borrower) -> None:
    CreditLine.objects.update(used_amount=Decimal("7000.01"))
    row = compared(market, "amount=1000&periods=12")["weilidai"]
    assert row["eligibility"]["reason"] == "limit_exceeded"
    assert row["cost"] == "24.96"


@pytest.mark.parametrize("query", ["", "amount=x", "amount=0", "amount=1000&days=30&periods=3", "amount=1&days=0"])
def test_bad_questions_are_refused(market: Borrower, query: str) -> None:
    assert market.client().get(f"/api/v1/products/compare?{query}").status_code == 400
