"""The institutions over HTTP: what each answer means, and that nothing else than an answer is one."""

import json
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pytest_django import Settings as Settings

from accounts.errors import ProviderUnavailable, WechatCodeRefused
from accounts.models import Customer
from accounts.providers.http import bank_card, face, identity, sms, wechat
from tests.accounts.builders import Client

Answer = Callable[[httpx.Request], httpx.Response]
Bank = Callable[[Answer], list[httpx.Request]]
CONFIG = {"kind": "http", "url": "https://inst.example/", "key_id": "app", "secret": "s3cret", "timeout_seconds": 1.0}


@pytest.fixture
def institution(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Bank:
    """Give it an answer; it gives the list of requests it will have seen."""

    def stand(answer: Answer) -> list[httpx.Request]:
        settings.PROVIDERS = dict.fromkeys(settings.PROVIDERS, CONFIG)
        seen: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return answer(request)

        client = httpx.Client(transport=httpx.MockTransport(handle))
        monkeypatch.setattr(httpx, "request", client.request)
        return seen

    return stand


def says(body: Any, code: int = 200) -> Answer:
    return lambda request: httpx.Response(code, json=body)


def raises(error: type[httpx.TransportError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("gone")

    return answer


def test_wechat_exchanges_the_code(institution: Bank) -> None:
    seen = institution(says({"openid": "o-1", "session_key": "k"}))
    assert wechat.Provider().openid_of("the code&x=1") == "o-1"
    assert seen[0].url.path == "/sns/jscode2session"
    assert dict(seen[0].url.params) == {
        "appid": "app",
        "secret": "s3cret",
        "js_code": "the code&x=1",
        "grant_type": "authorization_code",
    }


@pytest.mark.parametrize("errcode", [40029, 40163])
def test_wechat_refuses_a_wrong_or_used_code(institution: Bank, errcode: int) -> None:
    institution(says({"errcode": errcode, "errmsg": "no"}))
    with pytest.raises(WechatCodeRefused):
        wechat.Provider().openid_of("code")


@pytest.mark.parametrize(
    "answer",
    [
        says({"errcode": -1, "errmsg": "busy"}),
        says({"openid": ""}),
        says([]),
        says({}, 500),
        says({}, 302),
        lambda request: httpx.Response(200, text="<html>"),
        raises(httpx.ConnectError),
        raises(httpx.ReadTimeout),
    ],
)
def test_no_answer_is_unavailable(institution: Bank, answer: Answer) -> None:
    institution(answer)
    with pytest.raises(ProviderUnavailable):
        wechat.Provider().openid_of("code")


def test_the_secret_of_the_address_is_not_logged(institution: Bank, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    institution(says({"openid": "o-1"}))
    wechat.Provider().openid_of("code")
    assert "s3cret" not in caplog.text


@pytest.mark.req("R3")
@pytest.mark.parametrize(("word", "passed"), [(True, True), (False, False), ("true", False), (1, False), (None, False)])
def test_only_true_passes_the_papers(institution: Bank, word: Any, passed: bool) -> None:
    seen = institution(says({"passed": word, "reference": "r" * 200}))
    assert identity.Provider().check("张三", "11010519491231002X").passed is passed
    check = bank_card.Provider().check("6222020200000000006", "张三", "11010519491231002X", "13800138000")
    assert (check.passed, check.reference) == (passed, "r" * 100)
    assert [request.url.path for request in seen] == ["/identity-checks", "/card-checks"]
    assert {request.headers["Authorization"] for request in seen} == {"Bearer s3cret"}


@pytest.mark.req("R11")
@pytest.mark.parametrize(
    ("rate", "counts"),
    [("0.0029", True), (0.0029, True), ("0.003", False), (None, False), ("NaN", False), ("-1", False)],
)
def test_error_rate_of_the_provider_decides(institution: Bank, rate: Any, counts: bool) -> None:
    institution(says({"passed": True, "error_rate": rate, "reference": "f"}))
    assert face.Provider().liveness("t").counts(Decimal("0.003")) is counts
    assert face.Provider().voiceprint("t").counts(Decimal("0.003")) is counts


@pytest.mark.req("R11")
@pytest.mark.parametrize(("rate", "kept"), [("1", Decimal("1")), ("1.0001", None), (37.5, None), ("1e9", None)])
def test_a_rate_that_is_no_fraction_is_unknown(institution: Bank, rate: Any, kept: Decimal | None) -> None:
    institution(says({"passed": True, "error_rate": rate, "reference": "f"}))
    assert face.Provider().liveness("t").error_rate == kept


def test_unreachable_institution_is_503_and_nothing_is_half_done(
    institution: Bank, anonymous: Client, newcomer_client: Client
) -> None:
    institution(raises(httpx.ConnectTimeout))
    before = Customer.objects.count()
    answer = anonymous.call("post", "auth/token", {"wechat_code": "x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    papers = {"name": "张三", "id_number": "11010519491231002X"}
    answer = newcomer_client.call("post", "me/identity", papers)
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert newcomer_client.call("get", "me").json()["identity_verified"] is False
    assert Customer.objects.count() == before


@pytest.mark.req("R60")
@pytest.mark.parametrize(("accepted", "passed"), [(True, True), (False, False)])
def test_a_text_message_is_handed_over_with_its_reference(institution: Bank, accepted: bool, passed: bool) -> None:
    seen = institution(says({"accepted": accepted, "id": "m-1"}))
    answer = sms.Provider().send("ref-1", "13800138000", "您好")
    assert (answer.passed, answer.reference) == (passed, "m-1")
    assert json.loads(seen[0].content) == {"reference": "ref-1", "phone": "13800138000", "text": "您好"}
    assert seen[0].headers["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("body", [{}, {"accepted": "yes"}, {"accepted": None}, []])
def test_an_answer_that_says_nothing_of_the_message_is_none(institution: Bank, body: Any) -> None:
    institution(says(body))
    with pytest.raises(ProviderUnavailable):
        sms.Provider().send("ref-1", "13800138000", "x")
