"""What a feed brings is looked at while it comes in: large transfers (R34), logins from elsewhere (R36).

Runs in the batch's own transaction, so that a batch and what it told are one: a repeated row tells nothing again.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Model

from accounts.models import Customer
from risk.models import CreditLine, LineState, LoginEvent, LoginRecord, PaymentEvent
from risk.rules.screening.amounts import SINGLE_TRANSFER, is_large_transfer
from risk.rules.screening.evaluate import Program, Step
from risk.rules.screening.spec import ENFORCED, EVENTS, LOGIN
from risk.services.alert_bulk import Found, alerts_raise
from risk.services.screening import PLACE_LAYER, SEVERITIES, program_for, screen, screening_current, transfer_key
from weilidai.lib.audit import Actor

AMOUNT_LAYER = "single_amount"
ACTOR = Actor.system("layers")
Pair = tuple[UUID, str]


def feed_watch(*, model: type[Model], rows: Sequence[Any], as_of: date, at: datetime) -> None:
    """Called with the rows of one batch right after they were written."""
    if model is PaymentEvent:
        _transfers(rows, as_of, at)
    elif model is LoginEvent:
        _logins(rows, as_of, at)


def _step(layer: str, as_of: date, events: Sequence[str]) -> Step | None:
    """The layer as it stands on the date, None while it only watches or runs at none of the events."""
    return _step_of(program_for(screening_current(as_of)), layer, events)


def _step_of(program: Program, layer: str, events: Sequence[str]) -> Step | None:
    steps = (step for event in events for step in program.steps[event])
    return next((step for step in steps if step.layer == layer and step.mode == ENFORCED and step.tests), None)


def _transfer_rule(program: Program) -> tuple[str, Decimal] | None:
    """Verdict and threshold of a large transfer, None where the version tells nobody of it."""
    step = _step_of(program, AMOUNT_LAYER, EVENTS)
    if step is None or step.tests is None:
        return None
    verdict = next(verdict for name, verdict, _ in step.tests if name == SINGLE_TRANSFER)
    return (verdict, step.figures["transfer_amount"]) if verdict in SEVERITIES else None


def transfer_threshold(program: Program) -> Decimal | None:
    """Above which amount a transfer that a feed brings is told under a version of the layers."""
    told = _transfer_rule(program)
    return told[1] if told else None


def _transfers(rows: Sequence[PaymentEvent], as_of: date, at: datetime) -> None:
    """Every transfer above the threshold is one alert, whatever its age."""
    out = [row for row in rows if row.kind == PaymentEvent.Kind.TRANSFER_OUT]
    told = _transfer_rule(program_for(screening_current(as_of))) if out else None
    if told is None:
        return
    verdict, threshold = told
    found = [
        Found(
            customer_id=row.customer_id, rule=SINGLE_TRANSFER, layer=AMOUNT_LAYER, severity=SEVERITIES[verdict],
            dedupe_key=transfer_key(row.row_id),
            evidence={"point": "payments", "amount": str(row.amount), "threshold": str(threshold),
                      "date": row.date.isoformat(), "transfer": row.row_id},
        )
        for row in out
        if is_large_transfer(row.amount, threshold)
    ]  # fmt: skip
    if found:
        alerts_raise(found=found, as_of=as_of, at=at, actor=ACTOR)


def _logins(rows: Sequence[LoginEvent], as_of: date, at: datetime) -> None:
    """Recent logins of people who could draw, from a city that is none of their settled ones: the pipeline judges
    each such city once. Older logins tell of usual cities only."""
    step = _step(PLACE_LAYER, as_of, (LOGIN,)) if rows else None
    if step is None or step.tests is None:
        return
    settled = as_of - timedelta(days=step.figures["settled_days"])
    recent: dict[Pair, LoginEvent] = {}
    for row in sorted(rows, key=lambda row: (row.customer_id, row.at)):
        if row.city and settled < row.date <= as_of:
            recent.setdefault((row.customer_id, row.city), row)
    strange = _not_usual(recent, as_of - timedelta(days=step.figures["usual_days"]), settled)
    people = Customer.objects.in_bulk({customer for customer, _ in strange})
    for customer, city in strange:
        row = recent[customer, city]
        screen(
            event=LOGIN, customer=people[customer], subject=row, as_of=as_of, at=at, actor=ACTOR,
            fingerprint=row.device, user_agent=row.device_model, ip=row.ip, city=city,
        )  # fmt: skip


def _not_usual(recent: dict[Pair, LoginEvent], first: date, settled: date) -> list[Pair]:
    """Those of customers with an open line whose city was not seen before it would count as usual."""
    drawing = set(
        CreditLine.objects.filter(
            customer__in={customer for customer, _ in recent}, state=LineState.ACTIVE
        ).values_list("customer_id", flat=True)
    )  # fmt: skip
    usual: set[Pair] = set()
    for model in (LoginEvent, LoginRecord):
        known = model._default_manager.filter(
            customer__in=drawing, date__gt=first, date__lte=settled, city__in={city for _, city in recent}
        )
        usual |= set(known.order_by().values_list("customer_id", "city").distinct())
    return [pair for pair in recent if pair[0] in drawing and pair not in usual]
