"""Screening: the pipeline run at an event, kept whole, with its effects (R33–R37).

The customer is told neutral texts only, never which layer spoke.
"""

import time
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction

from accounts import checks
from accounts.errors import DeviceNotVerified
from accounts.models import Customer, Device
from accounts.services.device import device_doubt
from risk.errors import CreditLineFrozen, ScreeningDeclined
from risk.models import (
    Alert,
    AlertSeverity,
    CreditLine,
    FreezeReason,
    LineState,
    LoginRecord,
    PolicyState,
    Screening,
    ScreeningHit,
    ScreeningPolicy,
)
from risk.rules.decision import result_sha256
from risk.rules.screening import Program, program_of
from risk.rules.screening.spec import ALERT, BLOCK, CHALLENGE, ENFORCED, FREEZE, LOAN, LOGIN, REFER
from risk.selectors.known import Known
from risk.selectors.policy import screening_covering
from risk.selectors.remembered import policy_look_again
from risk.selectors.screening import LoanAsked, Occasion, inputs_gather
from risk.services.acts import act_count
from risk.services.alert import alert_raise
from risk.services.credit_line import credit_line_freeze
from risk.services.presets import screening_preset
from weilidai.lib.audit import Actor
from weilidai.lib.bulk import row_insert, rows_save
from weilidai.lib.errors import DomainError
from weilidai.lib.prepared import prepared

SEVERITIES = {
    ALERT: AlertSeverity.MEDIUM,
    REFER: AlertSeverity.MEDIUM,
    FREEZE: AlertSeverity.HIGH,
    BLOCK: AlertSeverity.HIGH,
}
PLACE_LAYER, FREQUENCY_LAYER = "geolocation", "behaviour_frequency"


def screening_current(as_of: date) -> ScreeningPolicy:
    """The pipeline in force. Where none covers the date the shipped one is written down and holds."""
    policy = screening_covering(as_of)
    if policy is None:
        try:
            with transaction.atomic():
                screening_preset(as_of)
        except IntegrityError:
            # Somebody else wrote it down at the same moment.
            pass
        policy_look_again()
        policy = screening_covering(as_of) or ScreeningPolicy.objects.exclude(state=PolicyState.DRAFT).earliest(
            "version"
        )
    return policy


def program_for(policy: ScreeningPolicy) -> Program:
    """Made ready once per version and process: what is in force is never edited."""
    if policy.state == PolicyState.DRAFT:
        return program_of(policy.definition)
    return _program(policy.pk)


@lru_cache(maxsize=32)
def _program(policy_id: UUID) -> Program:
    return program_of(ScreeningPolicy.objects.get(pk=policy_id).definition)


@transaction.atomic(savepoint=False)
def screen(
    *,
    event: str,
    customer: Customer,
    subject: models.Model,
    as_of: date,
    at: datetime,
    actor: Actor,
    device: Device | None = None,
    fingerprint: str = "",
    user_agent: str = "",
    ip: str | None = None,
    city: str = "",
    loan: LoanAsked | None = None,
    known: Known | None = None,
) -> Screening:
    """Runs the pipeline, keeps the run, raises alerts, doubts the device, freezes. Never refuses by itself:
    ask `screening_refusal`, and raise it only once this is committed.

    Lock order: a caller that holds a line or the customer must hold all lines of the customer (`lines_lock`).
    """
    started = time.perf_counter()
    policy = screening_current(as_of)
    program = program_for(policy)
    steps = program.steps[event]
    counted = any(step.layer == FREQUENCY_LAYER and step.tests is not None for step in steps)
    occasion = Occasion(
        event=event, customer=customer, as_of=as_of, at=at, device=device,
        fingerprint=device.fingerprint if device else fingerprint, user_agent=user_agent, ip=ip, city=city, loan=loan,
        times=act_count(customer=customer, act=event, at=at) if counted else (), shared=known,
    )  # fmt: skip
    inputs = inputs_gather(occasion, steps)
    result = program.run(inputs)
    screening = Screening(
        event=event, customer=customer, subject_type=subject._meta.label_lower, subject_id=str(subject.pk),
        policy=policy, business_date=as_of, at=at, verdict=result["verdict"], decided_by=result["decided_by"],
        inputs=inputs, result=result, result_sha256=result_sha256(result),
        duration_ms=int((time.perf_counter() - started) * 1000),
    )  # fmt: skip
    row_insert(screening)
    _hits_write(screening)
    _effects(screening, device, actor)
    return screening


def _hits_write(screening: Screening) -> None:
    hits = [
        ScreeningHit(
            screening=screening, business_date=screening.business_date, layer=layer["layer"],
            condition=finding["condition"], verdict=finding["verdict"], is_enforced=layer["mode"] == ENFORCED,
            customer_id=screening.customer_id,
        )
        for layer in screening.result["layers"]
        for finding in layer["findings"]
    ]  # fmt: skip
    if hits:
        rows_save(hits)


