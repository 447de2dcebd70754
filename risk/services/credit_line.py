"""Holding a line: every change of what it may lend happens here, under its row lock (I2).

`line_*` take a line its caller locked by `credit_line_lock` (or its id) inside the caller's transaction;
`credit_line_*` are whole operations of their own.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Customer
from accounts.services.notification import notification_send
from risk.errors import CreditLineClosed, CreditLineFrozen, LimitExceeded, LineInUse, ReasonRequired
from risk.models import CreditApplication, CreditLine, Decision, FreezeReason, LineChange, LineState
from risk.models.product import RegulationParameter
from risk.selectors.facts import limits_open_sum
from risk.selectors.policy import regulation, terms_current
from risk.services.appeal_lapse import appeals_lapse
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.bulk import row_insert, row_update
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step
from weilidai.lib.money import ZERO
from weilidai.lib.prepared import prepared


def credit_line_lock(line_id: UUID, *, customer: Customer | None = None) -> CreditLine:
    """The row under lock until the caller's transaction ends; with `customer`, only their own."""
    rows = _line_locked(line_id) if customer is None else _own_line_locked(line_id, customer.pk)
    if not rows:
        raise ObjectNotFound
    line: CreditLine = rows[0]
    return line


@prepared
def _line_locked(line: Any) -> Any:
    return CreditLine.objects.select_for_update(no_key=True).filter(pk=line).order_by()


@prepared
def _own_line_locked(line: Any, customer: Any) -> Any:
    return CreditLine.objects.select_for_update(no_key=True).filter(pk=line, customer=customer).order_by()


def _locked(line: CreditLine | UUID) -> CreditLine:
    return line if isinstance(line, CreditLine) else credit_line_lock(line)


def line_usable_check(line: CreditLine) -> None:
    """Raises `CreditLineFrozen` or `CreditLineClosed` unless drawing is open."""
    if line.state == LineState.FROZEN:
        raise CreditLineFrozen(frozen_reason=line.frozen_reason)
    if line.state != LineState.ACTIVE:
        raise CreditLineClosed


def line_reserve(line: CreditLine | UUID, amount: Decimal) -> CreditLine:
    """Takes `amount` of the line for a loan. Raises also `LimitExceeded`."""
    locked = _locked(line)
    line_usable_check(locked)
    if _positive(amount) > locked.available_amount:
        raise LimitExceeded(available=str(locked.available_amount))
    locked.used_amount += amount
    row_update(locked, "used_amount")
    return locked


def line_release(line: CreditLine | UUID, amount: Decimal) -> CreditLine:
    """Gives repaid or never paid-out principal back, whatever the line's state: repaying is always open."""
    locked = _locked(line)
    if _positive(amount) > locked.used_amount:
        raise AssertionError(f"line {locked.pk}: release of {amount} exceeds used {locked.used_amount}")
    locked.used_amount -= amount
    row_update(locked, "used_amount")
    return locked


def line_retake(line: CreditLine | UUID, amount: Decimal) -> CreditLine:
    """Takes released limit back because what had been repaid was not: whatever the state, also above the limit."""
    locked = _locked(line)
    locked.used_amount += _positive(amount)
    row_update(locked, "used_amount")
    return locked


def _positive(amount: Decimal) -> Decimal:
    if amount <= ZERO:
        raise ValueError("an amount must be positive")
    return amount


def line_open(
    *,
    application: CreditApplication,
    decision: Decision,
    penalty_share: Decimal,
    actor: Actor,
    as_of: date,
    at: datetime,
) -> CreditLine:
    """Opens the line an approval grants; called in the transaction of the decision.

    A line that a gift opened becomes the customer's own, with what was received and used on it.
    """
    gifts = _gift_line_locked(application.customer_id, application.product_id)
    line = gifts[0] if gifts else CreditLine(customer_id=application.customer_id, product_id=application.product_id)
    line.application, line.tier, line.opened_date = application, decision.tier, as_of
    line.limit_amount, line.daily_rate, line.penalty_share = decision.limit_amount, decision.daily_rate, penalty_share
    if gifts:
        line.save()
    else:
        row_insert(line)
    _change_record(line, old=None, reason="opened", actor=actor, as_of=as_of, at=at)
    state_change_record(subject=line, old="", new=line.state, actor=actor, as_of=as_of, at=at)
    audit_record(action="credit_line.open", actor=actor, subject=line, at=at, as_of=as_of, after=_figures(line))
    return line


@prepared
def _gift_line_locked(customer: Any, product: Any) -> Any:
    rows = CreditLine.objects.select_for_update(no_key=True).exclude(state=LineState.CLOSED).order_by("pk")
    return rows.filter(customer=customer, product=product, application__isnull=True)[:1]


