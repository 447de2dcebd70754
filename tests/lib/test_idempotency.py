"""One key, one effect, for ever (I4): whatever is repeated, refused, broken off or sent at once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DataError, connection
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed
from rest_framework import serializers
from rest_framework.exceptions import APIException, Throttled
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.lib.conftest import AT, Person, call
from weilidai.lib.errors import DomainError
from weilidai.lib.idempotency import IdempotentMixin
from weilidai.lib.ids import uuid7
from weilidai.lib.models import IdempotencyRecord, JobRun
from weilidai.lib.parsers import StrictJSONParser
from weilidai.lib.renderers import ExactJSONRenderer

DAY = date(2026, 11, 20)


class NoMoney(DomainError):
    code = "no_money"
    title = "No money"
    http_state = 409


class Body(serializers.Serializer[Any]):
    amount = serializers.IntegerField()
    file = serializers.FileField(required=False)


class Pay(IdempotentMixin, APIView):
    """Its effect is one row, written before anything can go wrong."""

    parser_classes = (StrictJSONParser, MultiPartParser)
    renderer_classes = (ExactJSONRenderer,)
    error: Exception | None = None

    def perform(self, request: Request, **kwargs: Any) -> Response:
        row = JobRun.objects.create(job=str(uuid7()), business_date=DAY)
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        if Pay.error is not None:
            raise Pay.error
        answer = {"id": row.pk, "amount": body.validated_data["amount"], "cost": Decimal("0.10"), "day": DAY, "at": AT}
        return Response({**answer, "hint": _("Not found")}, status=202)


@pytest.fixture(autouse=True)
def _no_error() -> Iterator[None]:
    yield
    Pay.error = None


def pay(user: Any, body: Any = None, key: str | None = "k1", **more: Any) -> Any:
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    more = {"format": "json", **more}
    return call(Pay, body={"amount": 5} if body is None else body, user=user, **headers, **more)


def told(answer: Any) -> tuple[int, Any]:
    return answer.status_code, json.loads(answer.content)


def code_of(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.content)["code"]


def effects() -> int:
    return JobRun.objects.count()


@pytest.mark.django_db
@pytest.mark.parametrize("key", [None, "", "  ", "x" * 201, "schlüssel", "a\x00b", "a\x7fb"])
def test_no_key_no_effect(person: Person, key: str | None) -> None:
    assert code_of(pay(person, key=key)) == (400, "idempotency_key_required")
    assert (effects(), IdempotencyRecord.objects.count()) == (0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["k", "x" * 200, "a b", "~!\"'%00"])
def test_the_same_key_and_body_get_the_first_answer_again(person: Person, key: str) -> None:
    first, *again = (pay(person, key=key) for _ in range(3))
    assert first.status_code == 202
    assert told(first)[1]["at"] == "2026-11-20T10:00:00+08:00"
    assert "Idempotent-Replayed" not in first
    assert [told(answer) for answer in again] == [told(first)] * 2
    assert [answer["Idempotent-Replayed"] for answer in again] == ["true", "true"]
    assert effects() == 1


@pytest.mark.django_db
def test_white_space_and_order_make_no_other_request(person: Person) -> None:
    first = pay(person, b'{"amount":5,"b":[1,{"c":0.10,"d":2}]}', format=None, content_type="application/json")
    again = pay(person, b'{"b": [1, {"d": 2, "c": 0.10}],\n "amount": 5}', format=None, content_type="application/json")
    assert told(first) == told(again)
    assert effects() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("body", [{"amount": 6}, {}, {"amount": 5, "more": None}, {"amount": [5]}])
def test_another_body_is_refused(person: Person, body: Any) -> None:
    pay(person)
    assert code_of(pay(person, body)) == (422, "idempotency_key_reused")
    assert effects() == 1


@pytest.mark.django_db
def test_another_address_is_refused(person: Person) -> None:
    pay(person)
    assert code_of(pay(person, path="/y")) == (422, "idempotency_key_reused")


@pytest.mark.django_db
def test_files_are_part_of_the_body(person: Person) -> None:
    def upload(content: bytes) -> Any:
        return pay(person, {"amount": 5, "file": SimpleUploadedFile("a.png", content)}, format="multipart")

    first, again, other = upload(b"one"), upload(b"one"), upload(b"two")
    assert first.status_code == 202
    assert told(first) == told(again)
    assert code_of(other) == (422, "idempotency_key_reused")


@pytest.mark.django_db
def test_a_field_sent_twice_counts_twice(person: Person) -> None:
    def form(*amounts: str) -> Any:
        return pay(person, {"amount": list(amounts)}, format="multipart")

    first, again, other, fewer = form("1", "5"), form("1", "5"), form("2", "5"), form("5")
    assert first.status_code == 202
    assert told(first) == told(again)
    assert code_of(other) == code_of(fewer) == (422, "idempotency_key_reused")


@pytest.mark.django_db
def test_keys_of_two_people_never_meet(person: Person) -> None:
    assert told(pay(person))[1] != told(pay(Person(), {"amount": 6}))[1]
    assert effects() == 2


@pytest.mark.django_db
def test_a_refusal_undoes_its_work_and_is_the_answer_for_ever(person: Person) -> None:
    Pay.error = NoMoney("not enough", attempts_left=2)
    first = pay(person)
    Pay.error = None
    again = pay(person)
    assert code_of(first) == code_of(again) == (409, "no_money")
    assert told(first) == told(again)
    assert (told(again)[1]["attempts_left"], again["Idempotent-Replayed"], effects()) == (2, "true", 0)


@pytest.mark.django_db
def test_faults_of_fields_are_the_answer_too(person: Person) -> None:
    first, again = pay(person, {"amount": "x"}), pay(person, {"amount": "x"})
    assert code_of(first) == code_of(again) == (400, "invalid")
    assert told(again)[1]["errors"][0]["field"] == "amount"
    assert effects() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransitionNotAllowed(), (409, "transition_not_allowed")),
        (Http404(), (404, "not_found")),
        (PermissionDenied(), (403, "permission_denied")),
        (DataError(), (400, "invalid")),
    ],
)
def test_a_refusal_of_any_layer_is_the_answer_too(person: Person, error: Exception, expected: tuple[int, str]) -> None:
    Pay.error = error
    first = pay(person)
    Pay.error = None
    again = pay(person)
    assert code_of(first) == code_of(again) == expected
    assert (again["Idempotent-Replayed"], effects()) == ("true", 0)


@pytest.mark.django_db
@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff", b'{"amount": NaN}'])
def test_a_body_that_cannot_be_read_leaves_the_key_free(person: Person, raw: bytes) -> None:
    assert code_of(pay(person, raw, format=None, content_type="application/json")) == (400, "parse_error")
    assert pay(person).status_code == 202


@pytest.mark.django_db
def test_a_defect_undoes_everything_and_the_key_can_be_tried_again(person: Person) -> None:
    Pay.error = RuntimeError("a defect")
    with pytest.raises(RuntimeError):
        pay(person)
    assert (effects(), IdempotencyRecord.objects.count()) == (0, 0)
    Pay.error = None
    assert pay(person).status_code == 202
    assert effects() == 1


class BankDown(DomainError):
    code = "bank_down"
    title = "The bank does not answer"
    http_state = 503


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "expected"),
    [(Throttled(wait=3), (429, "rate_limited")), (BankDown(), (503, "bank_down")), (APIException(), (500, "error"))],
)
def test_to_wait_is_no_answer_to_keep(person: Person, error: Exception, expected: tuple[int, str]) -> None:
    Pay.error = error
    assert code_of(pay(person)) == expected
    assert (effects(), IdempotencyRecord.objects.count()) == (0, 0)
    Pay.error = None
    assert pay(person).status_code == 202
    assert effects() == 1


@pytest.mark.django_db
def test_a_record_that_an_earlier_version_left_running_is_run_once(person: Person) -> None:
    pay(person)
    JobRun.objects.all().delete()
    IdempotencyRecord.objects.update(state="running", response_code=None)
    answers = [pay(person), pay(person)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert told(answers[0]) == told(answers[1])
    assert effects() == 1


# --- At once ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_same_key_sent_at_once_has_one_effect(person: Person) -> None:
    def send(_: int) -> tuple[int, Any]:
        try:
            return told(pay(person))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    done = [body for state, body in answers if state == 202]
    assert effects() == 1
    assert len({body["id"] for body in done}) == 1
    assert {state for state, _ in answers} <= {202, 409}
    assert [body["code"] for state, body in answers if state == 409] == ["request_in_progress"] * (16 - len(done))
    assert told(pay(person)) == (202, done[0])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_at_work_a_second_is_in_progress_and_the_third_gets_the_answer(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, seconds = Pay.perform, []

    def second() -> tuple[int, str]:
        try:
            return code_of(pay(person))
        finally:
            connection.close()

    def slow(self: Pay, request: Request, **kwargs: Any) -> Response:
        monkeypatch.setattr(Pay, "perform", work)
        with ThreadPoolExecutor(1) as pool:
            seconds.append(pool.submit(second).result())
        return work(self, request, **kwargs)

    monkeypatch.setattr(Pay, "perform", slow)
    first = pay(person)
    assert (first.status_code, seconds) == (202, [(409, "request_in_progress")])
    assert told(pay(person)) == told(first)
    assert effects() == 1
