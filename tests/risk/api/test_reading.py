from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from risk.models import CreditLine, FreezeReason, Product
from risk.services.credit_line import credit_line_close, credit_line_freeze, line_reserve
from tests.risk.api.client import Client, client_of
from tests.risk.api.test_application import refused
from tests.risk.builders import (
    AS_OF,
    AT,
    STAFF,
    approved_line,
    auxiliary_create,
    behaviour_create,
    invite,
    sign_all,
    started,
)

EDGE: dict[str, Any] = {"actor": STAFF, "as_of": AS_OF, "at": AT}


@pytest.mark.req("R30")
def test_three_products_are_listed_in_order_with_their_figures(alice: Client) -> None:
    listed = alice.get("products").json()
    assert [row["code"] for row in listed] == ["weilidai", "jiebei", "jintiao"]
    shown = listed[0]
    assert (shown["score_minimum"], shown["limit_ceiling"], shown["payout_target_seconds"]) == (600, "200000.00", 15)
    assert (shown["daily_rate_min"], shown["daily_rate_max"]) == ("0.000150", "0.000500")
    assert [tier["code"] for tier in shown["tiers"]] == ["new", "quality", "vip"]
    assert alice.get("products/weilidai").json() == shown


def test_closed_and_unknown_products_are_not_found(alice: Client) -> None:
    Product.objects.filter(code="jiebei").update(is_open=False)
    refused(alice.get("products/jiebei"), 404, "not_found")
    refused(alice.get("products/huabei"), 404, "not_found")
    assert len(alice.get("products").json()) == 2


def test_the_name_of_a_product_follows_the_language(alice: Client) -> None:
    assert alice.get("products/weilidai").json()["name"] == "Weilidai"
    assert alice.get("products/weilidai", **{"Accept-Language": "zh-hans"}).json()["name"] == "微粒贷"


@pytest.mark.req("R10")
def test_documents_show_the_hash_to_sign_and_what_is_signed(alice: Client) -> None:
    listed = alice.get("documents?product=weilidai").json()
    assert (len(listed), [row["signed"] for row in listed]) == (6, [False] * 6)
    detail = alice.get(f"documents/{listed[0]['id']}").json()
    assert (detail["sha256"], bool(detail["body"])) == (listed[0]["sha256"], True)
    chinese = alice.get(f"documents/{listed[0]['id']}", **{"Accept-Language": "zh-hans"}).json()
    assert chinese["sha256"] != detail["sha256"]
    sign_all(started(alice.customer))
    assert [row["signed"] for row in alice.get("documents?product=weilidai").json()] == [True] * 6


@pytest.mark.req("R10")
def test_a_text_is_downloaded_as_pdf(alice: Client) -> None:
    document = alice.get("documents?product=weilidai").json()[0]
    response = alice.get(f"documents/{document['id']}/pdf")
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    assert response.content.startswith(b"%PDF")
    refused(alice.get(f"documents/{uuid4()}/pdf"), 404, "not_found")


@pytest.mark.parametrize("path", ["entry", "documents", "entry?product=", "documents?product=a/b"])
def test_a_missing_or_malformed_product_is_a_bad_request(alice: Client, path: str) -> None:
    assert refused(alice.get(path), 400, "invalid")["errors"][0]["field"] == "product"


def test_an_unknown_product_is_not_found(alice: Client) -> None:
    refused(alice.get("entry?product=huabei"), 404, "not_found")
    refused(alice.get("documents?product=huabei"), 404, "not_found")
    assert "huabei" not in [row["code"] for row in alice.get("products").json()]


@pytest.mark.req("R9")
def test_the_entry_tells_early_what_is_not_met(alice: Client) -> None:
    behaviour_create(alice.customer, score=599, opens=2)
    invite("alice")
    entry = alice.get("entry?product=weilidai").json()
    assert (entry["available"], entry["step"]) == (True, "apply")
    assert entry["hints"] == ["score_below_minimum", "activity_insufficient"]


@pytest.mark.req("R9")
def test_a_closed_product_is_hidden(alice: Client) -> None:
    invite("alice")
    Product.objects.update(is_open=False)
    entry = alice.get("entry?product=weilidai").json()
    assert (entry["available"], entry["reason"], entry["step"]) == (False, "product_closed", "hidden")


@pytest.mark.req("R9", "R36")
def test_a_frozen_line_shows_why_and_lends_nothing() -> None:
    line = approved_line("charlie")
    charlie = client_of(line.customer)
    credit_line_freeze(line_id=line.pk, reason=FreezeReason.UNUSUAL_PLACE, **EDGE)
    entry = charlie.get("entry?product=weilidai").json()
    assert (entry["available"], entry["step"], entry["reason"]) == (True, "frozen", "unusual_place")
    assert entry["reason_text"] == "Login from an unusual place"
    assert (entry["credit_line"]["state"], entry["credit_line"]["available"]) == ("frozen", "0.00")


def test_a_line_is_shown_in_the_words_of_the_contract() -> None:
    line = approved_line("charlie")
    charlie = client_of(line.customer)
    line_reserve(line.pk, line.limit_amount - 100)
    shown = charlie.get(f"credit-lines/{line.pk}").json()
    assert shown == {
        "id": str(line.pk), "product": "weilidai", "state": "active", "tier": "new", "limit": str(line.limit_amount),
        "used": str(line.limit_amount - 100), "gifted": "0.00", "received": "0.00", "available": "100.00",
        "daily_rate": str(line.daily_rate), "frozen_reason": None, "opened_on": "2026-11-20",
    }  # fmt: skip
    assert charlie.get("credit-lines").json()["results"] == [shown]
    assert charlie.get("credit-lines?state=frozen").json()["results"] == []


def test_somebody_elses_line_is_not_found(alice: Client) -> None:
    line = approved_line("charlie")
    refused(alice.get(f"credit-lines/{line.pk}"), 404, "not_found")
    assert alice.get("credit-lines/x").status_code == 404
    assert alice.get("credit-lines").json()["results"] == []


def test_after_a_line_is_closed_an_invitation_opens_the_entry_again() -> None:
    line = approved_line("charlie")
    credit_line_close(line_id=line.pk, reason="asked for", **EDGE)
    charlie = client_of(line.customer)
    assert charlie.get("entry?product=weilidai").json()["step"] == "hidden"
    invite("charlie")
    assert charlie.get("entry?product=weilidai").json()["step"] == "apply"
    assert CreditLine.objects.count() == 1


@pytest.mark.req("R5")
def test_all_twelve_items_are_shown_with_their_states(alice: Client) -> None:
    auxiliary_create(alice.customer, "education", state="contradicted")
    auxiliary_create(alice.customer, "housing_fund", months=12)
    auxiliary_create(alice.customer, "utility_payments")
    items = {row["item"]: row for row in alice.get("me/auxiliary-items").json()}
    assert len(items) == 12
    assert items["education"]["state"] == "contradicted"
    assert (items["housing_fund"]["state"], items["housing_fund"]["months"]) == ("verified", 12)
    assert (items["vehicle"]["state"], items["vehicle"]["months"], items["vehicle"]["as_of"]) == (
        "unverified",
        None,
        None,
    )


def test_lists_take_as_many_queries_for_one_row_as_for_many(
    alice: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice.get("products")
    with django_assert_max_num_queries(10):
        alice.get("products")
    with django_assert_max_num_queries(10):
        alice.get("documents?product=weilidai")
    with django_assert_max_num_queries(10):
        alice.get("me/auxiliary-items")
