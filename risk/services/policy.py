"""Putting a drafted policy into force: never by the person who drafted it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from risk.errors import FourEyesRequired
from risk.models import (
    GreenAct,
    LimitRaisePolicy,
    MonitoringPolicy,
    PolicyState,
    ProductTerms,
    RateReviewPolicy,
    Scorecard,
    ScreeningPolicy,
)
from risk.rules.purposes import unknown_purposes
from risk.rules.scorecard import ScorecardInvalid, scorecard_check
from risk.rules.screening import ScreeningInvalid, definition_check
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import FieldInvalid, TransitionRefused

Policy = ProductTerms | Scorecard | MonitoringPolicy | LimitRaisePolicy | RateReviewPolicy | ScreeningPolicy


@transaction.atomic
def policy_activate(
    *, policy: Any, user: StaffUser, as_of: date, at: datetime, check: Callable[[Any], object] | None = None
) -> Any:
    """Activates a draft from its `valid_from` on and ends its predecessor the day before.

    `check` judges the content of a policy that lives in an app above. Raises `FourEyesRequired`, `TransitionRefused`
    (no draft), `FieldInvalid` (a date in the past, a scorecard or tiers that break the rules).
    """
    model: Any = type(policy)
    row = model.objects.select_for_update(no_key=True).get(pk=policy.pk)
    if row.state != PolicyState.DRAFT:
        raise TransitionRefused(state=row.state)
    if row.drafted_by_id is None or row.drafted_by_id == user.pk:
        raise FourEyesRequired
    if row.valid_from < as_of:
        raise _fault("valid_from", _("A policy cannot begin in the past"))
    (check or content_check)(row)
    _predecessors_retire(row, model)
    row.state, row.approved_by, row.approved_at = PolicyState.ACTIVE, user, at
    row.save(update_fields=["state", "approved_by", "approved_at"])
    actor = Actor.of(user)
    state_change_record(subject=row, old=PolicyState.DRAFT, new=row.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="policy.activate", actor=actor, subject=row, at=at, as_of=as_of, reason=row.change_reason,
        after={"version": row.version, "valid_from": row.valid_from.isoformat()},
    )  # fmt: skip
    return row


def content_check(row: Policy) -> None:
    """Raises `FieldInvalid` on a draft that must not be activated."""
    if isinstance(row, Scorecard):
        try:
            scorecard_check(row.definition)
        except (ScorecardInvalid, KeyError, TypeError, ArithmeticError) as error:
            raise _fault("definition", str(error)) from error
        return
    if isinstance(row, ScreeningPolicy):
        try:
            definition_check(row.definition)
        except ScreeningInvalid as error:
            raise FieldInvalid(field_errors=error.faults) from error
        return
    if isinstance(row, MonitoringPolicy):
        if not 0 <= row.approval_rate_min < row.approval_rate_max <= 1:
            raise _fault("approval_rate_max", _("A range must not end below its beginning"))
        if row.label_months < 1:
            raise _fault("label_months", _("At least one month"))
        return
    if isinstance(row, LimitRaisePolicy):
        shares = (row.proof_property_share, row.proof_vehicle_share, row.proof_both_share)
        if min(shares) < 0 or sum(shares) > 1:
            raise _fault("proof_both_share", _("Shares lie between 0 and 1, also together"))
        _monthly_check(row)
        return
    if isinstance(row, RateReviewPolicy):
        if min(row.step_down_rate, row.step_up_rate, row.on_time_rate) < 0:
            raise _fault("step_down_rate", _("A step is not negative"))
        return
    tiers = list(row.tiers.all())
    if not any(tier.months_in_use_min == 0 and tier.assets_min_amount == 0 for tier in tiers):
        raise _fault("tiers", _("One tier must be open to everybody"))
    for tier in tiers:
        if tier.limit_min_amount > tier.limit_max_amount or tier.daily_rate_min > tier.daily_rate_max:
            raise _fault("tiers", _("A range must not end below its beginning"))
    _vouchers_check(row)


def _vouchers_check(row: ProductTerms) -> None:
    purposes, days = row.voucher_purposes, row.voucher_reminder_days
    if not isinstance(purposes, list) or not all(isinstance(code, str) and code for code in purposes):
        raise _fault("voucher_purposes", _("A list of codes of purposes"))
    if unknown := unknown_purposes(purposes):
        detail = _("No purpose is called {names}").format(names=", ".join(unknown))
        raise FieldInvalid(field_errors=[{"field": "voucher_purposes", "code": "unknown", "detail": detail}])
    whole = isinstance(days, list) and all(type(day) is int for day in days)
    if not whole or sorted(set(days)) != days or any(not 0 < day <= row.voucher_days for day in days):
        raise _fault("voucher_reminder_days", _("Rising whole days, none after the last day for vouchers"))
    if not 0 < row.voucher_share_min <= 1:
        raise _fault("voucher_share_min", _("A share lies above 0 and is at most 1"))
    if row.voucher_waiting_max < 1:
        raise _fault("voucher_waiting_max", _("At least one voucher can be sent"))


def _monthly_check(row: LimitRaisePolicy) -> None:
    for name in ("fund_share", "green_step_share", "green_max_share"):
        if not 0 <= getattr(row, name) <= 1:
            raise _fault(name, _("A share lies between 0 and 1"))
    if row.green_step_points < 1:
        raise _fault("green_step_points", _("A step has at least one point"))
    worth = row.green_points
    good = isinstance(worth, dict) and all(
        act in GreenAct.Act.values and type(points) is int and points >= 0 for act, points in worth.items()
    )
    if not good:
        raise _fault("green_points", _("Whole points, not negative, by the acts the green feed knows"))


def _predecessors_retire(row: Any, model: Any) -> None:
    """Rows in force are replaced from the new one's first day; their own history stays readable by date."""
    same = {"product_id": row.product_id} if model is ProductTerms else {"code": row.code}
    older = model.objects.select_for_update(no_key=True).filter(
        state=PolicyState.ACTIVE, valid_from__lt=row.valid_from, **same
    )
    for old in older:
        last_day = row.valid_from - timedelta(days=1)
        old.valid_to = min(old.valid_to, last_day) if old.valid_to else last_day
        old.state = PolicyState.RETIRED
        old.save(update_fields=["valid_to", "state"])


def _fault(field: str, detail: Any) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])
