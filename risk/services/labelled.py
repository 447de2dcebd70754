"""Labelled sets and the heavy runs on them: kept, queued, computed by a worker, compared (R15, R17)."""

import gzip
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import numpy as np
import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from risk.models import LabelledSet, WorkbenchRun
from risk.rules.workbench.card import CardInvalid, ClientScore
from risk.rules.workbench.clients import Values, variables
from risk.rules.workbench.compare import comparison
from risk.rules.workbench.own_loans import people_load
from risk.rules.workbench.portable import CAPACITY, platform_values
from risk.rules.workbench.reading import ClientFile, clients_load
from risk.rules.workbench.table import FileInvalid, table_text
from risk.services.workbench import (
    LABELLED_PATH,
    card_load,
    champion_blind,
    clients_score,
    curves,
    file_measure,
    holdout_card,
    labels_of,
    scorecard_fit,
    seen_count,
)
from risk.variables.catalogue import described
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import FieldInvalid

log = structlog.get_logger(__name__)

UPLOAD_BYTES_MAX = 20 * 1024 * 1024
CLIENTS_MAX = 200_000
LEASE = timedelta(minutes=15)
ATTEMPTS_MAX = 3


# What an upload can be refused for before a row is read; `{detail}` is a column, a size or the reader's own word.
FILE_WORDS: dict[str, Any] = {
    "excel_old": gettext_lazy("An old .xls workbook, or one with a password: please save it as .xlsx without one"),
    "too_large": gettext_lazy("The file is too large ({detail})"),
    "archive_damaged": gettext_lazy("The archive is damaged"),
    "workbook_damaged": gettext_lazy("The workbook cannot be read ({detail})"),
    "header_invalid": gettext_lazy("The first line cannot be read ({detail})"),
    "columns_missing": gettext_lazy("Columns are missing: {detail}"),
    "columns_too_many": gettext_lazy("More than {detail} columns"),
    "columns_twice": gettext_lazy("Columns are given twice: {detail}"),
}


def labelled_check(content: bytes) -> ClientFile:
    """What an upload holds, nothing written: CSV, CSV.gz or XLSX. Raises `FieldInvalid`, with a code, on what cannot
    be a labelled set."""
    return _checked(_text(content))


def _checked(text: str) -> ClientFile:
    try:
        found = clients_load(StringIO(text, newline=""))
    except FileInvalid as error:
        raise _refused(error) from error
    if len(found.clients) > CLIENTS_MAX:
        raise _fault(_("More than {n} clients").format(n=CLIENTS_MAX), "clients_too_many")
    labels = {client.bad for client in found.clients}
    if not {0, 1} <= labels:
        raise _fault(_("Needs clients who defaulted and clients who did not"), "labels_missing")
    return found


def _text(content: bytes) -> str:
    try:
        return table_text(content, bytes_max=UPLOAD_BYTES_MAX)
    except FileInvalid as error:
        raise _refused(error) from error


def _refused(error: FileInvalid) -> FieldInvalid:
    return _fault(str(FILE_WORDS[error.code]).format(detail=error.detail), error.code)


@transaction.atomic
def labelled_create(*, name: str, content: bytes, user: StaffUser | None, at: datetime) -> LabelledSet:
    """Keeps a set once; the same file again is the set there is. Raises `FieldInvalid`."""
    text = _text(content)
    found = _checked(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    values = {
        "name": name,
        "packed": gzip.compress(text.encode(), mtime=0),
        "columns": list(found.columns),
        "row_count": len(found.clients),
        "bad_count": sum(client.bad == 1 for client in found.clients),
        "rejected_count": len(found.rejected),
        "created_at": at,
        "created_by": user,
    }
    row, created = LabelledSet.objects.get_or_create(sha256=digest, defaults=values)
    if created:
        actor = Actor.of(user) if user else Actor.system("presets")
        audit_record(action="labelled_set.create", actor=actor, subject=row, at=at,
                     after={"name": name, "clients": row.row_count, "sha256": digest})  # fmt: skip
    return row


def labelled_shipped(at: datetime) -> LabelledSet:
    """The set that comes with the product."""
    return labelled_create(name="credit_card_clients", content=LABELLED_PATH.read_bytes(), user=None, at=at)


def labelled_load(row: LabelledSet) -> ClientFile:
    text = gzip.decompress(bytes(row.packed)).decode()
    return people_load(text) if row.kind == LabelledSet.Kind.LOANS else clients_load(StringIO(text, newline=""))


@transaction.atomic
def run_request(*, kind: str, labelled_set: LabelledSet, user: StaffUser, at: datetime) -> WorkbenchRun:
    """Queues a run; the same one waiting or running already is the answer.

    Raises `FieldInvalid` where the shipped scorecard cannot score the people of the set.
    """
    if kind == WorkbenchRun.Kind.MEASURE and labelled_set.kind == LabelledSet.Kind.LOANS:
        raise _fault(_("The shipped scorecard judges card clients; our own loans are judged by a fit"))
    waiting = WorkbenchRun.objects.filter(kind=kind, labelled_set=labelled_set, state__in=["pending", "running"])
    try:
        with transaction.atomic():
            row = WorkbenchRun.objects.create(kind=kind, labelled_set=labelled_set, requested_by=user, requested_at=at)
    except IntegrityError:
        return waiting.get()
    audit_record(action="workbench.request", actor=Actor.of(user), subject=row, at=at,
                 after={"kind": kind, "labelled_set": str(labelled_set.pk)})  # fmt: skip
    return row


def runs_advance(*, at: datetime) -> int:
    """Computes every run that waits, one after the other; one whose worker died is taken up again. How many."""
    done = 0
    while (run := _claim(at)) is not None:
        _run(run, at)
        done += 1
    return done


@transaction.atomic
def _claim(at: datetime) -> WorkbenchRun | None:
    died = Q(state="running", claimed_at__lt=at - LEASE)
    rows = WorkbenchRun.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).order_by("pk")
    run = rows.filter(Q(state="pending") | died).first()
    if run is None:
        return None
    run.attempts += 1
    run.state, run.claimed_at = WorkbenchRun.State.RUNNING, at
    if run.attempts > ATTEMPTS_MAX:
        run.state, run.error, run.finished_at = WorkbenchRun.State.FAILED, "the worker died every time", at
    run.save(update_fields=["attempts", "state", "claimed_at", "error", "finished_at"])
    return run


