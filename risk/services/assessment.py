"""Deciding: by the rules, by a person where the rules refer, and again when a decision is replayed (R13, R21)."""

import time
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Customer, Device, StaffUser
from accounts.services.notification import notification_send
from risk.errors import LimitExceeded, ReasonRequired
from risk.models import ApplicationState, CreditApplication, Decision, Outcome, Screening
from risk.rules.admission import admission_flags
from risk.rules.decision import decide, result_sha256
from risk.rules.facts import facts_dump, facts_load
from risk.rules.scorecard import catalogue_names
from risk.selectors.facts import facts_gather, limits_open_sum
from risk.selectors.known import Known
from risk.selectors.policy import policy_snapshot, scorecard_current, terms_current
from risk.selectors.remembered import one_policy
from risk.selectors.variables import variables_kept
from risk.services.application import alive_check, application_lock, identity_check, signatures_check
from risk.services.credit_line import line_open
from risk.services.screening import lines_locked, screen, screening_refusal
from risk.services.shadow import shadow_decide
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.bulk import row_insert
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.fsm import take_step
from weilidai.lib.money import ZERO
from weilidai.lib.prepared import ask, gather, prepared

INPUTS_SCHEMA = 2
_STEPS = {Outcome.APPROVED: "approve", Outcome.REJECTED: "reject", Outcome.REFERRED: "refer"}


def application_assess(
    *,
    application_id: UUID,
    customer: Customer,
    actor: Actor,
    as_of: date,
    at: datetime,
    device: Device | None = None,
    ip: str | None = None,
) -> Decision:
    """Decides once: the decision and, if approved, the line are one transaction. The twelve layers are asked first.

    Raises `SignaturesMissing`, `IdentityNotVerified`, `BankCardRequired`, `TransitionRefused`; `DeviceNotVerified`
    after what the layers wrote is committed.
    """
    with transaction.atomic(), one_policy():
        # Lines, then the customer's row: two products decided at once must not both use the same household room (R54).
        lines, [person], applications = ask(
            lines_locked.of(customer.pk), _person_locked.of(customer.pk), _own_locked.of(application_id, customer.pk)
        )
        if not applications:
            raise ObjectNotFound
        application: CreditApplication = applications[0]
        application.customer = person
        known = Known(person, as_of, locked_lines=tuple(lines))
        _assessable_check(application, known)
        screening = screen(
            event="application", customer=person, subject=application, device=device, ip=ip, actor=actor, as_of=as_of,
            at=at, known=known,
        )  # fmt: skip
        refusal = screening_refusal(screening)
        if refusal is None:
            return _decide(application, known, screening, actor, as_of, at)
    raise refusal


def _decide(
    application: CreditApplication, known: Known, screening: Screening, actor: Actor, as_of: date, at: datetime
) -> Decision:
    started, person = time.monotonic(), known.customer
    take_step(application, "begin_assessment", actor=actor, as_of=as_of, at=at)
    terms, scorecard = terms_current(application.product_id, as_of), scorecard_current(as_of)
    inputs = {
        "schema": INPUTS_SCHEMA,
        "as_of": as_of.isoformat(),
        "facts": facts_dump(facts_gather(person, terms, as_of, known)),
        "policy": policy_snapshot(terms, scorecard, as_of),
        "variables": variables_kept(person, catalogue_names(scorecard.definition), as_of, known),
        "screening": {"id": str(screening.pk), "verdict": screening.verdict},
    }
    result = decide(inputs)
    decision = _decision_create(
        application,
        result=result,
        inputs=inputs,
        outcome=Outcome(result["outcome"]),
        terms_id=terms.pk,
        scorecard_id=scorecard.pk,
        at=at,
        as_of=as_of,
        duration_ms=int((time.monotonic() - started) * 1000),
    )
    shadow_decide(decision=decision, at=at)
    _decision_apply(application, decision, result, actor, as_of, at)
    return decision


@prepared
def _person_locked(customer: Any) -> Any:
    return Customer.objects.select_for_update(no_key=True).filter(pk=customer)


@prepared
def _own_locked(application: Any, customer: Any) -> Any:
    return CreditApplication.objects.select_for_update(no_key=True).filter(pk=application, customer=customer)


def _assessable_check(application: CreditApplication, known: Known) -> None:
    alive_check(application, known.as_of)
    if application.state == ApplicationState.STARTED:
        signatures_check(application, known.as_of)
    if application.state != ApplicationState.IDENTITY_VERIFIED:
        raise TransitionRefused(state=str(application.state))
    signatures_check(application, known.as_of)
    identity_check(known.customer, bool(gather(known.cards(), answers=known.answers)[0]))


