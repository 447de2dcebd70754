"""The fitted capacity to perform put into a scorecard's draft; another person puts it into force (R15, R17)."""

from copy import deepcopy
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.models import StaffUser
from risk.models import Scorecard, WorkbenchRun
from risk.rules.scorecard import ScorecardInvalid, scorecard_check
from risk.rules.workbench.card import CardInvalid
from risk.rules.workbench.portable import CAPACITY, dimension_variables
from risk.selectors.policy import scorecard_current
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import FieldInvalid, ObjectNotFound, ReasonRequired, TransitionRefused


@transaction.atomic
def capacity_draft(
    *, run: WorkbenchRun, valid_from: date, reason: str, user: StaffUser, as_of: date, at: datetime
) -> Scorecard:
    """A draft like the scorecard in force, its capacity dimension taken from the fit, scaled to its weight.

    Raises `TransitionRefused` (no finished fit of the capacity), `ReasonRequired`, `FieldInvalid` (a fit that no live
    customer can be judged by).
    """
    if not reason.strip():
        raise ReasonRequired
    if run.kind != WorkbenchRun.Kind.CAPACITY or run.state != WorkbenchRun.State.DONE or run.card is None:
        raise TransitionRefused(state=str(run.state))
    live = scorecard_current(as_of)
    row = Scorecard(
        code=live.code, definition=definition_with(live.definition, run.card), valid_from=valid_from,
        version=_next_version(live.code), drafted_by=user, change_reason=reason,
    )  # fmt: skip
    row.save(force_insert=True)
    audit_record(
        action="policy.draft", actor=Actor.of(user), subject=row, at=at, as_of=as_of, reason=reason,
        after={"version": row.version, "workbench_run": str(run.pk), "labelled_set": str(run.labelled_set_id)},
    )  # fmt: skip
    return row


def _next_version(code: str) -> int:
    """The scorecards of the code stay locked, so that two drafts at once have two versions."""
    rows = Scorecard.objects.filter(code=code)
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    return int(rows.aggregate(last=Max("version"))["last"] or 0) + 1


def definition_with(live: dict[str, Any], card: dict[str, Any]) -> dict[str, Any]:
    """The definition with another capacity dimension; everything else stays as it is."""
    definition = deepcopy(live)
    dimension = next((one for one in definition["dimensions"] if one["code"] == CAPACITY), None)
    if dimension is None:
        raise ObjectNotFound
    try:
        dimension["variables"] = dimension_variables(card, Decimal(dimension["weight"]))
        scorecard_check(definition)
    except (CardInvalid, ScorecardInvalid) as error:
        raise FieldInvalid(field_errors=[{"field": "run", "code": "invalid", "detail": str(error)}]) from error
    return definition