def _run(run: WorkbenchRun, at: datetime) -> None:
    """A worker that lost its lease writes nothing: the attempt is part of the condition."""
    if run.state == WorkbenchRun.State.FAILED:
        return
    values: dict[str, Any]
    try:
        card, report = _computed(run)
        values = {"state": WorkbenchRun.State.DONE, "card": card, "report": report, "error": ""}
    except (FileInvalid, CardInvalid, ValueError, ArithmeticError) as error:
        log.warning("workbench_failed", run=str(run.pk), error=str(error))
        values = {"state": WorkbenchRun.State.FAILED, "error": f"{type(error).__name__}: {error}"[:500]}
    WorkbenchRun.objects.filter(pk=run.pk, attempts=run.attempts, state="running").update(**values, finished_at=at)


def _computed(run: WorkbenchRun) -> tuple[dict[str, Any], dict[str, Any]]:
    """The scorecard of the run and its measures.

    A fit is measured, and compared with the champion, on the hold-out alone, by scorecards that never saw it; the
    scorecard kept is then fitted on everybody.
    """
    found = labelled_load(run.labelled_set)
    if run.kind == WorkbenchRun.Kind.MEASURE:
        shipped = card_load()
        scores = clients_score(shipped, found.clients)
        seen = {"people": len(scores), "by_champion": seen_count(found)}
        return shipped, file_measure(found, scores) | curves(found, scores) | {"seen": seen}
    is_own, portable = run.labelled_set.kind == LabelledSet.Kind.LOANS, run.kind == WorkbenchRun.Kind.CAPACITY
    values = _looked_at(is_own, portable)
    how: dict[str, Any] = {"values": values, "portable": portable or is_own}
    card = scorecard_fit(found.clients, name=run.labelled_set.name, **how)
    blind, outside = holdout_card(found, **how)
    champion, seen_by_champion = _champion(outside, is_own)
    scores = clients_score(blind, outside.clients, values)
    report = file_measure(outside, scores) | curves(outside, scores)
    first, second = (np.array([float(score.points) for score in each]) for each in (champion, scores))
    seen = {"people": len(scores), "by_champion": seen_by_champion, "by_challenger": 0}
    compared = comparison(labels_of(outside.clients), first, second)
    return card, report | {"comparison": compared, "champion": curves(outside, champion), "seen": seen}


def _looked_at(is_own: bool, portable: bool) -> Callable[[Any], Values]:
    """What a fit may look at: everything, or what the capacity dimension may."""
    if not is_own:
        return platform_values if portable else variables

    def own(person: Any) -> Values:
        known: Values = person.values
        if not portable:
            return known
        return {name: value for name, value in known.items() if described()[name].dimension == CAPACITY}

    return own


def _champion(outside: ClientFile, is_own: bool) -> tuple[list[ClientScore], int]:
    """The champion's points of the held-out people, and how many of them it had learned from.

    Our own people were scored when they applied, before anybody knew their end.
    """
    if is_own:
        people: list[Any] = list(outside.clients)
        return [ClientScore(person.score, Decimal(0), Decimal(0), ()) for person in people], 0
    card, seen = champion_blind(outside)
    return clients_score(card, outside.clients), seen


def _fault(detail: Any, code: str = "invalid") -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": "file", "code": code, "detail": detail}])