def _decision_create(
    application: CreditApplication,
    *,
    result: dict[str, Any],
    inputs: dict[str, Any],
    outcome: Outcome,
    at: datetime,
    as_of: date,
    reasons: list[dict[str, str]] | None = None,
    **more: Any,
) -> Decision:
    """Keeps an offer only with an approval: what a person might still grant is in the inputs."""
    offered = outcome == Outcome.APPROVED
    decision = Decision(
        customer_id=application.customer_id,
        application=application,
        product_id=application.product_id,
        business_date=as_of,
        decided_at=at,
        outcome=outcome,
        score=Decimal(result["score"]),
        dimensions=result["dimensions"],
        reasons=result["reasons"] if reasons is None else reasons,
        inputs=inputs,
        result_sha256=result_sha256(result),
        tier=result["tier"] if offered else "",
        limit_amount=Decimal(result["limit"]) if offered else None,
        daily_rate=Decimal(result["daily_rate"]) if offered else None,
        **admission_flags(facts_load(inputs["facts"]), inputs["policy"]["terms"]),
        **more,
    )
    row_insert(decision)
    return decision


def _decision_apply(
    application: CreditApplication, decision: Decision, result: dict[str, Any], actor: Actor, as_of: date, at: datetime
) -> None:
    """Moves the application, opens the line, leaves the trail and tells the customer."""
    outcome = Outcome(decision.outcome)
    application.decided_at = at
    take_step(application, _STEPS[outcome], actor=actor, as_of=as_of, at=at, update_fields=("decided_at",))
    audit_record(
        action="decision.make", actor=actor, subject=decision, at=at, as_of=as_of, reason=decision.note[:500],
        after={"outcome": outcome.value, "score": str(decision.score), "limit": str(decision.limit_amount)},
    )  # fmt: skip
    if outcome == Outcome.APPROVED:
        line_open(
            application=application,
            decision=decision,
            penalty_share=Decimal(result["penalty_share"]),
            actor=actor,
            as_of=as_of,
            at=at,
        )
    notification_send(
        customer=application.customer,
        kind=f"application_{outcome.value}",
        params={"product": application.product_id},
        dedupe_key=f"decision:{decision.pk}",
        business_date=as_of,
    )


@transaction.atomic
def referral_decide(
    *, application_id: UUID, outcome: Outcome, reason: str, user: StaffUser, as_of: date, at: datetime
) -> Decision:
    """A person decides what the rules referred. Approval grants what the score earns, never more.

    Raises `ReasonRequired`, `TransitionRefused` (not referred), `LimitExceeded` (the law leaves no room, R54).
    """
    if not reason.strip():
        raise ReasonRequired
    if outcome not in (Outcome.APPROVED, Outcome.REJECTED):
        raise ValueError("a person approves or rejects")
    found = CreditApplication.objects.filter(pk=application_id).first()
    if found is None:
        raise ObjectNotFound
    person = Customer.objects.select_for_update(no_key=True).get(pk=found.customer_id)
    application = application_lock(application_id)
    if application.state != ApplicationState.REFERRED:
        raise TransitionRefused(state=str(application.state))
    machine = application.decisions.order_by("pk").last()
    if machine is None:
        raise TransitionRefused(state=str(application.state))
    inputs = _with_room_of_today(machine.inputs, person)
    result = decide(inputs)
    if outcome == Outcome.APPROVED and (result["limit"] is None or Decimal(result["limit"]) <= ZERO):
        raise LimitExceeded(available="0.00")
    decision = _decision_create(
        application,
        result=result,
        inputs=inputs,
        outcome=outcome,
        reasons=[{"code": "manual_review"}],
        terms_id=machine.terms_id,
        scorecard_id=machine.scorecard_id,
        at=at,
        as_of=as_of,
        decided_by=user,
        answers=machine,
        note=reason,
    )
    _decision_apply(application, decision, result, Actor.of(user), as_of, at)
    return decision


def _with_room_of_today(inputs: dict[str, Any], person: Customer) -> dict[str, Any]:
    """The same facts, but lines opened since the referral count against the household's room (R54)."""
    return {**inputs, "facts": {**inputs["facts"], "other_limits_amount": str(limits_open_sum(person))}}


@dataclass(frozen=True)
class Difference:
    """A part of an answer that a replay gives otherwise than it was stored."""

    name: str
    stored: str
    replayed: str


def decision_compare(decision: Decision) -> list[Difference]:
    """Where the same input gives another answer than was stored, part by part; empty: bit for bit the same (R21).

    For a decision by a person the rules' part is replayed; the person's outcome is not a computation.
    """
    result = decide(decision.inputs)
    pairs: list[tuple[str, Any, Any]] = [
        ("score", decision.score, Decimal(result["score"])),
        ("dimensions", decision.dimensions, result["dimensions"]),
    ]
    if decision.outcome == Outcome.APPROVED:
        pairs += [
            ("limit", decision.limit_amount, Decimal(result["limit"] or ZERO)),
            ("daily_rate", decision.daily_rate, Decimal(result["daily_rate"] or ZERO)),
            ("tier", decision.tier, result["tier"]),
        ]
    if decision.decided_by_id is None:
        pairs += [("outcome", decision.outcome, result["outcome"]), ("reasons", decision.reasons, result["reasons"])]
    # The fingerprint covers what is not stored in a column of its own, such as the values of the variables.
    pairs.append(("result_sha256", decision.result_sha256, result_sha256(result)))
    return [Difference(name, str(stored), str(replayed)) for name, stored, replayed in pairs if stored != replayed]


def decision_replay(decision: Decision) -> bool:
    """Does the same input still give the same answer, bit for bit, and is that what was stored? (R21)"""
    return not decision_compare(decision)
