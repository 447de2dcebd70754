"""One key, one effect, for ever (I4). `POST` views that move money or limit mix this in.

The record is committed as `running` before the work; the work, the answer and `done` are one transaction.
So a process killed in between leaves either both or neither, and a `running` record nobody works on any more
is run again by the next request with the same key.
"""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from weilidai.lib.bulk import row_insert
from weilidai.lib.errors import DomainError
from weilidai.lib.models import IdempotencyRecord
from weilidai.lib.prepared import prepared
from weilidai.lib.problems import PROBLEM_TYPE, client_error, problem_response
from weilidai.lib.renderers import ExactEncoder

KEY_LENGTH_MAX = 200
# PostgreSQL's lock_not_available: the only refusal of a lock that tells of another request.
LOCK_NOT_AVAILABLE = "55P03"


class IdempotencyKeyRequired(DomainError):
    code = "idempotency_key_required"
    title = _("The header Idempotency-Key is missing or not valid")
    http_state = 400


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    title = _("This key was used for another request")
    http_state = 422


class RequestInProgress(DomainError):
    code = "request_in_progress"
    title = _("The first request with this key is still running")
    http_state = 409


def _key_of(request: Request) -> str:
    key: str = request.headers.get("Idempotency-Key", "")
    if not key.strip() or len(key) > KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise IdempotencyKeyRequired
    return key


def _caller_id(request: Request) -> Any:
    """The customer's key; keys of different customers never meet."""
    return request.user.pk


def _content_of(value: Any) -> Any:
    """A value as JSON can hold it: an upload by its digest, read piece by piece."""
    if not hasattr(value, "chunks"):
        return value
    digest = hashlib.sha256()
    for piece in value.chunks():
        digest.update(piece)
    value.seek(0)
    return {"sha256": digest.hexdigest()}


def _digest_of(request: Request) -> str:
    """Of the parsed body: white space and the order of members make no other request, a repeated field does."""
    body: Any = request.data
    if hasattr(body, "lists"):
        content = {name: [_content_of(value) for value in values] for name, values in body.lists()}
    else:
        content = {name: _content_of(value) for name, value in body.items()}
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@prepared
def _by_key(customer: Any, key: Any) -> Any:
    return IdempotencyRecord.objects.filter(customer_id=customer, key=key)


@prepared
def _locked_now(record: Any) -> Any:
    rows = IdempotencyRecord.objects.filter(pk=record)
    nowait = connection.features.has_select_for_update_nowait
    return rows.select_for_update(nowait=True) if nowait else rows


def _record_open(request: Request) -> IdempotencyRecord:
    """The record of this key: ours to run, or an earlier one. Raises where it belongs to another request."""
    key, digest = _key_of(request), _digest_of(request)
    rows = _by_key(_caller_id(request), key)
    found: IdempotencyRecord | None = rows[0] if rows else None
    if found is None:
        found = IdempotencyRecord(
            customer_id=_caller_id(request),
            key=key,
            request_path=f"{request.method} {request.path}"[:300],
            body_sha256=digest,
            created_at=timezone.now(),
        )
        if row_insert(found, unless_there=True):
            found.is_mine = True  # type: ignore[attr-defined]
        else:
            found = IdempotencyRecord.objects.filter(customer_id=_caller_id(request), key=key).first()
    if found is None:
        raise RequestInProgress
    if (found.body_sha256, found.request_path) != (digest, f"{request.method} {request.path}"[:300]):
        raise IdempotencyKeyReused
    return found


def _lock(record: IdempotencyRecord) -> IdempotencyRecord:
    """The row under lock; somebody else's lock means the first request is at work."""
    try:
        rows: list[IdempotencyRecord] = _locked_now(record.pk)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise RequestInProgress from error
    if not rows:
        # This very moment given up, to be sent again.
        raise RequestInProgress
    return rows[0]


def _is_abandoned(record: IdempotencyRecord) -> bool:
    """Nobody holds the row's lock here: on PostgreSQL that is proof, elsewhere age decides."""
    if getattr(record, "is_mine", False) or connection.features.has_select_for_update_nowait:
        return True
    return timezone.now() - record.created_at > timedelta(seconds=settings.IDEMPOTENCY_STALE_SECONDS)


def _is_kept(code: int) -> bool:
    """Whether the answer is one for ever. "Try again later" and "our fault" are not: nothing happened."""
    return code < 500 and code != 429


def _replay(record: IdempotencyRecord) -> Response:
    code = record.response_code or 200
    kind = PROBLEM_TYPE if code >= 400 else None
    return Response(record.response_body, code, headers={"Idempotent-Replayed": "true"}, content_type=kind)


class IdempotentMixin:
    """For an `APIView` with one effect: implement `perform(request, **kwargs) -> Response` instead of `post`.

    `perform` runs inside the transaction that keeps its answer. A refusal undoes its work and is kept as the
    answer, unless it only asks to try again later; a defect undoes everything. Then the same key can be tried again.
    """

    def perform(self, request: Request, **kwargs: Any) -> Response:
        raise NotImplementedError

    def post(self, request: Request, **kwargs: Any) -> Response:
        record = _record_open(request)
        if record.state == IdempotencyRecord.State.DONE:
            return _replay(record)
        mine = getattr(record, "is_mine", False)
        with transaction.atomic():
            locked = _lock(record)
            if locked.state == IdempotencyRecord.State.DONE:
                return _replay(locked)
            if not mine and not _is_abandoned(locked):
                raise RequestInProgress
            response = self._answer(request, **kwargs)
            if not _is_kept(response.status_code):
                locked.delete()
                return response
            locked.state = IdempotencyRecord.State.DONE
            locked.response_code = response.status_code
            locked.response_body = json.loads(json.dumps(response.data, cls=ExactEncoder))
            locked.save(update_fields=["state", "response_code", "response_body"])
        return response

    def _answer(self, request: Request, **kwargs: Any) -> Response:
        try:
            with transaction.atomic():
                return self._performed(request, **kwargs)
        except Exception as error:
            told = client_error(error)
            if told is None:
                raise
            return problem_response(told)

    def _performed(self, request: Request, **kwargs: Any) -> Response:
        """A refusal that keeps its work leaves the transaction as an answer, not as an error."""
        try:
            return self.perform(request, **kwargs)
        except DomainError as error:
            if not error.keeps_work:
                raise
            return problem_response(error)


class KeyWelcomeMixin(IdempotentMixin):
    """For a `POST` that moves neither money nor limit: a key is honoured where one is sent, and not asked for."""

    def post(self, request: Request, **kwargs: Any) -> Response:
        if "Idempotency-Key" in request.headers:
            return super().post(request, **kwargs)
        return self.perform(request, **kwargs)
