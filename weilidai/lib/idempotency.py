"""One key, one effect, for ever (I4). `POST` views that move money or limit mix this in.

The work and the record with its answer are one transaction, so a process killed at any point leaves both or neither.
While it runs the key is held by a lock of the database that ends with the transaction, whatever ends it: a second
request with the key is told at once that the first is at work.
"""

import hashlib
import json
from datetime import UTC
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from weilidai.lib.bulk import row_insert
from weilidai.lib.business_date import HELD, open_day
from weilidai.lib.errors import DomainError
from weilidai.lib.models import IdempotencyRecord
from weilidai.lib.prepared import Ask, Written, ask, asked_ahead, prepared
from weilidai.lib.problems import PROBLEM_TYPE, client_error, got_in_the_way, problem_response
from weilidai.lib.renderers import ExactEncoder
from weilidai.lib.together import together, trip

KEY_LENGTH_MAX = 200
# How often work is begun that the database ended because of others beside it.
TRIES = 3


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


def record_digest(record: IdempotencyRecord) -> str:
    """Of everything a finished record says."""
    parts = (record.customer_id, record.key, record.request_path, record.body_sha256, record.state,
             record.response_code, record.response_body, record.created_at.astimezone(UTC).isoformat())  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


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


def _path_of(request: Request) -> str:
    return f"{request.method} {request.path}"[:300]


_HOLD = Written("SELECT pg_try_advisory_xact_lock(%(first)s, %(second)s)", "first", "second")


def _hold(request: Request, key: str) -> Ask:
    digest = hashlib.sha256(f"{_caller_id(request)}:{key}".encode()).digest()
    return _HOLD.of(*(int.from_bytes(digest[start : start + 4], signed=True) for start in (0, 4)))


def _wanted(request: Request, key: str) -> tuple[Ask, ...]:
    """The key with its record, and the date that nearly every act asks for first, in one trip."""
    if connection.vendor != "postgresql":
        return ()
    return _hold(request, key), _by_key.of(_caller_id(request), key), HELD.of(), open_day.of()


def _claim(request: Request, key: str) -> list[IdempotencyRecord]:
    """Holds the key until the transaction ends, and finds its record. Raises RequestInProgress where others hold it.

    On SQLite a transaction has the whole database to itself: whoever comes second waits and finds the answer.
    """
    stored = _by_key.of(_caller_id(request), key)
    if connection.vendor != "postgresql":
        return ask(stored)[0]
    held, rows = ask(_hold(request, key), stored)
    if not held[0][0]:
        raise RequestInProgress
    return rows


def _record_find(request: Request, key: str, digest: str) -> IdempotencyRecord:
    """The stored record of this key, else a new one, not saved yet. Raises where it belongs to another request."""
    rows = _claim(request, key)
    found: IdempotencyRecord | None = rows[0] if rows else None
    if found is None:
        return IdempotencyRecord(
            customer_id=_caller_id(request), key=key, request_path=_path_of(request), body_sha256=digest,
            created_at=timezone.now(),
        )  # fmt: skip
    if (found.body_sha256, found.request_path) != (digest, _path_of(request)):
        raise IdempotencyKeyReused
    return found


def _is_kept(code: int) -> bool:
    """Whether the answer is one for ever. "Try again later" and "our fault" are not: nothing happened."""
    return code < 500 and code != 429


def _keep(record: IdempotencyRecord, response: Response, *, is_new: bool) -> Response:
    """The answer, its record written where it is one for ever."""
    if _is_kept(response.status_code):
        record.state = IdempotencyRecord.State.DONE
        record.response_code = response.status_code
        record.response_body = json.loads(json.dumps(response.data, cls=ExactEncoder))
        record.sha256 = record_digest(record)
        if is_new:
            row_insert(record)
        else:
            record.save()
    return response


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
        key, digest = _key_of(request), _digest_of(request)
        with transaction.atomic(), together(), asked_ahead(*_wanted(request, key)):
            record = _record_find(request, key, digest)
            if record.state == IdempotencyRecord.State.DONE:
                return _replay(record)
            return self._answer(request, record, **kwargs)

    def _answer(self, request: Request, record: IdempotencyRecord, **kwargs: Any) -> Response:
        is_new = record._state.adding
        for tries_left in reversed(range(TRIES)):
            try:
                with transaction.atomic():
                    response = _keep(record, self._performed(request, **kwargs), is_new=is_new)
                    trip()
                    return response
            except Exception as error:
                # The savepoint is undone and its locks are free again: the other one goes first now.
                if tries_left and got_in_the_way(error):
                    continue
                told = client_error(error)
                if told is None:
                    raise
                return _keep(record, problem_response(told), is_new=is_new)
        raise AssertionError("the last try answers or raises")

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
