"""The signed HTTP client: only a clear answer of the bank counts, anything else is unknown."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from loans.gateway.http import HttpBank
from loans.gateway.interface import Accepted, GatewayTimeout, NotFound, Paid, PayoutOrder, Pending, Refused
from weilidai.lib.signing import sign

NOW = datetime(2026, 9, 15, tzinfo=UTC)
ORDER = PayoutOrder("WLD-1", Decimal("1000.00"), "6222020200000000004", "王小明")


def bank(answer: Callable[[httpx.Request], httpx.Response]) -> HttpBank:
    return HttpBank(
        url="https://bank.test/v1/",
        key_id="weilidai",
        secret="s3cret",
        timeout_seconds=1,
        transport=httpx.MockTransport(answer),
    )


def answering(http_code: int, **content: str) -> HttpBank:
    return bank(lambda _request: httpx.Response(http_code, json=content))


def test_an_order_is_signed_and_complete() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json={"result": "accepted"})

    assert bank(answer).send(ORDER, at=NOW) == Accepted()
    request = seen[0]
    assert str(request.url) == "https://bank.test/v1/payouts"
    assert json.loads(request.content) == {
        "reference": "WLD-1",
        "amount": "1000.00",
        "card_number": "6222020200000000004",
        "holder": "王小明",
    }
    headers = request.headers
    expected = sign("s3cret", headers["X-Message-Id"], headers["X-Timestamp"], request.content)
    assert (headers["X-Key-Id"], headers["X-Signature"]) == ("weilidai", expected)


def test_clear_answers_to_an_order() -> None:
    assert answering(200, result="paid", bank_reference="B1").send(ORDER, at=NOW) == Paid("B1")
    assert answering(200, result="refused", code="card_refused").send(ORDER, at=NOW) == Refused("card_refused")
    assert answering(422, code="card_closed").send(ORDER, at=NOW) == Refused("card_closed")


def test_clear_answers_to_an_inquiry() -> None:
    assert answering(200, result="pending").inquire("WLD-1", at=NOW) == Pending()
    assert answering(200, result="paid", bank_reference="B1").inquire("WLD-1", at=NOW) == Paid("B1")
    assert answering(200, result="refused", code="late").inquire("WLD-1", at=NOW) == Refused("late")
    assert answering(404).inquire("WLD-1", at=NOW) == NotFound()


@pytest.mark.parametrize("http_code", [500, 502, 503, 504, 301, 302])
def test_a_failing_bank_leaves_the_outcome_unknown(http_code: int) -> None:
    with pytest.raises(GatewayTimeout):
        answering(http_code, result="refused", code="x").send(ORDER, at=NOW)
    with pytest.raises(GatewayTimeout):
        answering(http_code).inquire("WLD-1", at=NOW)


@pytest.mark.parametrize("http_code", [400, 401, 403, 408, 429])
def test_a_client_error_without_the_banks_code_decides_nothing(http_code: int) -> None:
    with pytest.raises(GatewayTimeout):
        answering(http_code).send(ORDER, at=NOW)
    with pytest.raises(GatewayTimeout):
        answering(http_code, code="whatever").inquire("WLD-1", at=NOW)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"result": "perhaps"}', b'"paid"'])
def test_an_answer_that_cannot_be_understood_decides_nothing(body: bytes) -> None:
    strange = bank(lambda _request: httpx.Response(200, content=body))
    with pytest.raises(GatewayTimeout):
        strange.send(ORDER, at=NOW)
    with pytest.raises(GatewayTimeout):
        strange.inquire("WLD-1", at=NOW)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_broken_connection_leaves_the_outcome_unknown(error: type[httpx.TransportError]) -> None:
    def broken(_request: httpx.Request) -> httpx.Response:
        raise error("broken")

    with pytest.raises(GatewayTimeout):
        bank(broken).send(ORDER, at=NOW)


def test_an_order_shows_neither_card_nor_name_in_logs() -> None:
    assert "6222" not in repr(ORDER)
    assert "王" not in repr(ORDER)
