"""Every endpoint against everything a client can send: a coded problem, never a 500, never another person's object."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from tests.loans.builders import Borrower, borrower
from tests.loans.life import active_loan

BODIES: list[Any] = [
    {},
    {"amount": "NaN", "credit_line": "x", "product": 5, "plan": [], "days": {}, "name": None},
    {"amount": "1e400", "credit_line": str(uuid4()), "plan": "single", "days": 10**30, "bank_card": None},
    {"amount": -1, "credit_line": [], "product": "p" * 5000, "periods": -3, "purpose": "gambling"},
    {"amount": True, "product": {"a": 1}, "number": "4" * 500, "holder": 1, "phone": [], "new": 123456},
    {"wechat_code": ["x"], "document": "x", "sha256": 0, "payment_password": None, "face_token": {}, "voice_token": 1},
    {"text": "", "read": "maybe", "periods": "1.5", "occupation": "king", "student": "perhaps", "language": "klingon"},
]
RAW = [
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"[]", "application/json"),
    (b"null", "application/json"),
    (b'"text"', "application/json"),
    (b"\xff\xfe", "application/json"),
    (b'{"amount": NaN}', "application/json"),
    (b'{"name": "a\\u0000b"}', "application/json"),
    (b'{"name": "\\ud800"}', "application/json"),
    (b'{"a":' * 200 + b"1" + b"}" * 200, "application/json"),
    (b"a=1", "application/x-www-form-urlencoded"),
    (b"<x/>", "text/xml"),
]
QUERIES = [
    "cursor=x",
    "cursor=cD0%3D",
    "page_size=-1",
    "page_size=zz",
    "amount=x&days=y",
    "amount=1e99&days=1",
    "amount=100&days=99999999999999",
    "amount=NaN&periods=3",
    "product=%00",
    "product=nope",
    "state=%F0%9F%92%A9",
]


def _paths(patterns: list[Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += _paths(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            found.append("/" + route.replace("^", "").replace("$", ""))
    return found


PATHS = sorted({path for path in _paths(get_resolver().url_patterns) if path.startswith("/api/v1/")})
OPEN = ("/health/", "/metrics", "/auth/token", "/feeds/", "/gateways/")
CUSTOMER_PATHS = [path for path in PATHS if not any(part in path for part in OPEN)]


def _filled(path: str, value: str) -> str:
    path = re.sub(r"<uuid:[^>]+>", value, path)
    path = path.replace("<month:month>", "2026-09")
    return re.sub(r"<(slug|str|product_code):[^>]+>", "thing", path)


def _check(answer: Any, request: str) -> None:
    assert answer.status_code not in (500, 502), f"{request}: {answer.status_code} {answer.content[:300]!r}"
    if answer.status_code >= 400:
        assert answer["Content-Type"].startswith("application/problem+json"), f"{request}: {answer['Content-Type']}"
        assert answer.json()["code"], request


def _key() -> dict[str, str]:
    return {"HTTP_IDEMPOTENCY_KEY": str(uuid4())}


@pytest.mark.dealt
@pytest.mark.django_db
@pytest.mark.parametrize("path", CUSTOMER_PATHS)
def test_nobody_gets_in_without_a_token(path: str):
    answer = APIClient().get(_filled(path, str(uuid4())))
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.dealt
@pytest.mark.parametrize("path", CUSTOMER_PATHS)
def test_no_body_brings_the_server_down(alice: Borrower, path: str):
    client, url = alice.client(), _filled(path, str(uuid4()))
    for body in BODIES:
        for method in ("post", "patch", "put", "delete"):
            _check(getattr(client, method)(url, body, format="json", **_key()), f"{method} {url} {body}")


@pytest.mark.dealt
@pytest.mark.parametrize("path", [*CUSTOMER_PATHS, "/api/v1/auth/token"])
def test_no_bytes_bring_the_server_down(alice: Borrower, path: str):
    client, url = alice.client(), _filled(path, str(uuid4()))
    for raw, content_type in RAW:
        _check(client.post(url, raw, content_type=content_type, **_key()), f"{url} {raw[:40]!r}")


@pytest.mark.dealt
@pytest.mark.parametrize("path", CUSTOMER_PATHS)
def test_no_query_brings_the_server_down(alice: Borrower, path: str):
    client = alice.client()
    for query in QUERIES:
        url = f"{_filled(path, str(uuid4()))}?{query}"
        _check(client.get(url), url)


@pytest.mark.dealt
@pytest.mark.parametrize("path", [path for path in CUSTOMER_PATHS if "<uuid:" in path])
def test_an_object_that_is_no_uuid_or_not_there_is_not_found(alice: Borrower, path: str):
    client = alice.client()
    for value in ("1", "x", "00000000-0000-0000-0000-00000000000g", str(uuid4())):
        url = _filled(path, value)
        answer = client.get(url)
        # 405 where the address only takes a POST and the value has the form of an id.
        assert answer.status_code in (404, 405), f"{url}: {answer.status_code}"
        _check(answer, url)


@pytest.mark.parametrize(
    "path",
    [
        "loans/{loan}",
        "loans/{loan}/schedule",
        "loans/{loan}/settlement",
        "loans/{loan}/repayments",
        "credit-lines/{line}",
        "applications/{application}",
    ],
)
def test_somebody_elses_object_is_not_found(alice: Borrower, path: str):
    loan = active_loan(alice)
    names = {"loan": loan.pk, "line": alice.line.pk, "application": alice.line.application_id}
    url = "/api/v1/" + path.format(**names)
    assert alice.client().get(url).status_code == 200
    answer = borrower("bob").client().get(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("action", ["repayments", "settlement", "prepayments"])
def test_somebody_elses_loan_cannot_be_paid(alice: Borrower, action: str):
    loan = active_loan(alice)
    bob = borrower("bob").client()
    answer = bob.post(f"/api/v1/loans/{loan.pk}/{action}", {"amount": "1.00", "periods": 1}, format="json", **_key())
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer a b", "Bearer \xff", "Bearer " + "0" * 64, "Basic YTpi", "Bearer ☃".encode().decode("latin-1")],
)
@pytest.mark.django_db
def test_a_token_of_any_shape_that_is_none_is_refused(header: str):
    answer = APIClient().get("/api/v1/me", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer["Content-Type"].startswith("application/problem+json")


def test_an_unknown_path_under_the_api_is_a_problem_too(alice: Borrower):
    answer = alice.client().get("/api/v1/no-such-thing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_errors_speak_the_language_asked_for(alice: Borrower):
    url = f"/api/v1/loans/{uuid4()}"
    chinese = alice.client().get(url, HTTP_ACCEPT_LANGUAGE="zh-hans").json()["title"]
    english = alice.client().get(url, HTTP_ACCEPT_LANGUAGE="en").json()["title"]
    assert english == "Not found"
    assert chinese != english
