"""The signed door: five minutes on both sides, the key named, every byte of the body."""

import json
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from weilidai.lib.parsers import RawBodyParser
from weilidai.lib.signing import IsMachine, MachineAuthentication, SignatureRefused, sign, signed_headers, verify

NOW = 1_795_140_000
BODY = '{"state": "paid", "名": "张"}'.encode()


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.MACHINE_KEYS = {"bank-1": "secret-1", "bank-2": "secret-2", "empty": ""}


def headers(key: str = "bank-1", *, by: str = "secret-1", message: str = "m1", **more: str) -> dict[str, str]:
    return {**signed_headers(key, by, message, BODY, now=NOW), **more}


def refused(sent: dict[str, str], body: bytes = BODY, now: float = NOW) -> bool:
    with pytest.raises(SignatureRefused) as error:
        verify(sent, body, now=now)
    return (error.value.code, error.value.http_state) == ("signature_invalid", 401)


def test_the_signature_is_the_hmac_of_id_time_and_body() -> None:
    # echo -n '1.2.body' | openssl dgst -sha256 -hmac key
    assert sign("key", "1", 2, b"body") == "162b5fb0c621e0f7f6bc0de7b52104b60f6872ed843a03850d5a6b8f3d126a7c"


def test_a_body_in_pieces_is_signed_like_the_whole() -> None:
    assert sign("key", "1", 2, iter([b"bo", b"", b"dy"])) == sign("key", "1", 2, b"body")


@pytest.mark.parametrize("now", [NOW - 300, NOW, NOW + 300])
def test_five_minutes_are_fresh(now: float) -> None:
    machine = verify(headers(), BODY, now=now)
    assert (machine.key_id, machine.message_id, machine.pk) == ("bank-1", "m1", "bank-1")


@pytest.mark.parametrize("now", [NOW - 301, NOW - 300.1, NOW + 300.1, NOW + 301])
def test_anything_more_is_stale(now: float) -> None:
    assert refused(headers(), now=now)


def test_both_keys_open_while_one_is_rotated_and_the_old_no_more(settings: Settings) -> None:
    assert verify(headers(), BODY, now=NOW).key_id == "bank-1"
    assert verify(headers("bank-2", by="secret-2"), BODY, now=NOW).key_id == "bank-2"
    settings.MACHINE_KEYS = {"bank-2": "secret-2"}
    assert refused(headers())


@pytest.mark.parametrize(("key", "secret"), [("bank-1", "secret-2"), ("bank-3", "secret-1"), ("empty", ""), ("", "")])
def test_a_wrong_key_is_refused(key: str, secret: str) -> None:
    assert refused(headers(key, by=secret))


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY[:-1], BODY.replace(b"paid", b"fail")])
def test_an_altered_body_is_refused(body: bytes) -> None:
    assert refused(headers(), body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Message-Id", "m2"),
        ("X-Message-Id", ""),
        ("X-Message-Id", "a\x00b"),
        ("X-Timestamp", str(NOW + 1)),
        ("X-Timestamp", ""),
        ("X-Timestamp", "now"),
        ("X-Timestamp", "-1"),
        ("X-Timestamp", "1e9"),
        ("X-Timestamp", "9" * 5000),
        ("X-Signature", ""),
        ("X-Signature", "ÿ" * 64),
        ("X-Signature", "0" * 64),
    ],
)
def test_an_altered_header_is_refused(name: str, value: str) -> None:
    assert refused(headers(**{name: value}))


@pytest.mark.parametrize("name", ["X-Key-Id", "X-Message-Id", "X-Timestamp", "X-Signature"])
def test_a_missing_header_is_refused(name: str) -> None:
    assert refused({key: value for key, value in headers().items() if key != name})


def test_an_id_of_100_characters_passes_and_of_101_does_not() -> None:
    assert verify(headers(message="m" * 100), BODY, now=NOW)
    assert refused(headers(message="m" * 101))


class Door(APIView):
    authentication_classes = (MachineAuthentication,)
    permission_classes = (IsMachine,)
    parser_classes = (RawBodyParser,)

    def post(self, request: Request) -> Response:
        return Response({"machine": request.user.pk})


def knock(**sent: str) -> Any:
    request = APIRequestFactory().post("/x", BODY, content_type="application/json", headers=sent)
    answer = Door.as_view()(request).render()
    return answer.status_code, json.loads(answer.content)


def test_the_door_opens_to_a_signature_only() -> None:
    state, body = knock()
    assert (state, body["code"]) == (401, "signature_invalid")
    assert knock(**signed_headers("bank-1", "secret-1", "m1", BODY)) == (200, {"machine": "bank-1"})
