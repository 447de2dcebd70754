"""A bank reached by HTTP: signed JSON both ways.

`POST {url}/payouts` takes an order, `GET {url}/payouts/{reference}` tells what became of it. Answers are
`{result: accepted|pending|paid|refused, bank_reference, code}`. Only a clear answer counts: everything else,
from a broken connection to a 5xx or a body that cannot be read, is an unknown outcome.
"""

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from loans.gateway.interface import (
    Accepted,
    GatewayTimeout,
    InquiryAnswer,
    NotFound,
    Paid,
    PayoutOrder,
    Pending,
    Refused,
    SendAnswer,
)
from weilidai.lib.ids import uuid7
from weilidai.lib.signing import signed_headers


class HttpBank:
    def __init__(
        self,
        *,
        url: str,
        key_id: str,
        secret: str,
        timeout_seconds: float,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._key_id = key_id
        self._secret = secret
        self._timeout = timeout_seconds
        self._transport = transport

    def send(self, order: PayoutOrder, *, at: datetime) -> SendAnswer:
        body = {
            "reference": order.reference,
            "amount": str(order.amount),
            "card_number": order.card_number,
            "holder": order.holder,
        }
        answer = self._call("POST", "/payouts", json.dumps(body, ensure_ascii=False).encode())
        if answer.is_client_error:
            return self._refusal(answer, order.reference)
        content = _content(answer)
        if content.get("result") in ("accepted", "pending"):
            return Accepted()
        return _decided(content, order.reference)

    def inquire(self, reference: str, *, at: datetime) -> InquiryAnswer:
        answer = self._call("GET", f"/payouts/{quote(reference, safe='')}", b"")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return NotFound()
        if answer.is_client_error:
            raise GatewayTimeout(f"{reference}: inquiry refused with {answer.status_code}")
        content = _content(answer)
        if content.get("result") in ("accepted", "pending"):
            return Pending()
        return _decided(content, reference)

    def _refusal(self, answer: httpx.Response, reference: str) -> Refused:
        """Refused only with the bank's own refusal code: a proxy's 403 or 429 says nothing about the money."""
        code = _content(answer).get("code")
        if not (isinstance(code, str) and code):
            raise GatewayTimeout(f"{reference}: {answer.status_code} without a code")
        return Refused(code[:60])

    def _call(self, method: str, path: str, body: bytes) -> httpx.Response:
        headers = signed_headers(self._key_id, self._secret, str(uuid7()), body)
        headers["Content-Type"] = "application/json"
        try:
            with httpx.Client(timeout=self._timeout, transport=self._transport) as client:
                answer = client.request(method, f"{self._url}{path}", content=body, headers=headers)
        except httpx.HTTPError as error:
            raise GatewayTimeout(str(error)) from error
        if not (answer.is_success or answer.is_client_error):
            raise GatewayTimeout(f"{answer.status_code} from the bank")
        return answer


def _content(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError as error:
        raise GatewayTimeout("the bank's answer cannot be read") from error
    if not isinstance(content, dict):
        raise GatewayTimeout("the bank's answer is no object")
    return content


def _decided(content: dict[str, Any], reference: str) -> Paid | Refused:
    result = content.get("result")
    if result == "paid":
        return Paid(str(content.get("bank_reference", ""))[:100])
    if result == "refused":
        return Refused(str(content.get("code") or "refused")[:60])
    raise GatewayTimeout(f"{reference}: the bank answered {result!r}")