@transaction.atomic
def credit_line_change(
    *,
    line_id: UUID,
    reason: str,
    actor: Actor,
    as_of: date,
    at: datetime,
    limit_amount: Decimal | None = None,
    daily_rate: Decimal | None = None,
    tier: str | None = None,
    penalty_share: Decimal | None = None,
) -> CreditLine:
    """A new limit, rate or tier, kept as a `LineChange`. New figures hold for new loans only.

    Raises `LimitExceeded` for a limit below what is in use, above the product's ceiling or above what the
    household may hold (R54), `CreditLineClosed`, `ReasonRequired`.
    """
    line = credit_line_lock(line_id)
    if line.state == LineState.CLOSED:
        raise CreditLineClosed
    if not reason.strip():
        raise ReasonRequired
    before = CreditLine(**{name: getattr(line, name) for name in _FIGURES})
    old = _figures(line)
    if limit_amount is not None and limit_amount != line.limit_amount:
        _limit_check(line, limit_amount, as_of)
        line.limit_amount = limit_amount
    line.daily_rate = line.daily_rate if daily_rate is None else daily_rate
    line.tier = tier or line.tier
    line.penalty_share = line.penalty_share if penalty_share is None else penalty_share
    line.save(update_fields=list(_FIGURES))
    _change_record(line, old=before, reason=reason, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="credit_line.change",
        actor=actor,
        subject=line,
        at=at,
        as_of=as_of,
        before=old,
        after=_figures(line),
        reason=reason,
    )
    return line


def _limit_check(line: CreditLine, limit: Decimal, as_of: date) -> None:
    taken = line.used_amount + line.gifted_amount - line.received_amount
    if limit < taken:
        raise LimitExceeded(used=str(taken))
    if limit <= line.limit_amount:
        return
    # Two raises on two lines of one person must not both see the same room.
    customer = Customer.objects.select_for_update(no_key=True).get(pk=line.customer_id)
    others = limits_open_sum(customer, exclude=line.pk)
    household = regulation(RegulationParameter.Name.HOUSEHOLD_CREDIT_AMOUNT, as_of)
    ceiling = min(terms_current(line.product_id, as_of).limit_ceiling_amount, household - others)
    if limit > ceiling:
        raise LimitExceeded(ceiling=str(max(ceiling, ZERO)))


@transaction.atomic
def credit_line_freeze(
    *, line_id: UUID, reason: FreezeReason, actor: Actor, as_of: date, at: datetime, note: str = ""
) -> CreditLine:
    """Stops drawing; repaying stays open (R36). The customer is told and may appeal."""
    line = credit_line_lock(line_id)
    line.frozen_reason, line.frozen_at = reason, at
    take_step(
        line,
        "freeze",
        actor=actor,
        as_of=as_of,
        at=at,
        reason=note or reason,
        update_fields=("frozen_reason", "frozen_at"),
    )
    audit_record(
        action="credit_line.freeze",
        actor=actor,
        subject=line,
        at=at,
        as_of=as_of,
        after={"frozen_reason": str(reason)},
        reason=note,
    )
    _notice(line, "credit_line_frozen", at, as_of, reason=str(reason))
    return line


@transaction.atomic
def credit_line_unfreeze(*, line_id: UUID, reason: str, actor: Actor, as_of: date, at: datetime) -> CreditLine:
    """Drawing is open again; a reason is needed."""
    if not reason.strip():
        raise ReasonRequired
    line = credit_line_lock(line_id)
    old = line.frozen_reason
    line.frozen_reason, line.frozen_at = "", None
    take_step(
        line, "unfreeze", actor=actor, as_of=as_of, at=at, reason=reason, update_fields=("frozen_reason", "frozen_at")
    )
    audit_record(
        action="credit_line.unfreeze",
        actor=actor,
        subject=line,
        at=at,
        as_of=as_of,
        before={"frozen_reason": old},
        reason=reason,
    )
    _notice(line, "credit_line_unfrozen", at, as_of)
    appeals_lapse(line=line, actor=actor, as_of=as_of, at=at, reason="unfrozen")
    return line


@transaction.atomic
def credit_line_close(*, line_id: UUID, reason: str, actor: Actor, as_of: date, at: datetime) -> CreditLine:
    """Gives the line up. Raises `LineInUse` while anything is lent on it."""
    line = credit_line_lock(line_id)
    if line.used_amount or line.gifted_amount or line.received_amount:
        raise LineInUse
    take_step(line, "close", actor=actor, as_of=as_of, at=at, reason=reason)
    audit_record(action="credit_line.close", actor=actor, subject=line, at=at, as_of=as_of, reason=reason)
    _notice(line, "credit_line_closed", at, as_of)
    appeals_lapse(line=line, actor=actor, as_of=as_of, at=at, reason="closed")
    return line


_FIGURES = ("limit_amount", "daily_rate", "tier", "penalty_share")


def _figures(line: CreditLine) -> dict[str, str]:
    return {name: str(getattr(line, name)) for name in _FIGURES}


def _change_record(
    line: CreditLine, *, old: CreditLine | None, reason: str, actor: Actor, as_of: date, at: datetime
) -> LineChange:
    change = LineChange(
        credit_line=line,
        customer_id=line.customer_id,
        business_date=as_of,
        at=at,
        reason=reason,
        actor_name=actor.name,
        old_limit_amount=old.limit_amount if old else None,
        new_limit_amount=line.limit_amount,
        old_daily_rate=old.daily_rate if old else None,
        new_daily_rate=line.daily_rate,
        old_tier=old.tier if old else "",
        new_tier=line.tier,
    )
    row_insert(change)
    return change


def _notice(line: CreditLine, kind: str, at: datetime, as_of: date, **params: str) -> None:
    notification_send(
        customer=line.customer,
        kind=kind,
        params={"product": line.product_id, **params},
        dedupe_key=f"{kind}:{line.pk}:{at.isoformat()}",
        business_date=as_of,
    )
