"""Putting a drafted policy into force: never by the person who drafted it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from risk.errors import DraftChanged, FourEyesRequired
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
from risk.rules.terms import terms_faults
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import FieldInvalid, TransitionRefused

Policy = ProductTerms | Scorecard | MonitoringPolicy | LimitRaisePolicy | RateReviewPolicy | ScreeningPolicy


@transaction.atomic
def policy_activate(
    *,
    policy: Any,
    user: StaffUser,
    as_of: date,
    at: datetime,
    check: Callable[[Any], object] | None = None,
    seen: str = "",
) -> Any:
    """Activates a draft from its `valid_from` on and ends its predecessor the day before.

    `check` judges the content of a policy that lives in an app above; `seen` is the `draft_mark` of what the user
    looked at. Raises `FourEyesRequired`, `DraftChanged`, `TransitionRefused` (no draft), `FieldInvalid` (a date in the
    past, a scorecard or tiers that break the rules).
    """
    row = _series_lock(policy)
    if row.state != PolicyState.DRAFT:
        raise TransitionRefused(state=row.state)
    if row.drafted_by_id is None or row.drafted_by_id == user.pk:
        raise FourEyesRequired
    if seen and seen != draft_mark(row):
        raise DraftChanged
    if row.valid_from < as_of:
        raise _fault("valid_from", _("A policy cannot begin in the past"))
    (check or content_check)(row)
    _newer_check(row)
    _predecessors_retire(row)
    row.state, row.approved_by, row.approved_at = PolicyState.ACTIVE, user, at
    row.save(update_fields=["state", "approved_by", "approved_at", "valid_to"])
    actor = Actor.of(user)
    state_change_record(subject=row, old=PolicyState.DRAFT, new=row.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="policy.activate", actor=actor, subject=row, at=at, as_of=as_of, reason=row.change_reason,
        after={"version": row.version, "valid_from": row.valid_from.isoformat()},
    )  # fmt: skip
    return row


def draft_mark(policy: Any) -> str:
    """Another one after each time the draft was saved."""
    newest = policy.history.order_by("-history_id").values_list("history_id", flat=True).first()
    return f"{policy.pk}:{newest}"


def content_check(row: Policy) -> None:
    """Raises `FieldInvalid` on a draft that must not be activated."""
    if isinstance(row, Scorecard):
        try:
            scorecard_check(row.definition)
        except ScorecardInvalid as error:
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
    faults = list(terms_faults(row, list(row.tiers.all())))
    if faults:
        raise FieldInvalid(field_errors=[{"field": f, "code": "invalid", "detail": detail} for f, detail in faults])
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


def _series(policy: Any) -> Any:
    """All versions of the same policy."""
    model: Any = type(policy)
    same = {"product_id": policy.product_id} if model is ProductTerms else {"code": policy.code}
    return model.objects.filter(**same)


def _series_lock(policy: Any) -> Any:
    """The row anew, its whole series locked: two drafts approved at once come one after the other."""
    rows = {row.pk: row for row in _series(policy).select_for_update(no_key=True).order_by("pk")}
    return rows[policy.pk]


def _newer_check(row: Any) -> None:
    """A version that could never come into force is not approved: a newer one begins on its first day."""
    in_force = _series(row).exclude(state=PolicyState.DRAFT)
    if in_force.filter(valid_from=row.valid_from, version__gt=row.version).exists():
        raise _fault("valid_from", _("A newer version begins on this day already"))


def _predecessors_retire(row: Any) -> None:
    """Rows in force are replaced from the new one's first day; their own history stays readable by date.

    One that begins later stays, and the new row ends the day before it.
    """
    last_day = row.valid_from - timedelta(days=1)
    for old in _series(row).filter(state=PolicyState.ACTIVE, valid_from__lte=row.valid_from):
        end = max(last_day, old.valid_from)
        old.valid_to = min(old.valid_to, end) if old.valid_to else end
        old.state = PolicyState.RETIRED
        old.save(update_fields=["valid_to", "state"])
    later = _series(row).exclude(state=PolicyState.DRAFT).filter(valid_from__gt=row.valid_from)
    first = later.order_by("valid_from").values_list("valid_from", flat=True).first()
    if first is not None:
        row.valid_to = first - timedelta(days=1)


def _fault(field: str, detail: Any) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])
