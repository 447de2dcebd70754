"""Errors on the wire: RFC 9457 `application/problem+json`, one shape for everything a client can cause."""

from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from weilidai.lib.errors import DomainError, FieldInvalid, ObjectNotFound, TransitionRefused, TryAgain

PROBLEM_TYPE = "application/problem+json"

TITLES: dict[str, Any] = {
    "not_authenticated": _("Please sign in"),
    "authentication_failed": _("The sign-in is not valid any more"),
    "permission_denied": _("Not allowed"),
    "not_found": _("Not found"),
    "method_not_allowed": _("This method is not possible here"),
    "parse_error": _("The request cannot be read"),
    "unsupported_media_type": _("This media type is not accepted"),
    "not_acceptable": _("This media type cannot be answered"),
    "rate_limited": _("Too many requests"),
    "invalid": _("Some values are not valid"),
    "internal_error": _("Something went wrong on our side"),
}


# deadlock_detected, serialization_failure, lock_not_available: the request is right, only the moment was not.
IN_THE_WAY = {"40P01", "40001", "55P03"}


def got_in_the_way(error: BaseException) -> bool:
    """Whether a transaction ended only because of others beside it: nothing happened, a second try may do it."""
    if isinstance(error, TryAgain):
        return True
    busy = getattr(error.__cause__, "sqlite_errorname", "") in ("SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED")
    return isinstance(error, OperationalError) and (busy or getattr(error.__cause__, "sqlstate", None) in IN_THE_WAY)


class BodyTooLarge(DomainError):
    code = "body_too_large"
    title = _("The request is too large")
    http_state = 413


def problem(code: str, http_state: int, *, title: Any = None, detail: Any = None, **extra: Any) -> dict[str, Any]:
    """The document itself, in the language in force."""
    heading = str(title if title is not None else TITLES.get(code, code))
    return {
        "type": f"urn:weilidai:problem:{code}",
        "title": heading,
        "status": http_state,
        "detail": str(detail if detail is not None else heading),
        "code": code,
        **extra,
    }


def domain_problem(error: DomainError) -> dict[str, Any]:
    """A broken rule as a document."""
    extra = dict(error.extra)
    if error.field_errors:
        extra["errors"] = [
            {"field": item["field"], "code": item["code"], "detail": str(item["detail"])} for item in error.field_errors
        ]
    return problem(error.code, error.http_state, title=error.title, detail=error.detail, **extra)


def field_errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    """DRF's nested details as a flat list; positions in lists become part of the field's path."""
    if isinstance(detail, dict):
        pairs = [(f"{path}.{key}" if path else str(key), value) for key, value in detail.items()]
        return [item for where, value in pairs for item in field_errors(value, where)]
    if isinstance(detail, list):
        return [
            item
            for number, value in enumerate(detail)
            for item in field_errors(value, f"{path}.{number}" if isinstance(value, dict) else path)
        ]
    return [
        {"field": path or "non_field_errors", "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}
    ]


def _translate(error: Exception) -> Exception:
    """What other layers raise, as what this module knows."""
    if isinstance(error, Http404):
        return ObjectNotFound()
    if isinstance(error, DjangoPermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, TransitionNotAllowed):
        return TransitionRefused()
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge()
    if got_in_the_way(error):
        return TryAgain()
    if isinstance(error, DataError):
        # The database refused a value that passed the serializer: too long, out of range, not storable.
        return FieldInvalid()
    return error


def _api_problem(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return problem("invalid", 400, errors=field_errors(error.detail))
    if isinstance(error, exceptions.Throttled):
        return problem("rate_limited", 429)
    code = str(error.get_codes()) if isinstance(error.detail, str) else error.default_code
    return problem(code, error.status_code, detail=error.detail if isinstance(error.detail, str) else None)


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers: dict[str, str] = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return headers


def problem_response(error: DomainError | exceptions.APIException) -> Response:
    """The answer to an error a client caused."""
    if isinstance(error, DomainError):
        return Response(domain_problem(error), status=error.http_state, content_type=PROBLEM_TYPE)
    body = _api_problem(error)
    return Response(body, status=body["status"], headers=_headers(error), content_type=PROBLEM_TYPE)


def client_error(error: Exception) -> DomainError | exceptions.APIException | None:
    """The error as one a client caused; None for a defect of ours."""
    error = _translate(error)
    return error if isinstance(error, DomainError | exceptions.APIException) else None


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None lets a defect of ours become a 500, which is then logged and told."""
    told = client_error(error)
    if told is None:
        return None
    set_rollback()
    return problem_response(told)


def _plain(code: str, http_state: int) -> JsonResponse:
    return JsonResponse(problem(code, http_state), status=http_state, content_type=PROBLEM_TYPE)


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    return _plain("invalid", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> JsonResponse:
    return _plain("permission_denied", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return _plain("not_found", 404)


def server_error(request: HttpRequest) -> JsonResponse:
    return _plain("internal_error", 500)
