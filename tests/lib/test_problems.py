"""RFC 9457: one shape for everything a client can cause, and no shape for what is our own defect."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError
from django.http import Http404
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed
from pytest_django import Settings
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.lib.conftest import call
from weilidai.lib.errors import DomainError, FieldInvalid, ObjectNotFound
from weilidai.lib.problems import field_errors, problem_handler


class Inner(serializers.Serializer[Any]):
    days = serializers.IntegerField(max_value=5)


class Outer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=3)
    one = Inner()
    many = Inner(many=True)
    words = serializers.ListField(child=serializers.CharField())

    def validate_name(self, value: str) -> str:
        raise serializers.ValidationError("no", code="taken")


def faults_of(data: Any) -> list[tuple[str, str]]:
    body = Outer(data=data)
    assert not body.is_valid()
    return [(item["field"], item["code"]) for item in field_errors(body.errors)]


def test_nested_faults_are_one_flat_list_of_paths() -> None:
    data = {"name": "abc", "one": {"days": 6}, "many": [{"days": 1}, {"days": "x"}, {}], "words": ["a", None]}
    assert faults_of(data) == [
        ("name", "taken"),
        ("one.days", "max_value"),
        ("many.1.days", "invalid"),
        ("many.2.days", "required"),
        ("words.1", "null"),
    ]


def test_a_value_of_the_wrong_kind_is_named_with_its_field() -> None:
    assert faults_of({"name": [], "one": 3, "many": {}, "words": "a"}) == [
        ("name", "invalid"),
        ("one.non_field_errors", "invalid"),
        ("many.non_field_errors", "not_a_list"),
        ("words", "not_a_list"),
    ]


def test_a_fault_of_no_field() -> None:
    assert field_errors(exceptions.ValidationError("no").detail)[0]["field"] == "non_field_errors"


class NoMoney(DomainError):
    code = "no_money"
    title = _("Not found")
    http_state = 418


@pytest.mark.parametrize(
    ("error", "http_state", "code"),
    [
        (NoMoney(), 418, "no_money"),
        (ObjectNotFound(), 404, "not_found"),
        (Http404("secret"), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (TransitionNotAllowed(), 409, "transition_not_allowed"),
        (DataError("secret"), 400, "invalid"),
        (RequestDataTooBig("secret"), 413, "body_too_large"),
        (exceptions.ValidationError({"a": "b"}), 400, "invalid"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(), 401, "authentication_failed"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("GET"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.UnsupportedMediaType("a/b"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=3), 429, "rate_limited"),
    ],
)
def test_every_error_of_a_client_is_a_document(error: Exception, http_state: int, code: str) -> None:
    answer = problem_handler(error, {})
    assert answer is not None
    assert (answer.status_code, answer.content_type) == (http_state, "application/problem+json")
    body = answer.data
    assert (body["code"], body["status"], body["type"]) == (code, http_state, f"urn:weilidai:problem:{code}")
    assert body["title"]
    assert "secret" not in str(body)


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyError("x"), ValueError("x"), AssertionError()])
def test_a_defect_of_ours_is_no_problem_of_the_client(error: Exception) -> None:
    assert problem_handler(error, {}) is None


def test_extra_members_and_fields_stand_in_the_document() -> None:
    error = FieldInvalid("why", field_errors=[{"field": "a", "code": "b", "detail": _("Not found")}], attempts_left=2)
    with translation.override("en"):
        answer = problem_handler(error, {})
    assert answer is not None
    assert answer.data["detail"] == "why"
    assert answer.data["attempts_left"] == 2
    assert answer.data["errors"] == [{"field": "a", "code": "b", "detail": "Not found"}]


def test_the_title_is_in_the_language_in_force() -> None:
    titles = set()
    for language in ("en", "zh-hans"):
        with translation.override(language):
            answer = problem_handler(ObjectNotFound(), {})
            assert answer is not None
            titles.add(answer.data["title"])
    assert len(titles) == 2


def test_waiting_times_and_challenges_are_headers() -> None:
    throttled = problem_handler(exceptions.Throttled(wait=3), {})
    assert throttled is not None
    assert throttled.headers["Retry-After"] == "4"
    refused = exceptions.NotAuthenticated()
    refused.auth_header = "Bearer"
    answer = problem_handler(refused, {})
    assert answer is not None
    assert answer.headers["WWW-Authenticate"] == "Bearer"


class Echo(APIView):
    def post(self, request: Request) -> Response:
        return Response({"got": request.data})


@pytest.mark.parametrize(("size", "http_state"), [(100, 200), (101, 413)])
def test_a_body_as_large_as_allowed_passes_and_one_byte_more_does_not(
    settings: Settings, size: int, http_state: int
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    raw = b'{"a": "' + b"x" * (size - 9) + b'"}'
    assert len(raw) == size
    assert call(Echo, body=raw, content_type="application/json").status_code == http_state


@pytest.mark.parametrize(
    ("method", "more", "http_state"),
    [
        ("get", {}, 405),
        ("post", {"HTTP_ACCEPT": "text/html"}, 406),
        ("post", {"body": b"<x/>", "content_type": "application/xml"}, 415),
    ],
)
def test_refusals_before_the_view_are_documents_too(method: str, more: dict[str, Any], http_state: int) -> None:
    answer = call(Echo, method, **more)
    assert (answer.status_code, answer["Content-Type"]) == (http_state, "application/problem+json")