def _effects(screening: Screening, device: Device | None, actor: Actor) -> None:
    """What enforced layers ask for; layers in shadow are kept and do nothing."""
    for layer in screening.result["layers"]:
        if layer["mode"] == ENFORCED:
            for finding in layer["findings"]:
                if finding["verdict"] in SEVERITIES:
                    _alert(screening, layer["layer"], finding, actor)
    if screening.verdict == CHALLENGE and device is not None:
        device_doubt(device=device, actor=Actor.system("layers"), at=screening.at)
    if screening.verdict == FREEZE:
        place = screening.decided_by == PLACE_LAYER
        _lines_freeze(screening, FreezeReason.UNUSUAL_PLACE if place else FreezeReason.RISK_LAYER)


def _alert(screening: Screening, layer: str, finding: dict[str, Any], actor: Actor) -> None:
    """One alert per condition, customer and day, for a transfer one for ever; those that wait are not touched again
    at every event."""
    evidence = finding["evidence"]
    key = transfer_key(evidence["row"]) if "row" in evidence else None
    key = key or f"{finding['condition']}:{screening.customer_id}:{screening.business_date}"
    if _alerts_raised(key):
        return
    alert_raise(
        customer=screening.customer, rule=finding["condition"], layer=layer, dedupe_key=key,
        evidence={"point": screening.event, **evidence, "screening": str(screening.pk)},
        severity=SEVERITIES[finding["verdict"]], as_of=screening.business_date, at=screening.at, actor=actor,
    )  # fmt: skip


@prepared
def _alerts_raised(key: Any) -> Any:
    return Alert.objects.filter(dedupe_key=key).order_by().values_list("pk", flat=True)


def transfer_key(row_id: str) -> str:
    """What makes one transfer one alert, whoever sees it first."""
    return f"single_transfer:{row_id}"


@prepared
def lines_locked(customer: Any) -> Any:
    """All lines of a customer under lock, always in the same order."""
    return CreditLine.objects.select_for_update(no_key=True).filter(customer=customer).order_by("pk")


def lines_lock(customer: Customer) -> list[CreditLine]:
    return lines_locked(customer.pk)


def _lines_freeze(screening: Screening, reason: FreezeReason) -> None:
    for line in lines_lock(screening.customer):
        if line.state == LineState.ACTIVE:
            credit_line_freeze(
                line_id=line.pk, reason=reason, actor=Actor.system("layers"), as_of=screening.business_date,
                at=screening.at, note=str(screening.pk),
            )  # fmt: skip


def screening_refusal(screening: Screening) -> DomainError | None:
    """What the customer is told, None where the act goes on. What was written stays although the act is refused."""
    refusal = _refusal(screening)
    if refusal is not None:
        refusal.keeps_work = True
    return refusal


def _refusal(screening: Screening) -> DomainError | None:
    verdict, event = screening.verdict, screening.event
    if event == LOGIN:
        # Repaying stays open, so that only a block keeps somebody out (R36).
        return ScreeningDeclined() if verdict == BLOCK else None
    if event == checks.DEVICE_VERIFICATION:
        # A frozen line is no reason to refuse the device; the proof has just answered a challenge.
        return ScreeningDeclined() if verdict in (REFER, BLOCK) else None
    if verdict == CHALLENGE:
        return DeviceNotVerified()
    if event == LOAN and verdict == FREEZE:
        layer = screening.decided_by
        reason = FreezeReason.UNUSUAL_PLACE if layer == PLACE_LAYER else FreezeReason.RISK_LAYER
        return CreditLineFrozen(frozen_reason=str(reason))
    return ScreeningDeclined() if event == LOAN and verdict in (REFER, BLOCK) else None


def act_screen(act: checks.Act) -> DomainError | None:
    """For the registry of `accounts`: a login leaves its place, and both acts are screened."""
    screening = screen(
        event=act.event, customer=act.customer, subject=act.device or act.customer, as_of=act.as_of, at=act.at,
        actor=Actor.of(act.customer), device=act.device, fingerprint=act.fingerprint, user_agent=act.user_agent,
        ip=act.ip,
    )  # fmt: skip
    if act.event == checks.LOGIN:
        place = screening.inputs.get(PLACE_LAYER) or {}
        LoginRecord.objects.create(
            customer=act.customer, at=act.at, date=act.as_of, ip=act.ip, city=place.get("city") or "",
            device=act.fingerprint[:200],
        )  # fmt: skip
    return screening_refusal(screening)


def screening_replay(screening: Screening) -> bool:
    """Do the kept inputs under the kept version still give the kept answer, bit for bit?"""
    result = program_of(screening.policy.definition).run(screening.inputs)
    return result == screening.result and result_sha256(result) == screening.result_sha256
