"""Challengers in shadow: computed beside every live decision, kept, and never heard (R17)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from risk.errors import ReasonRequired
from risk.models import Decision, PolicyState, Scorecard, ShadowDecision
from risk.rules.decision import decide
from risk.rules.scorecard import ScorecardInvalid, catalogue_names, scorecard_check
from risk.selectors.remembered import remembered
from risk.selectors.variables import variables_kept
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import FieldInvalid, TransitionRefused

log = structlog.get_logger(__name__)

CHALLENGERS_MAX = 3
_ERROR_CHARS = 300


@transaction.atomic
def scorecard_shadow_start(
    *,
    scorecard: Scorecard,
    first_day: date,
    last_day: date | None,
    reason: str,
    user: StaffUser,
    as_of: date,
    at: datetime,
) -> Scorecard:
    """Lets a draft judge live applications unheard, from a day on; its definition is fixed from then.

    Raises `ReasonRequired`, `TransitionRefused` (not a draft, or in shadow), `FieldInvalid` (dates, definition, too
    many challengers at once).
    """
    if not reason.strip():
        raise ReasonRequired
    # All versions are locked, in one order, so that the greatest number holds also where several start at once.
    rows = {row.pk: row for row in Scorecard.objects.select_for_update(no_key=True).order_by("pk")}
    row = rows.pop(scorecard.pk)
    if row.state != PolicyState.DRAFT or row.is_shadow:
        raise TransitionRefused(state="shadow" if row.is_shadow else row.state)
    if first_day < as_of or (last_day is not None and last_day < first_day):
        raise _fault("shadow_from", _("The first day is today or later, the last day not before it"))
    running = [one for one in rows.values() if one.is_shadow and (one.shadow_to is None or one.shadow_to >= as_of)]
    if len(running) >= CHALLENGERS_MAX:
        raise _fault("shadow_from", _("Three challengers run in shadow already"))
    try:
        scorecard_check(row.definition)
    except ScorecardInvalid as error:
        raise _fault("definition", str(error)) from error
    return _shadow_set(row, True, first_day, last_day, reason=reason, user=user, as_of=as_of, at=at)


@transaction.atomic
def scorecard_shadow_end(*, scorecard: Scorecard, reason: str, user: StaffUser, as_of: date, at: datetime) -> Scorecard:
    """Ends the run at once; what was kept stays. Raises `ReasonRequired`, `TransitionRefused` (not in shadow)."""
    if not reason.strip():
        raise ReasonRequired
    row = Scorecard.objects.select_for_update(no_key=True).get(pk=scorecard.pk)
    if not row.is_shadow:
        raise TransitionRefused(state=row.state)
    return _shadow_set(row, False, row.shadow_from, as_of, reason=reason, user=user, as_of=as_of, at=at)


def _shadow_set(
    row: Scorecard, runs: bool, first: date | None, last: date | None, *, reason: str, user: StaffUser, as_of: date,
    at: datetime,
) -> Scorecard:  # fmt: skip
    before = {"is_shadow": row.is_shadow}
    row.is_shadow, row.shadow_from, row.shadow_to = runs, first, last
    row.save(update_fields=["is_shadow", "shadow_from", "shadow_to"])
    days = {"from": first and first.isoformat(), "to": last and last.isoformat()}
    audit_record(
        action="scorecard.shadow_start" if runs else "scorecard.shadow_end", actor=Actor.of(user), subject=row, at=at,
        as_of=as_of, reason=reason, before=before, after={"is_shadow": runs, **days},
    )  # fmt: skip
    return row


def shadow_decide(*, decision: Decision, at: datetime) -> list[ShadowDecision]:
    """Every challenger of the day judges what the live decision judged. Nothing it does reaches the decision.

    A challenger that fails leaves its error; each runs inside a savepoint of its own, so a broken one cannot break
    the transaction it is a guest in.
    """
    cards = _challengers(decision.business_date)
    return [row for card in cards if (row := _shadow_one(card, decision, at)) is not None]


@remembered
def _challengers(day: date) -> tuple[Scorecard, ...]:
    open_end = Q(shadow_to__isnull=True) | Q(shadow_to__gte=day)
    found = Scorecard.objects.filter(open_end, state=PolicyState.DRAFT, is_shadow=True, shadow_from__lte=day)
    return tuple(found.order_by("pk")[:CHALLENGERS_MAX])


def _shadow_one(card: Scorecard, decision: Decision, at: datetime) -> ShadowDecision | None:
    try:
        with transaction.atomic():
            return _keep(card, decision, at, **_judged(card, decision))
    except Exception as error:
        log.warning("shadow_failed", scorecard=str(card.pk), decision=str(decision.pk), error=str(error))
        text = f"{type(error).__name__}: {error}"[:_ERROR_CHARS]
    try:
        with transaction.atomic():
            return _keep(card, decision, at, error=text)
    except Exception as error:
        log.exception("shadow_lost", scorecard=str(card.pk), decision=str(decision.pk), error=str(error))
        return None


def _judged(card: Scorecard, decision: Decision) -> dict[str, Any]:
    """The same facts and terms under the challenger's definition."""
    policy = decision.inputs["policy"]
    challenger = {"code": card.code, "version": card.version, "definition": card.definition}
    names = catalogue_names(card.definition)
    inputs = {
        **decision.inputs,
        "policy": {**policy, "scorecard": challenger},
        "variables": variables_kept(decision.customer, names, decision.business_date),
    }
    result = decide(inputs)
    limit = result["limit"]
    return {
        "outcome": result["outcome"],
        "score": Decimal(result["score"]),
        "limit_amount": None if limit is None else Decimal(limit),
    }


def _keep(card: Scorecard, decision: Decision, at: datetime, **more: Any) -> ShadowDecision:
    row: ShadowDecision = ShadowDecision.objects.create(
        scorecard=card,
        decision=decision,
        business_date=decision.business_date,
        at=at,
        live_outcome=decision.outcome,
        live_score=decision.score,
        customer_id=decision.customer_id,
        **more,
    )
    return row


def _fault(field: str, detail: Any) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])
